/**
 * Edge: dictionaries in Kafka: a compacted topic, the key of a record is a dictionary's name. Written
 * before the first chunk that needs one is sent; whoever meets a chunk with one that it does not know
 * reads the topic through for it.
 */
import type { Admin } from "@platformatic/kafka";
import type { Tell } from "../metrics/events.ts";
import type { Dictionaries } from "./dictionary.ts";
import {
  AGAIN_MS,
  type ClientOptions,
  ensureTopic,
  type KafkaClients,
  type KafkaConsumer,
  kafkaLibrary,
  reasonOf,
} from "./kafka-client.ts";
import type { KafkaTopics } from "./kafka-topics.ts";

/** What ships and could not be written is tried again after that. */
const WRITE_AGAIN_MS = 60_000;
/** A topic that cannot be read keeps chunks waiting for so long. */
const READ_LIMIT_MS = 5000;
const FETCH_BYTES = 4 << 20;
const FETCH_WAIT_MS = 100;
const EARLIEST = -2n;
const LATEST = -1n;

/** The edge's side. */
export class KafkaDictionaryWriter {
  private readonly dictionaries: Dictionaries;
  private readonly topics: KafkaTopics;
  private readonly onStatus: Tell;
  private readonly written = new Set<string>();
  /** Of what ships: when it was tried. */
  private readonly triedMs = new Map<string, number>();
  /** The end of all that wait, in their order; never rejects. */
  private last: Promise<void> = Promise.resolve();
  private waiting = 0;
  private hasTold = false;

  constructor(dictionaries: Dictionaries, topics: KafkaTopics, onStatus: Tell = () => {}) {
    this.dictionaries = dictionaries;
    this.topics = topics;
    this.onStatus = onStatus;
  }

  /**
   * Resolves when the topic has what the chunk needs; no chunk overtakes one that waits for it. For what
   * every edgebook has nobody waits.
   * @param name empty: nothing
   * @throws the client's error
   */
  write(name: string, clients: KafkaClients): Promise<void> | undefined {
    const isMissing = name !== "" && !this.written.has(name);
    const isShipped = isMissing && this.dictionaries.isShipped(name);
    if (isShipped) this.writeAside(name, clients);
    const isWaitedFor = isMissing && !isShipped && this.dictionaries.get(name) !== undefined;
    if (!isWaitedFor && this.waiting === 0) return undefined;
    const turn = isWaitedFor ? this.last.then(() => this.put(name, clients)) : this.last;
    const done = () => {
      this.waiting--;
    };
    this.waiting++;
    this.last = turn.then(done, done);
    return turn;
  }

  /** Readers of another version may need it. */
  private writeAside(name: string, clients: KafkaClients): void {
    const nowMs = performance.now();
    if (nowMs - (this.triedMs.get(name) ?? Number.NEGATIVE_INFINITY) < WRITE_AGAIN_MS) return;
    this.triedMs.set(name, nowMs);
    this.put(name, clients).catch((error) => {
      if (this.hasTold) return;
      this.hasTold = true;
      const topic = this.topics.dictionaries;
      this.onStatus(`${topic} does not take the dictionary ${name}: ${reasonOf(error)}`);
    });
  }

  private async put(name: string, { admin, producer }: KafkaClients): Promise<void> {
    // Who was before it in the row may have put it there.
    const dictionary = this.written.has(name) ? undefined : this.dictionaries.get(name);
    if (dictionary === undefined) return;
    const { dictionaries: topic } = this.topics;
    await ensureTopic(admin, this.topics, topic, 1);
    const value = Buffer.from(dictionary.bytes);
    await producer.send({ messages: [{ topic, partition: 0, key: Buffer.from(name), value }] });
    this.written.add(name);
  }
}

/** The centre's side: reads the topic through, from its start to the end that it has at that moment. */
export class KafkaDictionaryReader {
  private readonly dictionaries: Dictionaries;
  private readonly topics: KafkaTopics;
  private readonly shared: ClientOptions;
  private readonly admin: () => Promise<Admin>;
  private readonly onStatus: Tell;
  private consumer: KafkaConsumer | undefined;
  private isClosed = false;

  constructor(
    dictionaries: Dictionaries,
    topics: KafkaTopics,
    shared: ClientOptions,
    admin: () => Promise<Admin>,
    onStatus: Tell = () => {},
  ) {
    this.dictionaries = dictionaries;
    this.topics = topics;
    this.shared = shared;
    this.admin = admin;
    this.onStatus = onStatus;
  }

  /**
   * Resolves when it is known, or the topic does not have it (it was acknowledged before its chunks were
   * sent), or brokers are too slow.
   */
  async ask(name: string): Promise<void> {
    await Promise.race([this.read(name), Bun.sleep(READ_LIMIT_MS)]);
  }

  private async read(name: string): Promise<void> {
    const untilMs = performance.now() + READ_LIMIT_MS;
    while (!this.isClosed) {
      try {
        await this.look(name);
        return;
      } catch (error) {
        if (this.isClosed) return;
        if (performance.now() >= untilMs) {
          const topic = this.topics.dictionaries;
          this.onStatus(`${topic} cannot be read for the dictionary ${name}: ${reasonOf(error)}`);
          return;
        }
        await Bun.sleep(AGAIN_MS);
      }
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.consumer?.close(true).catch(() => {});
  }

  private async look(name: string): Promise<void> {
    const { dictionaries: topic } = this.topics;
    const there = await (await this.admin()).listTopics();
    if (!there.includes(topic)) return;
    const { Consumer } = await kafkaLibrary();
    // It joins no group: that would take seconds.
    const consumer = new Consumer({ ...this.shared, groupId: `${topic}-${this.shared.clientId}` });
    this.consumer = consumer;
    try {
      await this.readThrough(consumer, topic, name);
    } finally {
      await consumer.close(true).catch(() => {});
    }
  }

  private async readThrough(consumer: KafkaConsumer, topic: string, name: string): Promise<void> {
    const { topics } = await consumer.metadata({ topics: [topic], forceUpdate: true });
    const known = topics.get(topic);
    if (known === undefined) return;
    const at = async (timestamp: bigint) =>
      (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic)?.[0] ?? 0n;
    const [from, end] = [await at(EARLIEST), await at(LATEST)];
    const place = {
      ...{ partition: 0, currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
      partitionMaxBytes: FETCH_BYTES,
    };
    const node = known.partitions[0].leader;
    for (let fetchOffset = from; fetchOffset < end && !this.isClosed; ) {
      const wanted = [{ topicId: known.id, partitions: [{ ...place, fetchOffset }] }];
      const sizes = { maxBytes: FETCH_BYTES, maxWaitTime: FETCH_WAIT_MS };
      const { responses } = await consumer.fetch({ node, topics: wanted, ...sizes });
      const batches = responses[0]?.partitions[0]?.records ?? [];
      for (const { firstOffset, lastOffsetDelta, records } of batches) {
        for (const { key, value } of records) {
          if (key?.toString() === name && this.isLearned(name, value)) return;
        }
        fetchOffset = firstOffset + BigInt(lastOffsetDelta) + 1n;
      }
      if (batches.length === 0) throw new Error(`it ends at ${fetchOffset}, and not at ${end}`);
    }
  }

  private isLearned(name: string, bytes: Buffer | null): boolean {
    const learned = this.dictionaries.learn(name, bytes ?? new Uint8Array());
    if (typeof learned !== "string") return true;
    this.onStatus(`${this.topics.dictionaries}: the dictionary ${name} is refused: ${learned}`);
    return false;
  }
}
