/** Edge: the flags that say how we use Kafka, for every command that sends to it. */
import type { KafkaSettings } from "../frames/transport-kafka.ts";
import type { FlagSpec } from "./command.ts";
import { CliError } from "./errors.ts";
import type { FlagValues } from "./flag-values.ts";

export const KAFKA_MEMORY_FLAG: FlagSpec = {
  name: "kafka-memory",
  kind: "integer",
  placeholder: "MIB",
  doc: "Most that may be under way to Kafka's brokers; 64 MiB unless said.",
};

export const KAFKA_FLAGS: readonly FlagSpec[] = [
  KAFKA_MEMORY_FLAG,
  {
    name: "kafka-partitions",
    kind: "integer",
    placeholder: "N",
    doc: "Partitions of a topic of chunks that is not there yet; 4 unless said.",
  },
  {
    name: "kafka-map",
    kind: "text",
    repeatable: true,
    placeholder: "STREAM=PARTITION",
    doc: "Puts a stream into a partition; others go round. Not to be changed within a day.",
  },
];

/** Fields of `[kafka]` in a config file. */
export interface KafkaFields {
  readonly memory_mib?: number | undefined;
  readonly partitions?: number | undefined;
  readonly map?: readonly string[] | undefined;
}

const MIB = 2 ** 20;

/** @throws CliError that says which flag to mend */
export function kafkaSettings(flags: FlagValues, fields: KafkaFields = {}): KafkaSettings {
  const memory = flags.integer("kafka-memory") ?? fields.memory_mib;
  const count = flags.integer("kafka-partitions") ?? fields.partitions;
  demand("kafka-memory", memory, 1, 65_536);
  demand("kafka-partitions", count, 1, 10_000);
  const given = flags.texts("kafka-map");
  const map = new Map((given.length > 0 ? given : (fields.map ?? [])).map(mapped));
  return {
    ...(memory === undefined ? {} : { bytesLimit: memory * MIB }),
    ...(count === undefined ? {} : { partitionCount: count }),
    ...(map.size === 0 ? {} : { partitions: map }),
  };
}

function demand(flag: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (value >= least && value <= most)) return;
  const hint = `Write a number from ${least} to ${most}.`;
  throw new CliError("bad_flag", `'--${flag}' is ${value}.`, hint);
}

function mapped(text: string): [number, number] {
  const [, stream, partition] = /^(\d{1,5})=(\d{1,5})$/.exec(text) ?? [];
  if (stream === undefined || partition === undefined) {
    const hint = "Write STREAM=PARTITION: 3=0.";
    throw new CliError("bad_flag", `'${text}' maps no stream to a partition.`, hint);
  }
  return [Number(stream), Number(partition)];
}
