/**
 * Edge: dictionaries in Kafka: a compacted topic, the key of a record is a dictionary's name. Written
 * before the first chunk that needs one is sent; read by whoever meets a chunk with one that it does not
 * know, from then on for good.
 */
import type { Admin } from "@platformatic/kafka";
import { ChunkFault, readChunkHeader } from "./chunk.ts";
import type { Dictionaries, Dictionary } from "./dictionary.ts";
import {
  type ClientOptions,
  ensureTopic,
  type KafkaClients,
  kafkaLibrary,
  Reading,
} from "./kafka-client.ts";
import type { KafkaTopics } from "./kafka-topics.ts";

/** How long a chunk waits for its dictionary while the reader joins its group: some seconds, usually. */
const JOIN_MS = 15_000;
/** And once it reads: what a chunk needs was acknowledged before the chunk was sent. */
const WAIT_MS = 1_000;
/** After one waited in vain nobody waits for so long: chunks must not stop for names that do not exist. */
const QUIET_MS = 60_000;
const LOOK_MS = 20;

/** The edge's side. */
export class KafkaDictionaryWriter {
  private readonly dictionaries: Dictionaries;
  private readonly topics: KafkaTopics;
  private readonly written = new Set<string>();
  private underWay: Promise<void> | undefined;

  constructor(dictionaries: Dictionaries, topics: KafkaTopics) {
    this.dictionaries = dictionaries;
    this.topics = topics;
  }

  /**
   * Resolves when the topic has what the chunk needs; no chunk overtakes one that waits for it.
   * @param name empty: nothing
   * @throws the client's error
   */
  write(name: string, clients: KafkaClients): Promise<void> | undefined {
    const dictionary = this.written.has(name) ? undefined : this.dictionaries.get(name);
    if (dictionary === undefined || this.underWay !== undefined) return this.underWay;
    this.underWay = this.put(dictionary, clients).finally(() => {
      this.underWay = undefined;
    });
    return this.underWay;
  }

  private async put({ name, bytes }: Dictionary, { admin, producer }: KafkaClients) {
    const { dictionaries: topic } = this.topics;
    await ensureTopic(admin, this.topics, topic, 1);
    const message = { topic, partition: 0, key: Buffer.from(name), value: Buffer.from(bytes) };
    await producer.send({ messages: [message] });
    this.written.add(name);
  }
}

/** The centre's side: a reader that begins when the first dictionary is missing. */
export class KafkaDictionaryReader {
  private readonly dictionaries: Dictionaries;
  private readonly topics: KafkaTopics;
  private readonly shared: ClientOptions;
  private readonly admin: () => Promise<Admin>;
  private reading: Reading | undefined;
  /** It has joined its group, as far as can be told. */
  private hasJoined = false;
  private quietUntilMs = 0;
  private isClosed = false;

  constructor(
    dictionaries: Dictionaries,
    topics: KafkaTopics,
    shared: ClientOptions,
    admin: () => Promise<Admin>,
  ) {
    this.dictionaries = dictionaries;
    this.topics = topics;
    this.shared = shared;
    this.admin = admin;
  }

  /** Resolves when the chunk's dictionary is known, or it has been waited for in vain. */
  fetchFor(chunk: Uint8Array): Promise<void> | void {
    const read = readChunkHeader(chunk);
    if (read instanceof ChunkFault) return;
    const { dictionary: name } = read.header;
    if (name === "" || this.dictionaries.get(name) !== undefined) return;
    if (performance.now() >= this.quietUntilMs) return this.wait(name);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.reading?.close();
  }

  private async wait(name: string): Promise<void> {
    this.reading ??= this.begin();
    const untilMs = performance.now() + (this.hasJoined ? WAIT_MS : JOIN_MS);
    while (!this.isClosed && performance.now() < untilMs) {
      if (this.dictionaries.get(name) !== undefined) return;
      await Bun.sleep(LOOK_MS);
    }
    this.hasJoined = true;
    this.quietUntilMs = performance.now() + QUIET_MS;
  }

  /** A group of its own, so that it gets all of them, whoever else reads. */
  private begin(): Reading {
    const { dictionaries: topic } = this.topics;
    const groupId = `${topic}-${this.shared.clientId}-${process.pid}-${Date.now()}`;
    const reading = new Reading({
      makeConsumer: async () => new (await kafkaLibrary()).Consumer({ ...this.shared, groupId }),
      topics: async () => {
        const there = await (await this.admin()).listTopics();
        return there.filter((each) => each === topic);
      },
      each: ({ key, value }) => {
        this.hasJoined = true;
        this.dictionaries.learn(key.toString(), value);
      },
      onError: () => {},
      maxBytes: 1 << 20,
      ready: 16,
    });
    void reading.run();
    return reading;
  }
}
