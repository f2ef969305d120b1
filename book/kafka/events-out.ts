/**
 * Edge: event rows on their way to Kafka: a topic for each table, a partition for each stream, always
 * in their order. One request is under way at a time, and one that fails is sent again as it was:
 * readers drop what is at or below the (stream, epoch, sequence, row) that they have, so nothing may
 * overtake.
 *
 * Bounded in bytes: who adds rows is to wait for `room`. One chunk's rows may come on top, of a shard those
 * of its mailbox, and the request in hand is in memory once more.
 */
import {
  AGAIN_MS,
  clientOptions,
  closeClients,
  ensureTopic,
  type KafkaClients,
  openClients,
  Standing,
} from "../../frames/kafka-client.ts";
import {
  KafkaTopics,
  PARTITIONS,
  parseKafkaAddress,
  partitionOf,
} from "../../frames/kafka-topics.ts";
import { KAFKA_BYTES_LIMIT, type KafkaSettings } from "../../frames/transport-kafka.ts";
import { batchName, rowsDescriptor, TABLES } from "../rows/protobuf-schema.ts";
import { type EventBatch, EventRows } from "./event-rows.ts";

export interface EventsOptions {
  readonly clientName: string;
  readonly kafka?: KafkaSettings | undefined;
  readonly onStatus: (text: string) => void;
}

/** A partition's part of a request is one batch of Kafka, and those stay under 1 MiB. */
const REQUEST_BYTES = 900_000;
const MESSAGE_HEADER = Buffer.from("message");
const SCHEMA_HEADER = Buffer.from("schema");

/** Names a schema among those of the topic of schemas. */
export function schemaDigest(): string {
  return new Bun.CryptoHasher("sha256").update(rowsDescriptor()).digest("hex").slice(0, 16);
}

export class EventsOut {
  readonly rows = this.newRows();
  /** Bytes that the brokers have not acknowledged, and the most there ever were. */
  bytes = 0;
  bytesMost = 0;
  /** Rows acknowledged. */
  sent = 0;
  private readonly limit: number;
  private readonly settings: KafkaSettings;
  private readonly topics: KafkaTopics;
  private readonly clients: Promise<KafkaClients>;
  private readonly standing: Standing;
  private readonly counts = new Map<string, number>();
  private readonly queue: EventBatch[] = [];
  private readonly digest = schemaDigest();
  /** Batches ever added, and acknowledged. */
  private added = 0;
  private done = 0;
  private waiters: { readonly isOver: () => boolean; readonly wake: () => void }[] = [];
  private isSending = false;
  private hasSchema = false;
  private closed = false;

  /** @throws TransportError for an address that is none */
  constructor(url: string, { clientName, kafka = {}, onStatus }: EventsOptions) {
    const { brokers, prefix } = parseKafkaAddress(url);
    this.settings = kafka;
    this.limit = kafka.bytesLimit ?? KAFKA_BYTES_LIMIT;
    this.topics = new KafkaTopics(prefix);
    this.standing = new Standing(url, onStatus);
    this.clients = openClients(clientOptions(clientName, brokers));
  }

  /** Of books that come and go by themselves; who makes them flushes them. */
  newRows(): EventRows {
    return new EventRows((batch) => this.add(batch));
  }

  /** Rows that were made elsewhere, behind those of their stream that were added before. */
  add(batch: EventBatch): void {
    this.queue.push(batch);
    this.added++;
    this.bytes += batch.bytes.length;
    this.bytesMost = Math.max(this.bytesMost, this.bytes);
    if (!this.isSending) void this.sendAll();
  }

  /** Resolves when more rows may be made; undefined: at once. */
  room(): Promise<void> | undefined {
    if (this.bytes < this.limit) return undefined;
    return this.when(() => this.bytes < this.limit);
  }

  /** Resolves when all that was made so far is with the brokers. */
  settled(): Promise<void> {
    this.rows.flush();
    const { added } = this;
    return this.when(() => this.done >= added);
  }

  /**
   * Waits for what is on its way as long as some of it arrives every `graceMs`; who waits for more is
   * never told that it came.
   */
  async close(graceMs = 10_000): Promise<void> {
    const settled = this.settled();
    for (let before = -1; this.done < this.added && this.done > before; ) {
      before = this.done;
      await Promise.race([settled, Bun.sleep(graceMs)]);
    }
    this.closed = true;
    await Promise.race([closeClients(this.clients), Bun.sleep(2000)]);
  }

  private when(isOver: () => boolean): Promise<void> {
    if (isOver()) return Promise.resolve();
    return new Promise((wake) => this.waiters.push({ isOver, wake }));
  }

  private async sendAll(): Promise<void> {
    this.isSending = true;
    // What else is made at this moment goes along.
    await Promise.resolve();
    while (this.queue.length > 0 && !this.closed) {
      const batches = this.nextRequest();
      try {
        await this.send(batches);
        this.standing.works();
      } catch (error) {
        this.queue.unshift(...batches);
        if (this.closed) break;
        this.standing.fails(error);
        await Bun.sleep(AGAIN_MS);
        continue;
      }
      this.acknowledged(batches);
    }
    this.isSending = false;
  }

  private nextRequest(): EventBatch[] {
    let count = 0;
    let bytes = 0;
    do bytes += this.queue[count++].bytes.length;
    while (count < this.queue.length && bytes + this.queue[count].bytes.length <= REQUEST_BYTES);
    return this.queue.splice(0, count);
  }

  private acknowledged(batches: readonly EventBatch[]): void {
    for (const { bytes, rows } of batches) {
      this.bytes -= bytes.length;
      this.sent += rows;
      this.done++;
    }
    const over = this.waiters.filter(({ isOver }) => isOver());
    this.waiters = this.waiters.filter((waiter) => !over.includes(waiter));
    for (const { wake } of over) wake();
  }

  private async send(batches: readonly EventBatch[]): Promise<void> {
    const { producer } = await this.clients;
    if (!this.hasSchema) await this.prepare();
    const map = this.settings.partitions ?? new Map();
    const messages = batches.map(({ table, feed, stream, bytes }) => {
      const topic = this.topics.rows(table);
      return {
        topic,
        partition: partitionOf(stream, this.counts.get(topic) ?? PARTITIONS, map),
        key: Buffer.from(`${feed}/${stream}`),
        value: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        headers: new Map([
          [MESSAGE_HEADER, Buffer.from(batchName(table))],
          [SCHEMA_HEADER, Buffer.from(this.digest)],
        ]),
      };
    });
    await producer.send({ messages, compression: "zstd" });
  }

  /** The schema is there before the first row that needs it. */
  private async prepare(): Promise<void> {
    const { admin, producer } = await this.clients;
    const { topics, settings } = this;
    for (const table of TABLES) {
      const topic = topics.rows(table);
      const count = settings.partitionCount ?? PARTITIONS;
      this.counts.set(topic, await ensureTopic(admin, topics, topic, count));
    }
    await ensureTopic(admin, topics, topics.schemas, 1);
    const value = Buffer.from(rowsDescriptor());
    const schema = { topic: topics.schemas, partition: 0, key: Buffer.from(this.digest), value };
    await producer.send({ messages: [schema] });
    this.hasSchema = true;
  }
}
