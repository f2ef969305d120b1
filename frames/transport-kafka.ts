/**
 * Edge: chunks over Kafka: one topic for each feed, the value of a record is a chunk. What the centre
 * asks and how far it is travel on two small topics beside them.
 *
 * A broker that is not there, or stands still, is waited for; what is under way to it is bounded in
 * bytes (`bytesLimit`), and `send` waits for room. The client's own buffers come on top: a request holds
 * its records once more while it is written, so twice the bound is the most.
 */
import type { Admin, Consumer, Message, Producer } from "@platformatic/kafka";
import { ByteBudget } from "./byte-budget.ts";
import type { PackedChunk } from "./chunk.ts";
import {
  CONTROL_TOPIC,
  framesTopicOf,
  isFramesTopic,
  PARTITIONS,
  type PartitionMap,
  POSITION_TOPIC,
  parseKafkaAddress,
  partitionOf,
} from "./kafka-topics.ts";
import {
  type CentreLink,
  type ChunkSink,
  type ChunkSource,
  type ControlRequest,
  type EdgeLink,
  type Position,
  parsePosition,
  parseRepair,
  parseRequest,
  type RepairRequest,
} from "./transport.ts";

export interface KafkaOptions {
  /** Name of the collector, or of the consumer and its group. */
  readonly clientName: string;
  /** Names this process within its group for good: a restart takes its partitions up again. */
  readonly member?: string | undefined;
  /** Bytes under way to the brokers. */
  readonly bytesLimit?: number | undefined;
  readonly partitions?: PartitionMap | undefined;
  /** Told when the brokers go and come, in a sentence. */
  readonly onStatus?: (text: string) => void;
}

export const KAFKA_BYTES_LIMIT = 64 << 20;
const AGAIN_MS = 1000;
const SAY_AGAIN_MS = 60_000;
const REQUEST_MS = 10_000;
/** A client whose broker died while it joined its group may wait for ever: it gets no longer. */
const JOIN_MS = 30_000;
const FETCH_BYTES = 4 << 20;
/** Records that the client may hold ready, of up to a chunk's size each. */
const READY_RECORDS = 16;

type Entry = Message<Buffer, Buffer, Buffer, Buffer>;
type Client = Consumer<Buffer, Buffer, Buffer, Buffer>;
type Sender = Producer<Buffer, Buffer, Buffer, Buffer>;

/** What every client is opened with. */
interface ClientOptions {
  readonly clientId: string;
  readonly bootstrapBrokers: string[];
  readonly timeout: number;
  readonly connectTimeout: number;
  readonly retries?: number;
  readonly retryDelay?: number;
}

/** The library takes a while to load: only who travels over Kafka waits for it. */
const library = () => import("@platformatic/kafka");

async function openClients(options: ClientOptions): Promise<{ producer: Sender; admin: Admin }> {
  const { Admin, Producer } = await library();
  // Chunks are Buffers in and out: no serializers.
  const producer = new Producer({ ...options, idempotent: true, acks: -1 });
  return { producer, admin: new Admin(options) };
}

async function closeClients(clients: Promise<{ producer: Sender; admin: Admin }>): Promise<void> {
  const { producer, admin } = await clients;
  await Promise.allSettled([producer.close(), admin.close()]);
}

/** Says once that the brokers are gone, then once a minute, and once that they are back. */
class Standing {
  private readonly name: string;
  private readonly onStatus: (text: string) => void;
  private saidMs = Number.NEGATIVE_INFINITY;
  isThere = false;

  constructor(name: string, onStatus: (text: string) => void = () => {}) {
    this.name = name;
    this.onStatus = onStatus;
  }

  works(): void {
    if (this.saidMs > Number.NEGATIVE_INFINITY) this.onStatus(`${this.name}: connected again`);
    this.saidMs = Number.NEGATIVE_INFINITY;
    this.isThere = true;
  }

  fails(error: unknown): void {
    this.isThere = false;
    if (performance.now() - this.saidMs < SAY_AGAIN_MS) return;
    this.saidMs = performance.now();
    this.onStatus(`${this.name}: Kafka does not take it (${reasonOf(error)}); trying again`);
  }
}

/** The innermost of the errors that the client wraps. */
function reasonOf(error: unknown): string {
  const { errors, cause, message } = error as Error & { errors?: unknown[]; cause?: unknown };
  const inner = errors?.[0] ?? cause;
  return inner === undefined ? String(message ?? error) : reasonOf(inner);
}

/** What a topic is made as where it is not there. */
async function ensureTopic(admin: Admin, topic: string, partitions: number): Promise<number> {
  const compacted = [{ name: "cleanup.policy", value: "compact" }];
  const configs = topic === POSITION_TOPIC ? compacted : [];
  await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs }).catch((error) => {
    if (!/already exists|TOPIC_ALREADY_EXISTS/i.test(reasonOf(error))) throw error;
  });
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
  return topics.get(topic)?.partitionsCount ?? partitions;
}

/**
 * A member of a group that reads, each time with a client of its own: after an error, or a join that
 * does not end, nothing of the former one is trusted.
 */
class Reading {
  private readonly makeConsumer: () => Promise<Client>;
  private readonly onError: (error: unknown) => void;
  private consumer: Client | undefined;
  private closed = false;

  constructor(makeConsumer: () => Promise<Client>, onError: (error: unknown) => void) {
    this.makeConsumer = makeConsumer;
    this.onError = onError;
  }

  /**
   * Each record, one at a time, until `close`.
   * @param topics asked before each attempt; none: it is asked again a little later
   */
  async run(
    topics: () => Promise<string[]>,
    limits: { readonly maxBytes: number; readonly ready: number },
    each: (record: Entry) => Promise<void> | void,
  ): Promise<void> {
    while (!this.closed) {
      try {
        const names = await topics();
        if (names.length > 0) await this.attempt(names, limits, each);
      } catch (error) {
        if (!this.closed) this.onError(error);
      }
      await this.consumer?.close(true).catch(() => {});
      this.consumer = undefined;
      if (!this.closed) await Bun.sleep(AGAIN_MS);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.consumer?.close(true).catch(() => {});
  }

  private async attempt(
    topics: string[],
    limits: { readonly maxBytes: number; readonly ready: number },
    each: (record: Entry) => Promise<void> | void,
  ): Promise<void> {
    const consumer = await this.makeConsumer();
    this.consumer = consumer;
    const joining = consumer.consume({
      topics,
      // From the beginning of what there is, wherever another run of this group had come to.
      mode: "earliest",
      autocommit: false,
      maxWaitTime: 100,
      maxBytes: limits.maxBytes,
      highWaterMark: limits.ready,
    });
    const late = Bun.sleep(JOIN_MS).then(() => "late" as const);
    const stream = await Promise.race([joining, late]);
    if (stream === "late") throw new Error("joining the group did not end");
    for await (const record of stream) await each(record);
  }
}

/** The edge's side. */
export class KafkaChunkSink implements ChunkSink, EdgeLink {
  readonly name: string;
  /** Bytes that the brokers have not acknowledged. */
  readonly budget: ByteBudget;
  private readonly options: KafkaOptions;
  private readonly clients: Promise<{ producer: Sender; admin: Admin }>;
  private readonly standing: Standing;
  private readonly partitions = new Map<string, Promise<number>>();
  private readonly listening: Reading;
  private readonly startedMs = Date.now();
  private readonly requests: ((request: ControlRequest) => void)[] = [];
  private readonly repairs: ((request: RepairRequest) => void)[] = [];
  private readonly positions: ((position: Position, isRetained: boolean) => void)[] = [];
  private closed = false;

  /** @throws TransportError for an address that is none */
  constructor(url: string, options: KafkaOptions) {
    const address = parseKafkaAddress(url);
    this.name = url;
    this.options = options;
    this.budget = new ByteBudget(options.bytesLimit ?? KAFKA_BYTES_LIMIT);
    this.standing = new Standing(url, options.onStatus);
    const shared = {
      clientId: options.clientName,
      bootstrapBrokers: [...address.brokers],
      timeout: REQUEST_MS,
      connectTimeout: REQUEST_MS,
      retries: 3,
      retryDelay: 250,
    };
    this.clients = openClients(shared);
    const group = `edgebook-${options.clientName}-${process.pid}-${this.startedMs}`;
    this.listening = new Reading(
      async () => new (await library()).Consumer({ ...shared, groupId: group }),
      () => {},
    );
    void this.listen();
  }

  get connected(): boolean {
    return this.standing.isThere;
  }

  async send({ header, bytes }: PackedChunk): Promise<void> {
    await this.budget.take(bytes.length);
    try {
      const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const topic = framesTopicOf(header.feed);
      const key = Buffer.from(`${header.collector}/${header.stream}`);
      await this.until(async () => {
        const partitions = await this.partitionsOf(topic);
        const partition = partitionOf(
          header.stream,
          partitions,
          this.options.partitions ?? new Map(),
        );
        const { producer } = await this.clients;
        await producer.send({ messages: [{ topic, partition, key, value }] });
      });
    } finally {
      this.budget.give(bytes.length);
    }
  }

  onRequest(listener: (request: ControlRequest) => void): void {
    this.requests.push(listener);
  }

  onRepair(listener: (request: RepairRequest) => void): void {
    this.repairs.push(listener);
  }

  onPosition(listener: (position: Position, isRetained: boolean) => void): void {
    this.positions.push(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    const closing = [closeClients(this.clients), this.listening.close()];
    await Promise.race([Promise.allSettled(closing), Bun.sleep(2000)]);
  }

  /** Tries until it works; rejects only after `close`. */
  private async until(step: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await step();
        this.standing.works();
        return;
      } catch (error) {
        if (this.closed) throw error;
        this.standing.fails(error);
        await Bun.sleep(AGAIN_MS);
      }
    }
  }

  private partitionsOf(topic: string): Promise<number> {
    let known = this.partitions.get(topic);
    if (known === undefined) {
      known = this.clients.then(({ admin }) => ensureTopic(admin, topic, PARTITIONS));
      this.partitions.set(topic, known);
      known.catch(() => this.partitions.delete(topic));
    }
    return known;
  }

  private async listen(): Promise<void> {
    const names = [CONTROL_TOPIC, POSITION_TOPIC];
    const topics = async () => {
      const { admin } = await this.clients;
      for (const topic of names) await ensureTopic(admin, topic, 1);
      return names;
    };
    await this.listening.run(topics, { maxBytes: 1 << 20, ready: 64 }, (record) => {
      this.hear(record);
    });
  }

  private hear({ topic, key, value, timestamp }: Entry): void {
    const { clientName } = this.options;
    const isRetained = Number(timestamp) < this.startedMs;
    if (topic === CONTROL_TOPIC) {
      // What was asked of an earlier life, or of somebody else, is nothing to us.
      if (key.toString() === clientName && !isRetained) this.hearRequest(value.toString());
      return;
    }
    const position = parsePosition(value.toString());
    if (position?.collector !== clientName) return;
    for (const listener of this.positions) listener(position, isRetained);
  }

  private hearRequest(text: string): void {
    const request = parseRequest(text);
    if (request !== undefined) for (const listener of this.requests) listener(request);
    const repair = request === undefined ? parseRepair(text) : undefined;
    if (repair !== undefined) for (const listener of this.repairs) listener(repair);
  }
}

/** The centre's side: one member of a group, whose partitions are its own while it lives. */
export class KafkaChunkSource implements ChunkSource, CentreLink {
  readonly name: string;
  private readonly reading: Reading;
  private readonly clients: Promise<{ producer: Sender; admin: Admin }>;
  private readonly standing: Standing;

  /** @throws TransportError for an address that is none */
  constructor(url: string, options: KafkaOptions) {
    const { brokers } = parseKafkaAddress(url);
    this.name = url;
    this.standing = new Standing(url, options.onStatus);
    const shared = {
      clientId: options.clientName,
      bootstrapBrokers: [...brokers],
      timeout: REQUEST_MS,
      connectTimeout: REQUEST_MS,
    };
    this.clients = openClients(shared);
    const membership = options.member === undefined ? {} : { groupInstanceId: options.member };
    const makeConsumer = async () =>
      new (await library()).Consumer({
        ...shared,
        ...membership,
        groupId: `edgebook-${options.clientName}`,
        sessionTimeout: 10_000,
        heartbeatInterval: 1_000,
      });
    this.reading = new Reading(makeConsumer, (error) => this.standing.fails(error));
  }

  get connected(): boolean {
    return this.standing.isThere;
  }

  run(onChunk: (bytes: Uint8Array) => Promise<void> | void): Promise<void> {
    const limits = { maxBytes: FETCH_BYTES, ready: READY_RECORDS };
    return this.reading.run(
      () => this.framesTopics(),
      limits,
      ({ value }) => onChunk(value),
    );
  }

  request(collector: string, request: ControlRequest | RepairRequest): Promise<void> {
    return this.tell(CONTROL_TOPIC, collector, JSON.stringify(request));
  }

  publishPosition(position: Position): Promise<void> {
    const key = `${position.consumer}/${position.collector}`;
    return this.tell(POSITION_TOPIC, key, JSON.stringify(position));
  }

  async close(): Promise<void> {
    const closing = [closeClients(this.clients), this.reading.close()];
    await Promise.race([Promise.allSettled(closing), Bun.sleep(3000)]);
  }

  private async framesTopics(): Promise<string[]> {
    const { admin } = await this.clients;
    const topics = await admin.listTopics();
    this.standing.works();
    return topics.filter(isFramesTopic);
  }

  private async tell(topic: string, key: string, text: string): Promise<void> {
    const message = { topic, partition: 0, key: Buffer.from(key), value: Buffer.from(text) };
    const { producer } = await this.clients;
    await producer.send({ messages: [message] });
  }
}
