/**
 * Edge: chunks over Kafka: one topic for each feed, the value of a record is a chunk. What the centre
 * asks and how far it is travel on two small topics beside them, dictionaries on a third.
 *
 * A broker that is not there, or stands still, is waited for; what is under way to it is bounded in
 * bytes (`bytesLimit`), and `send` waits for room. The client's own buffers come on top: a request holds
 * its records once more while it is written, so twice the bound is the most.
 *
 * Kafka keeps what it acknowledged, whoever reads it and when. So the edge listens to requests and not
 * to positions: a consumer that is slow, or gone, holds no collector up.
 */
import type { Tell } from "../metrics/events.ts";
import { ByteBudget } from "./byte-budget.ts";
import type { PackedChunk } from "./chunk.ts";
import type { Dictionaries } from "./dictionary.ts";
import {
  AGAIN_MS,
  clientOptions,
  closeClients,
  ensureTopic,
  type KafkaClients,
  type KafkaPlace,
  type KafkaRecord,
  kafkaLibrary,
  openClients,
  Reading,
  Standing,
} from "./kafka-client.ts";
import { KafkaDictionaryReader, KafkaDictionaryWriter } from "./kafka-dictionaries.ts";
import type { KafkaLag } from "./kafka-lag.ts";
import {
  KafkaTopics,
  PARTITIONS,
  type PartitionMap,
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
  parseRepair,
  parseRequest,
  type RepairRequest,
} from "./transport.ts";
import { DictionaryFetch } from "./transport-dictionaries.ts";
import { openZstd } from "./zstd.ts";

/** What a user may set of how chunks go to Kafka. */
export interface KafkaSettings {
  /** Bytes under way to the brokers. */
  readonly bytesLimit?: number | undefined;
  /** Of a topic that is not there yet. */
  readonly partitionCount?: number | undefined;
  readonly partitions?: PartitionMap | undefined;
}

export interface KafkaOptions {
  /** Name of the collector, or of the consumer and its group. */
  readonly clientName: string;
  readonly kafka?: KafkaSettings | undefined;
  /** Names this process within its group for good: a restart takes its partitions up again. */
  readonly member?: string | undefined;
  /** Told when the brokers go and come, in a sentence. */
  readonly onStatus?: Tell;
  /** Where dictionaries of chunks are, and are put; those of this thread unless told. */
  readonly dictionaries?: Dictionaries;
}

export const KAFKA_BYTES_LIMIT = 64 << 20;
const FETCH_BYTES = 4 << 20;
/** Records that the client may hold ready, of up to a chunk's size each. */
const READY_RECORDS = 16;
/** A member that fell silent for so long has lost its partitions. */
const SESSION_MS = 10_000;

/** The edge's side. */
export class KafkaChunkSink implements ChunkSink {
  readonly name: string;
  /** Bytes that the brokers have not acknowledged. */
  readonly budget: ByteBudget;
  private readonly clientName: string;
  private readonly settings: KafkaSettings;
  private readonly topics: KafkaTopics;
  private readonly clients: Promise<KafkaClients>;
  private readonly standing: Standing;
  private readonly partitions = new Map<string, Promise<number>>();
  private readonly dictionaries: KafkaDictionaryWriter;
  private readonly listening: Reading;
  private readonly startedMs = Date.now();
  private readonly requests: ((request: ControlRequest) => void)[] = [];
  private readonly repairs: ((request: RepairRequest) => void)[] = [];
  private closed = false;

  /** @throws TransportError for an address that is none */
  constructor(url: string, options: KafkaOptions) {
    const { brokers, prefix } = parseKafkaAddress(url);
    this.name = url;
    this.clientName = options.clientName;
    this.settings = options.kafka ?? {};
    this.topics = new KafkaTopics(prefix);
    const dictionaries = options.dictionaries ?? openZstd().dictionaries;
    this.dictionaries = new KafkaDictionaryWriter(dictionaries, this.topics, options.onStatus);
    this.budget = new ByteBudget(this.settings.bytesLimit ?? KAFKA_BYTES_LIMIT);
    this.standing = new Standing(url, options.onStatus);
    const shared = clientOptions(options.clientName, brokers);
    this.clients = openClients(shared);
    this.listening = this.newListening(shared);
    void this.listening.run();
  }

  get connected(): boolean {
    return this.standing.isThere;
  }

  async send({ header, bytes }: PackedChunk): Promise<void> {
    await this.budget.take(bytes.length);
    try {
      const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const topic = this.topics.frames(header.feed);
      const key = Buffer.from(`${header.collector}/${header.stream}`);
      const map = this.settings.partitions ?? new Map();
      await this.until(async () => {
        const partition = partitionOf(header.stream, await this.partitionsOf(topic), map);
        const clients = await this.clients;
        const { producer } = clients;
        await this.dictionaries.write(header.dictionary, clients);
        await producer.send({ messages: [{ topic, partition, key, value }] });
      });
    } finally {
      this.budget.give(bytes.length);
    }
  }

  readonly onRequest: EdgeLink["onRequest"] = (listener) => {
    this.requests.push(listener);
  };

  readonly onRepair: EdgeLink["onRepair"] = (listener) => {
    this.repairs.push(listener);
  };

  async close(graceMs = 2000): Promise<void> {
    this.closed = true;
    const closing = [closeClients(this.clients), this.listening.close()];
    await Promise.race([Promise.allSettled(closing), Bun.sleep(Math.max(graceMs, 500))]);
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
      const count = this.settings.partitionCount ?? PARTITIONS;
      known = this.clients.then(({ admin }) => ensureTopic(admin, this.topics, topic, count));
      this.partitions.set(topic, known);
      known.catch(() => this.partitions.delete(topic));
    }
    return known;
  }

  /** A group of its own, so that it hears every request whatever else runs. */
  private newListening(shared: ReturnType<typeof clientOptions>): Reading {
    const groupId = `${this.topics.control}-${this.clientName}-${process.pid}-${this.startedMs}`;
    const { control } = this.topics;
    return new Reading({
      makeConsumer: async () => new (await kafkaLibrary()).Consumer({ ...shared, groupId }),
      topics: async () => {
        const { admin } = await this.clients;
        await ensureTopic(admin, this.topics, control, 1);
        return [control];
      },
      each: (record) => this.hear(record),
      onError: () => {},
      maxBytes: 1 << 20,
      ready: 64,
    });
  }

  private hear({ key, value, timestamp }: KafkaRecord): void {
    // What was asked of an earlier life, or of somebody else, is nothing to us.
    if (key.toString() !== this.clientName || Number(timestamp) < this.startedMs) return;
    const text = value.toString();
    const request = parseRequest(text);
    if (request !== undefined) for (const listener of this.requests) listener(request);
    const repair = request === undefined ? parseRepair(text) : undefined;
    if (repair !== undefined) for (const listener of this.repairs) listener(repair);
  }
}

/** A chunk with where it lay. */
export interface PlacedChunk {
  readonly bytes: Uint8Array;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** How a member of a group of book services reads. */
export interface KafkaGroupPorts {
  readonly places: () => readonly KafkaPlace[];
  readonly onAssigned: (partitions: readonly { topic: string; partition: number }[]) => void;
}

/** The centre's side: one member of a group, whose partitions are its own while it lives. */
export class KafkaChunkSource implements ChunkSource, CentreLink {
  readonly name: string;
  private readonly options: KafkaOptions;
  private readonly topics: KafkaTopics;
  private readonly brokers: readonly string[];
  private readonly clients: Promise<KafkaClients>;
  private readonly standing: Standing;
  private readonly made = new Map<string, Promise<number>>();
  private readonly reader: KafkaDictionaryReader;
  private readonly dictionaries: DictionaryFetch;
  private reading: Reading | undefined;
  private closed = false;

  /** @throws TransportError for an address that is none */
  constructor(url: string, options: KafkaOptions) {
    const { brokers, prefix } = parseKafkaAddress(url);
    this.name = url;
    this.options = options;
    this.brokers = brokers;
    this.topics = new KafkaTopics(prefix);
    this.standing = new Standing(url, options.onStatus);
    const shared = clientOptions(options.clientName, brokers);
    this.clients = openClients(shared);
    const dictionaries = options.dictionaries ?? openZstd().dictionaries;
    this.reader = new KafkaDictionaryReader(
      dictionaries,
      this.topics,
      shared,
      async () => (await this.clients).admin,
      options.onStatus,
    );
    this.dictionaries = new DictionaryFetch(dictionaries, (name) => this.reader.ask(name));
  }

  get connected(): boolean {
    return this.standing.isThere;
  }

  /** Of its partitions: how far it is behind. */
  get lags(): readonly KafkaLag[] {
    return this.reading?.lags ?? [];
  }

  /** Everything that the topics hold, from the beginning; a broken connection goes on where it was. */
  run(onChunk: (bytes: Uint8Array) => Promise<void> | void): Promise<void> {
    const next = new Map<string, KafkaPlace>();
    const take = async ({ bytes, topic, partition, offset }: PlacedChunk) => {
      await onChunk(bytes);
      next.set(`${topic}/${partition}`, { topic, partition, offset: offset + 1n });
    };
    const ports = { places: () => [...next.values()], onAssigned: () => {} };
    return this.runPlaced(this.groupId, take, ports);
  }

  /** The group that shares the partitions. */
  get groupId(): string {
    return `${this.topics.rows("book")}-${this.options.clientName}`;
  }

  /** Until `stop` or `close`. @param groupId another one than `groupId` takes nothing from it */
  async runPlaced(
    groupId: string,
    onChunk: (chunk: PlacedChunk) => Promise<void> | void,
    ports: KafkaGroupPorts,
  ): Promise<void> {
    const { clientName, member } = this.options;
    const isShared = groupId === this.groupId;
    const membership = member === undefined || !isShared ? {} : { groupInstanceId: member };
    const shared = {
      ...clientOptions(clientName, this.brokers),
      ...membership,
      groupId,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: SESSION_MS / 10,
    };
    const reading = new Reading({
      ...ports,
      makeConsumer: async () => new (await kafkaLibrary()).Consumer(shared),
      topics: () => this.framesTopics(),
      each: async ({ topic, partition, offset, value }) => {
        await this.dictionaries.fetchFor(value, performance.now());
        await onChunk({ bytes: value, topic, partition, offset });
      },
      onError: (error) => this.standing.fails(error),
      maxBytes: FETCH_BYTES,
      ready: READY_RECORDS,
    });
    this.reading = reading;
    if (!this.closed) await reading.run();
  }

  /** Ends the reading in hand. */
  async stop(): Promise<void> {
    await this.reading?.close();
  }

  /** @throws if the group has given the partitions to somebody else */
  async commit(places: readonly KafkaPlace[]): Promise<void> {
    if (this.reading === undefined) throw new Error("nothing is read");
    await this.reading.commit(places);
  }

  /** The end of each partition of the topics of chunks: the place of the next record. */
  async ends(): Promise<KafkaPlace[]> {
    const topics = await this.framesTopics();
    if (topics.length === 0) return [];
    const { ListOffsetTimestamps, Consumer } = await kafkaLibrary();
    const shared = clientOptions(this.options.clientName, this.brokers);
    const consumer = new Consumer({ ...shared, groupId: `${this.groupId}-ends` });
    try {
      const offsets = await consumer.listOffsets({
        topics,
        timestamp: ListOffsetTimestamps.LATEST,
      });
      return [...offsets].flatMap(([topic, ends]) =>
        ends.map((offset, partition) => ({ topic, partition, offset })),
      );
    } finally {
      await consumer.close(true).catch(() => {});
    }
  }

  request(collector: string, request: ControlRequest | RepairRequest): Promise<void> {
    return this.tell(this.topics.control, collector, JSON.stringify(request));
  }

  publishPosition(position: Position): Promise<void> {
    const key = `${position.consumer}/${position.collector}`;
    return this.tell(this.topics.position, key, JSON.stringify(position));
  }

  async close(): Promise<void> {
    this.closed = true;
    const closing = [closeClients(this.clients), this.stop(), this.reader.close()];
    await Promise.race([Promise.allSettled(closing), Bun.sleep(3000)]);
  }

  private async framesTopics(): Promise<string[]> {
    const { admin } = await this.clients;
    const topics = await admin.listTopics();
    this.standing.works();
    return topics.filter((topic) => this.topics.isFrames(topic));
  }

  private async tell(topic: string, key: string, text: string): Promise<void> {
    const { admin, producer } = await this.clients;
    let made = this.made.get(topic);
    if (made === undefined) {
      made = ensureTopic(admin, this.topics, topic, 1);
      this.made.set(topic, made);
      made.catch(() => this.made.delete(topic));
    }
    await made;
    const message = { topic, partition: 0, key: Buffer.from(key), value: Buffer.from(text) };
    await producer.send({ messages: [message] });
  }
}
