/**
 * Edge: where things lie in Kafka: a topic of chunks for each feed, in partitions by an explicit map of
 * streams that is fixed for the day, one topic for what the centre asks and one for how far it is.
 */
import { TransportError } from "./transport-error.ts";

export const CONTROL_TOPIC = "edgebook.control";
export const POSITION_TOPIC = "edgebook.position";
const FRAMES_PREFIX = "edgebook.frames.";
/** What a topic gets that nobody made before. */
export const PARTITIONS = 4;

export interface KafkaAddress {
  /** `HOST:PORT`, each. */
  readonly brokers: readonly string[];
  /** As given, for status lines. */
  readonly url: string;
}

/** `kafka://HOST:PORT[,HOST:PORT]`. @throws TransportError that says what an address looks like */
export function parseKafkaAddress(url: string): KafkaAddress {
  const rest = /^kafka:\/\/([^/?#]+)\/?$/.exec(url)?.[1] ?? "";
  const brokers = rest.split(",").map((each) => (/:\d+$/.test(each) ? each : `${each}:9092`));
  if (rest === "" || brokers.some((each) => !/^[^\s:]+:\d{1,5}$/.test(each))) {
    throw new TransportError(
      "bad_flag",
      `'${url}' is no address of Kafka.`,
      "Write kafka://HOST:PORT, or several as kafka://HOST:PORT,HOST:PORT.",
    );
  }
  return { brokers, url };
}

/** The chunks of a feed. */
export function framesTopicOf(feed: string): string {
  return `${FRAMES_PREFIX}${feed || "unknown"}`;
}

export function isFramesTopic(topic: string): boolean {
  return topic.startsWith(FRAMES_PREFIX);
}

/** Streams by number to partitions; a stream that is not in it goes round. */
export type PartitionMap = ReadonlyMap<number, number>;

export function partitionOf(stream: number, partitions: number, map: PartitionMap): number {
  const mapped = map.get(stream);
  // A map for more partitions than there are must not lose a chunk.
  return (mapped ?? Math.max(0, stream - 1)) % partitions;
}
