/**
 * How the service itself is doing, for `/v1/system`: what came in, how long it took to the books, and
 * its shards. Counts only grow within a life; what shards know is added up.
 */
import type { Live } from "./live.ts";

export interface IntakeJson {
  readonly chunks: number;
  readonly repeated: number;
  readonly damaged: number;
  readonly lost: number;
  readonly asked: number;
  readonly held_bytes: number;
  readonly held_bytes_max: number;
}

/** From a chunk's last capture until its books were done, since the service began. */
export interface DelayJson {
  readonly feed: string;
  readonly p50_seconds: number;
  readonly p99_seconds: number;
  readonly max_seconds: number;
}

export interface ShardJson {
  readonly shard: string;
  /** False while it begins again. */
  readonly up: boolean;
  readonly restarts: number;
  readonly mailbox_records: number;
  readonly log_bytes: number;
  readonly checkpoints: number;
  readonly checkpoint_pause_seconds: number;
  readonly checkpoint_bytes: number;
  readonly chunks_set_aside: number;
}

export interface BooksSystem {
  readonly intake: IntakeJson;
  readonly delays: readonly DelayJson[];
  /** Numbers that tick recovery or a snapshot brought. */
  readonly recovered: number;
  /** Empty where the books are in the service's own thread. */
  readonly shards: readonly ShardJson[];
}

export function systemOf(live: Live): BooksSystem {
  const { intake } = live;
  const feeds = [...live.feeds];
  return {
    intake: {
      chunks: intake.chunks,
      repeated: intake.repeated,
      damaged: intake.damaged,
      lost: intake.lost,
      asked: intake.asked,
      held_bytes: intake.heldBytes,
      held_bytes_max: intake.heldBytesMax,
    },
    delays: feeds
      .map(([feed, { latencies }]) => ({ feed, delays: latencies.book }))
      .filter(({ delays }) => delays.count > 0)
      .map(({ feed, delays }) => ({
        feed,
        p50_seconds: delays.quantileSeconds(0.5),
        p99_seconds: delays.quantileSeconds(0.99),
        max_seconds: delays.maxSeconds,
      })),
    recovered: feeds.reduce(
      (sum, [, of]) => sum + of.pipeline.sequencer.ledger.recoveredNumbers,
      0,
    ),
    shards: [],
  };
}

/** Several shards as one: counts added up, of a feed's delays the longest. */
export function mergeSystems(
  systems: readonly BooksSystem[],
  shards: readonly ShardJson[],
): BooksSystem {
  const sum = (of: (system: BooksSystem) => number) =>
    systems.reduce((total, system) => total + of(system), 0);
  const count = (name: keyof IntakeJson) => sum(({ intake }) => intake[name]);
  const delays = new Map<string, DelayJson>();
  for (const row of systems.flatMap((system) => system.delays)) {
    const other = delays.get(row.feed) ?? row;
    delays.set(row.feed, {
      feed: row.feed,
      p50_seconds: Math.max(row.p50_seconds, other.p50_seconds),
      p99_seconds: Math.max(row.p99_seconds, other.p99_seconds),
      max_seconds: Math.max(row.max_seconds, other.max_seconds),
    });
  }
  return {
    intake: {
      chunks: count("chunks"),
      repeated: count("repeated"),
      damaged: count("damaged"),
      lost: count("lost"),
      asked: count("asked"),
      held_bytes: count("held_bytes"),
      held_bytes_max: count("held_bytes_max"),
    },
    delays: [...delays.values()],
    recovered: sum(({ recovered }) => recovered),
    shards,
  };
}
