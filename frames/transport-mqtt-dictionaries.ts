/**
 * Edge: dictionaries over MQTT: retained in `edgebook/dictionary/{name}`, published before the first chunk
 * that needs one, and again to a broker that comes back or when the centre misses chunks, for brokers
 * forget. Who meets a chunk with one that it does not know subscribes to that one.
 */
import type { IPublishPacket } from "mqtt";
import type { Dictionaries } from "./dictionary.ts";
import { dictionaryTopic } from "./transport.ts";
import { BrokerConnection, type MqttOptions } from "./transport-mqtt-connection.ts";

/** Names that an edge keeps at its broker; those needed last stay. */
const NAMES_LIMIT = 64;
/** The centre may ask for chunks often. */
const PUBLISH_AGAIN_MS = 10_000;
/** A retained message comes as soon as the broker has the subscription; a stream is not silent before 500 ms. */
const WAIT_MS = 400;
/** Names that a centre is subscribed to, at most. */
const ASKED_LIMIT = 32;
const SAY_AGAIN_MS = 60_000;
const TOPIC = dictionaryTopic("");

/** The edge's side. */
export class RetainedDictionaries {
  private readonly dictionaries: Dictionaries;
  private readonly connection: BrokerConnection;
  private readonly names = new Set<string>();
  private readonly underWay = new Set<string>();
  /** Acknowledged on this connection. */
  private readonly there = new Set<string>();
  private againMs = Number.NEGATIVE_INFINITY;

  constructor(dictionaries: Dictionaries, connection: BrokerConnection) {
    this.dictionaries = dictionaries;
    this.connection = connection;
    connection.client.on("close", () => this.there.clear());
    connection.client.on("connect", () => this.publishMissing());
  }

  /** To be called before a chunk is sent: what is published first arrives first, nobody waits for it. */
  need(name: string): void {
    if (name === "" || this.there.has(name)) return;
    this.names.delete(name);
    this.names.add(name);
    for (const oldest of this.names) {
      if (this.names.size <= NAMES_LIMIT) break;
      this.names.delete(oldest);
    }
    this.publish(name);
  }

  /** All of them, unless that was done just now. */
  publishAgain(): void {
    const nowMs = performance.now();
    if (nowMs - this.againMs < PUBLISH_AGAIN_MS) return;
    this.againMs = nowMs;
    this.there.clear();
    this.publishMissing();
  }

  private publishMissing(): void {
    for (const name of this.names) if (!this.there.has(name)) this.publish(name);
  }

  private publish(name: string): void {
    const dictionary = this.dictionaries.get(name);
    if (dictionary === undefined || this.underWay.has(name)) return;
    this.underWay.add(name);
    this.connection
      .publish(dictionaryTopic(name), dictionary.bytes, true)
      .then(
        () => this.there.add(name),
        () => {},
      )
      .finally(() => this.underWay.delete(name));
  }
}

/**
 * The centre's side. On a connection of its own, since a chunk that waits for its dictionary holds up all
 * that comes behind it on its connection; there is none until the first dictionary is missing.
 */
export class MqttDictionaryReader {
  private readonly url: string;
  private readonly options: MqttOptions;
  private readonly dictionaries: Dictionaries;
  private connection: BrokerConnection | undefined;
  /** By name: what to call when it is known. */
  private readonly asked = new Map<string, () => void>();
  private refusedMs = Number.NEGATIVE_INFINITY;
  private isClosed = false;

  constructor(url: string, options: MqttOptions, dictionaries: Dictionaries) {
    this.url = url;
    this.options = options;
    this.dictionaries = dictionaries;
  }

  /** Resolves when it is known, or did not come in time; one that comes later is learned, too. */
  async ask(name: string): Promise<void> {
    if (this.isClosed) return;
    this.connection ??= this.open();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.forget(name);
    this.asked.set(name, resolve);
    for (const oldest of this.asked.keys()) {
      if (this.asked.size <= ASKED_LIMIT) break;
      this.forget(oldest);
    }
    // Each time anew: what is retained comes with a subscription.
    this.connection.subscribe(dictionaryTopic(name));
    await Promise.race([promise, Bun.sleep(WAIT_MS)]);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const resolve of this.asked.values()) resolve();
    await this.connection?.close(0);
  }

  private open(): BrokerConnection {
    const onStatus = this.options.onStatus ?? (() => {});
    const connection = new BrokerConnection(this.url, {
      ...this.options,
      // That the broker goes and comes is told of the connection for chunks.
      onStatus: (text, event, place) => {
        if (event === undefined) onStatus(text, event, place);
      },
    });
    connection.client.handleMessage = ({ topic, payload }: IPublishPacket, acknowledge) => {
      this.learn(topic.slice(TOPIC.length), Buffer.from(payload));
      acknowledge();
    };
    return connection;
  }

  private learn(name: string, bytes: Uint8Array): void {
    const known = this.asked.get(name);
    if (known === undefined) return;
    const learned = this.dictionaries.learn(name, bytes);
    if (typeof learned === "string") {
      this.sayRefused(name, learned);
      return;
    }
    this.forget(name);
    known();
  }

  private forget(name: string): void {
    if (this.asked.delete(name)) this.connection?.unsubscribe(dictionaryTopic(name));
  }

  private sayRefused(name: string, why: string): void {
    if (performance.now() - this.refusedMs < SAY_AGAIN_MS) return;
    this.refusedMs = performance.now();
    const text = `${this.url}: the dictionary '${name.slice(0, 80)}' is refused: ${why}`;
    this.options.onStatus?.(text);
  }
}
