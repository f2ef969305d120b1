/** What `/v1/system` says, as far as the page shows it. */
export interface Sink {
  readonly to: string;
  readonly sent: number;
  readonly resent: number;
  readonly behind: number;
  readonly unconfirmed: number;
  readonly missed: number;
  readonly last_error: string;
}

export interface CollectorStatus {
  readonly name: string;
  readonly uptime_seconds: number;
  readonly memory_bytes: number;
  readonly frames: number;
  readonly messages: number;
  readonly lost: number;
  readonly chunks: number;
  readonly chunk_bytes: number;
  readonly compression_ratio: number;
  readonly drops: Readonly<Record<string, number>>;
  readonly spool: {
    readonly bytes: number;
    readonly limit_bytes: number;
    readonly chunks_dropped: number;
    readonly chunks_refused: number;
  } | null;
  readonly sinks: readonly Sink[];
}

export interface Shard {
  readonly shard: string;
  readonly up: boolean;
  readonly restarts: number;
  readonly mailbox_records: number;
  readonly log_bytes: number;
  readonly checkpoints: number;
  readonly checkpoint_pause_seconds: number;
  readonly checkpoint_bytes: number;
  readonly chunks_set_aside: number;
}

export interface System {
  readonly version: string;
  readonly uptime_seconds: number;
  readonly memory_bytes: number;
  readonly clients: number;
  readonly recovered: number;
  readonly intake: Readonly<Record<string, number>>;
  readonly delays: readonly {
    readonly feed: string;
    readonly p50_seconds: number;
    readonly p99_seconds: number;
    readonly max_seconds: number;
  }[];
  readonly shards: readonly Shard[];
  readonly sources: readonly {
    readonly source: string;
    readonly connected: boolean | null;
    readonly lag: number | null;
    readonly lag_seconds: number | null;
    /** Partitions of Kafka of which records wait. */
    readonly behind: readonly {
      readonly topic: string;
      readonly partition: number;
      readonly records: number;
      readonly seconds: number | null;
    }[];
  }[];
  readonly collectors: readonly {
    readonly url: string;
    readonly status: CollectorStatus | null;
    readonly error: string;
  }[];
  /** Whether there is a recorded day to replay. */
  readonly history: boolean;
}
