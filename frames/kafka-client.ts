/**
 * Edge: what every side that speaks to Kafka shares: clients that load late, topics that are made where
 * they are missing, a reader that survives its brokers, and one sentence when these go or come.
 */
import type { Admin, Consumer, Message, Producer } from "@platformatic/kafka";
import type { Tell } from "../metrics/events.ts";
import { type KafkaLag, LagWatch } from "./kafka-lag.ts";
import type { KafkaTopics } from "./kafka-topics.ts";

const SAY_AGAIN_MS = 60_000;
const REQUEST_MS = 10_000;
/** A client whose broker died while it joined its group may wait for ever: it gets no longer. */
const JOIN_MS = 30_000;
/**
 * A static member that the group renames so often within the time has a double. One that was there for
 * a while gives way to one that came just now.
 */
const DOUBLE_MS = 10_000;
const OLD_RENAMES = 2;
const NEW_RENAMES = 6;
const OLD_MS = 3_000;
/** How often topics that are new are looked for, and where partitions end. */
const LOOK_MS = 3_000;
export const AGAIN_MS = 1000;

export type KafkaRecord = Message<Buffer, Buffer, Buffer, Buffer>;
export type KafkaConsumer = Consumer<Buffer, Buffer, Buffer, Buffer>;
export type KafkaProducer = Producer<Buffer, Buffer, Buffer, Buffer>;

/** What every client is opened with. */
export interface ClientOptions {
  readonly clientId: string;
  readonly bootstrapBrokers: string[];
  readonly timeout: number;
  readonly connectTimeout: number;
  readonly retries: number;
  readonly retryDelay: number;
}

export interface KafkaClients {
  readonly producer: KafkaProducer;
  readonly admin: Admin;
}

/** The library takes a while to load: only who travels over Kafka waits for it. */
export const kafkaLibrary = () => import("@platformatic/kafka");

export function clientOptions(clientId: string, brokers: readonly string[]): ClientOptions {
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    timeout: REQUEST_MS,
    connectTimeout: REQUEST_MS,
    retries: 3,
    retryDelay: 250,
  };
}

export async function openClients(options: ClientOptions): Promise<KafkaClients> {
  const { Admin, Producer } = await kafkaLibrary();
  // Chunks are Buffers in and out: no serializers.
  const producer = new Producer({ ...options, idempotent: true, acks: -1 });
  return { producer, admin: new Admin(options) };
}

export async function closeClients(clients: Promise<KafkaClients>): Promise<void> {
  const { producer, admin } = await clients;
  await Promise.allSettled([producer.close(), admin.close()]);
}

/** Says once that the brokers are gone, then once a minute, and once that they are back. */
export class Standing {
  private readonly name: string;
  private readonly onStatus: Tell;
  private saidMs = Number.NEGATIVE_INFINITY;
  isThere = false;

  constructor(name: string, onStatus: Tell = () => {}) {
    this.name = name;
    this.onStatus = onStatus;
  }

  works(): void {
    const { name: broker } = this;
    if (this.saidMs > Number.NEGATIVE_INFINITY) {
      this.onStatus(`${broker}: connected again`, "broker_back", { broker });
    }
    this.saidMs = Number.NEGATIVE_INFINITY;
    this.isThere = true;
  }

  fails(error: unknown): void {
    this.isThere = false;
    if (performance.now() - this.saidMs < SAY_AGAIN_MS) return;
    this.saidMs = performance.now();
    const { name: broker } = this;
    const text = `${broker}: Kafka does not take it (${reasonOf(error)}); trying again`;
    this.onStatus(text, "broker_gone", { broker });
  }
}

/** The innermost of the errors that the client wraps. */
export function reasonOf(error: unknown): string {
  const { errors, cause, message } = error as Error & { errors?: unknown[]; cause?: unknown };
  const inner = errors?.[0] ?? cause;
  return inner === undefined ? String(message ?? error) : reasonOf(inner);
}

/** Makes a topic where it is not there. @returns how many partitions it has */
export async function ensureTopic(
  admin: Admin,
  topics: KafkaTopics,
  topic: string,
  partitions: number,
): Promise<number> {
  const compacted = [{ name: "cleanup.policy", value: "compact" }];
  const configs = topics.isCompacted(topic) ? compacted : [];
  const wanted = { topics: [topic], partitions, replicas: -1, configs };
  await admin.createTopics(wanted).catch((error) => {
    if (!/already exists|TOPIC_ALREADY_EXISTS/i.test(reasonOf(error))) throw error;
  });
  const { topics: known } = await admin.metadata({ topics: [topic], forceUpdate: true });
  return known.get(topic)?.partitionsCount ?? partitions;
}

/** The next record to be read of a partition. */
export interface KafkaPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface ReadingPorts {
  readonly makeConsumer: () => Promise<KafkaConsumer>;
  /** Asked before each attempt; none: it is asked again a little later. */
  readonly topics: () => Promise<string[]>;
  /** Where to begin, asked before each attempt; of what it does not name, at the beginning. */
  readonly places?: () => readonly KafkaPlace[];
  readonly each: (record: KafkaRecord) => Promise<void> | void;
  /** The group gave this member its partitions, anew. */
  readonly onAssigned?: (partitions: readonly { topic: string; partition: number }[]) => void;
  readonly onError: (error: unknown) => void;
  readonly maxBytes: number;
  /** Records that the client may hold ready. */
  readonly ready: number;
}

/**
 * A member of a group that reads, each time with a client of its own: after an error, or a join that
 * does not end, nothing of the former one is trusted.
 */
export class Reading {
  private readonly ports: ReadingPorts;
  private consumer: KafkaConsumer | undefined;
  private readonly watch = new LagWatch();
  private closed = false;
  /** Why no further attempt makes sense. */
  private fatal: Error | undefined;
  private memberId: string | null = null;
  private renamedMs: number[] = [];
  private beganMs: number | undefined;
  private isOld = false;

  constructor(ports: ReadingPorts) {
    this.ports = ports;
  }

  /**
   * Each record, one at a time, until `close`.
   * @throws if another process is this very member of the group
   */
  async run(): Promise<void> {
    while (!this.closed) {
      if (this.fatal !== undefined) throw this.fatal;
      try {
        const names = await this.ports.topics();
        if (names.length > 0) await this.attempt(names);
      } catch (error) {
        if (!this.closed) this.ports.onError(error);
      }
      await this.consumer?.close(true).catch(() => {});
      this.consumer = undefined;
      if (!this.closed) await Bun.sleep(AGAIN_MS);
    }
  }

  /** Of this member's partitions: how far it is behind. */
  get lags(): KafkaLag[] {
    return this.watch.lags(Date.now());
  }

  /** @throws if the group does not know this member any more: somebody else has its partitions */
  async commit(places: readonly KafkaPlace[]): Promise<void> {
    const offsets = places.map((place) => ({ ...place, leaderEpoch: -1 }));
    if (this.consumer === undefined) throw new Error("not a member of the group now");
    if (offsets.length > 0) await this.consumer.commit({ offsets });
  }

  /** Drops what is on its way and begins again, from where `places` says. */
  async restart(): Promise<void> {
    await this.consumer?.close(true).catch(() => {});
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.consumer?.close(true).catch(() => {});
  }

  /** The client joins again by itself when it is fenced, and fences its double by that. */
  private hasDouble(memberId: string | null): boolean {
    const nowMs = performance.now();
    this.beganMs ??= nowMs;
    if (this.memberId !== null && memberId !== this.memberId) {
      if (this.renamedMs.length === 0) this.isOld = nowMs - this.beganMs > OLD_MS;
      this.renamedMs.push(nowMs);
    }
    this.memberId = memberId;
    this.renamedMs = this.renamedMs.filter((ms) => nowMs - ms < DOUBLE_MS);
    return this.renamedMs.length >= (this.isOld ? OLD_RENAMES : NEW_RENAMES);
  }

  private async attempt(topics: string[]): Promise<void> {
    const { ports } = this;
    const consumer = await ports.makeConsumer();
    this.consumer = consumer;
    this.memberId = null;
    const tell = () => {
      if (consumer.groupInstanceId !== null && this.hasDouble(consumer.memberId)) {
        const what = `another process is member '${consumer.groupInstanceId}' of the group too`;
        this.fatal = new Error(`${what}: this one gives way`);
        void consumer.close(true).catch(() => {});
        return;
      }
      const parts = (consumer.assignments ?? []).flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      );
      this.watch.assign(parts);
      for (const { topic, partition, offset } of ports.places?.() ?? []) {
        this.watch.begins(topic, partition, Number(offset));
      }
      ports.onAssigned?.(parts);
      void this.lookAtEnds(consumer, topics);
    };
    consumer.on("consumer:group:join", tell);
    const joining = consumer.consume({
      topics,
      mode: "manual",
      fallbackMode: "earliest",
      offsets: [...(ports.places?.() ?? [])],
      autocommit: false,
      maxWaitTime: 100,
      maxBytes: ports.maxBytes,
      highWaterMark: ports.ready,
    });
    const late = Bun.sleep(JOIN_MS).then(() => "late" as const);
    const stream = await Promise.race([joining, late]);
    if (stream === "late") throw new Error("joining the group did not end");
    let isStale = false;
    const look = setInterval(async () => {
      void this.lookAtEnds(consumer, topics);
      const now = await ports.topics().catch(() => topics);
      if (isStale || now.every((topic) => topics.includes(topic))) return;
      isStale = true;
      // Another attempt takes all of them, from where this one is.
      await stream.close().catch(() => {});
    }, LOOK_MS);
    try {
      for await (const record of stream) {
        if (this.closed || isStale) return;
        await ports.each(record);
        const { topic, partition, offset, timestamp } = record;
        this.watch.took(topic, partition, Number(offset), Number(timestamp));
      }
    } finally {
      clearInterval(look);
    }
  }

  /** A look that fails changes nothing: the next one comes soon. */
  private async lookAtEnds(consumer: KafkaConsumer, topics: string[]): Promise<void> {
    const found = await consumer.listOffsets({ topics, timestamp: -1n }).catch(() => undefined);
    for (const [topic, ends] of found ?? []) {
      ends.forEach((end, partition) => {
        this.watch.ends(topic, partition, Number(end));
      });
    }
  }
}
