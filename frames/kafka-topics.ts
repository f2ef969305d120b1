/**
 * Edge: where things lie in Kafka: a topic of chunks for each feed, in partitions by an explicit map of
 * streams that is fixed for the day, one topic for what the centre asks, one for how far it is and one for
 * dictionaries, and the topics of events. All names begin with a prefix, so that several systems share a cluster.
 */
import { TransportError } from "./transport-error.ts";

export const KAFKA_PREFIX = "edgebook";
/** What a topic gets that nobody made before. */
export const PARTITIONS = 4;

export interface KafkaAddress {
  /** `HOST:PORT`, each. */
  readonly brokers: readonly string[];
  /** What all topics begin with. */
  readonly prefix: string;
  /** As given, for status lines. */
  readonly url: string;
}

/**
 * `kafka://HOST:PORT[,HOST:PORT][/PREFIX]`.
 * @throws TransportError that says what an address looks like
 */
export function parseKafkaAddress(url: string): KafkaAddress {
  const found = /^kafka:\/\/([^/?#]+)(?:\/([\w.-]{0,64}))?$/.exec(url);
  const rest = found?.[1] ?? "";
  const brokers = rest.split(",").map((each) => (/:\d+$/.test(each) ? each : `${each}:9092`));
  if (rest === "" || brokers.some((each) => !/^[^\s:]+:\d{1,5}$/.test(each))) {
    throw new TransportError(
      "bad_flag",
      `'${url}' is no address of Kafka.`,
      "Write kafka://HOST:PORT, or several as kafka://HOST:PORT,HOST:PORT; /PREFIX may follow.",
    );
  }
  return { brokers, prefix: found?.[2] || KAFKA_PREFIX, url };
}

/** The names of one system's topics. */
export class KafkaTopics {
  /** What the centre asks of collectors; the key is the collector. */
  readonly control: string;
  /** How far each consumer is with each collector; compacted. */
  readonly position: string;
  /** Dictionaries that chunks need, by name; compacted. */
  readonly dictionaries: string;
  /** `FileDescriptorSet` of the events, by digest; compacted. */
  readonly schemas: string;
  private readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.control = `${prefix}.control`;
    this.position = `${prefix}.position`;
    this.dictionaries = `${prefix}.dictionaries`;
    this.schemas = `${prefix}.schemas`;
  }

  /** The chunks of a feed. */
  frames(feed: string): string {
    return `${this.prefix}.frames.${feed || "unknown"}`;
  }

  isFrames(topic: string): boolean {
    return topic.startsWith(`${this.prefix}.frames.`);
  }

  /** Rows of `events`, `bbo`, `trades` or `gaps`. */
  rows(table: string): string {
    return `${this.prefix}.${table}`;
  }

  /** Only the last value of a key counts there. */
  isCompacted(topic: string): boolean {
    return [this.position, this.dictionaries, this.schemas].includes(topic);
  }
}

/** Streams by number to partitions; a stream that is not in it goes round. */
export type PartitionMap = ReadonlyMap<number, number>;

export function partitionOf(stream: number, partitions: number, map: PartitionMap): number {
  const mapped = map.get(stream);
  // A map for more partitions than there are must not lose a chunk.
  return (mapped ?? Math.max(0, stream - 1)) % partitions;
}
