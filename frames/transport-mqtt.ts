/**
 * Edge: chunks over MQTT 3.1.1 with QoS 1: `edgebook/frames/{feed}/{stream}` to the centre,
 * `edgebook/control/{collector}` and `edgebook/position/{consumer}` back (JSON). Dictionaries stand retained
 * in `edgebook/dictionary/{name}`: published before the first chunk that needs one, and again to a broker
 * that comes back, for it may have forgotten them.
 *
 * A broker that is not there is waited for: said at once, then once a minute. What is on its way is
 * bounded by who calls `send`: it waits for the promise, or keeps a window of them.
 */
import mqtt, { type IPublishPacket, type MqttClient } from "mqtt";
import type { Tell } from "../metrics/events.ts";
import type { PackedChunk } from "./chunk.ts";
import type { Dictionaries } from "./dictionary.ts";
import type { MqttAccess } from "./mqtt-access.ts";
import {
  type CentreLink,
  type ChunkSink,
  type ChunkSource,
  type ControlRequest,
  controlTopic,
  dictionaryTopic,
  type EdgeLink,
  framesTopic,
  type Position,
  parseDeparture,
  parsePosition,
  parseRepair,
  parseRequest,
  positionTopic,
  type RepairRequest,
} from "./transport.ts";
import { openZstd } from "./zstd.ts";

const RECONNECT_MS = 1000;
const CONNECT_TIMEOUT_MS = 10_000;
const SAY_AGAIN_MS = 60_000;
/** How long an ending consumer waits to have told that it ends. */
const GOODBYE_MS = 500;
const DICTIONARIES = dictionaryTopic("");

export interface MqttOptions {
  /** Name of the collector or consumer: whose control topic, whose position. */
  readonly clientName: string;
  /** Who we are to the broker, and whom we trust; absent: nobody asks. */
  readonly access?: MqttAccess | undefined;
  /** Told when the broker goes and comes, in a sentence. */
  readonly onStatus?: Tell;
  /** Where dictionaries of chunks are, and are put; those of this thread unless told. */
  readonly dictionaries?: Dictionaries;
}

/** A connection that comes back by itself, and says when it is gone. */
class BrokerConnection {
  readonly client: MqttClient;
  readonly clientId: string;
  private readonly url: string;
  private readonly onStatus: Tell;
  private saidMs = Number.NEGATIVE_INFINITY;
  private why = "no answer";

  /** @param will what the broker says of us when it loses us */
  constructor(url: string, options: MqttOptions, will?: { topic: string; text: string }) {
    this.url = url;
    this.onStatus = options.onStatus ?? (() => {});
    // A name of its own for each connection: brokers let only one of a name live.
    this.clientId = `${options.clientName}-${process.pid}-${connections++}`;
    this.client = mqtt.connect(url, {
      protocolVersion: 4,
      clientId: this.clientId,
      clean: true,
      reconnectPeriod: RECONNECT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      resubscribe: true,
      ...accessOptions(options.access ?? {}),
      ...(will === undefined
        ? {}
        : { will: { topic: will.topic, payload: Buffer.from(will.text), qos: 1, retain: false } }),
    });
    this.client.on("connect", () => this.connected());
    this.client.on("error", (error) => {
      const { code } = error as { code?: unknown };
      this.why = whyText(typeof code === "string" ? code : error.message);
    });
    this.client.on("close", () => this.lost());
  }

  get connectedNow(): boolean {
    return this.client.connected;
  }

  publish(topic: string, payload: Uint8Array | string, retain = false): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null) => (error ? reject(error) : resolve());
      const body = typeof payload === "string" ? payload : asBuffer(payload);
      this.client.publish(topic, body, { qos: 1, retain }, done);
    });
  }

  /** Subscribes now, or as soon as the broker is there: calls `onDone` then. */
  subscribe(topics: string[], onDone: () => void = () => {}): void {
    this.client.subscribe(topics, { qos: 1 }, (error) => {
      if (!error) onDone();
    });
  }

  async close(graceMs: number): Promise<void> {
    this.client.removeAllListeners("close");
    const gentle = this.client.connected && graceMs > 0;
    const ended = this.client.endAsync(!gentle).catch(() => {});
    await Promise.race([ended, Bun.sleep(Math.max(graceMs, 100))]);
  }

  private connected(): void {
    const { url: broker } = this;
    if (this.saidMs > Number.NEGATIVE_INFINITY) {
      this.onStatus(`${broker}: connected again`, "broker_back", { broker });
    }
    this.saidMs = Number.NEGATIVE_INFINITY;
  }

  private lost(): void {
    if (performance.now() - this.saidMs < SAY_AGAIN_MS) return;
    this.saidMs = performance.now();
    const { url: broker, why } = this;
    const text = `${broker}: the broker is not there (${why}); trying again every second`;
    this.onStatus(text, "broker_gone", { broker });
  }
}

let connections = 0;

function accessOptions({ user, password, ca, certificate, key }: MqttAccess) {
  return {
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  };
}

/** What a person can do about it stands behind what the broker or TLS says. */
function whyText(why: string): string {
  if (/not authorized|bad user/i.test(why)) return `${why}: check user and password`;
  if (/CERT|SELF_SIGNED|ISSUER|UNABLE_TO|ALTNAME/i.test(why)) {
    return `${why}: its certificate is not trusted; name who signed it with --mqtt-ca`;
  }
  return why;
}

const asBuffer = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The edge's side. */
export class MqttChunkSink implements ChunkSink, EdgeLink {
  readonly name: string;
  private readonly connection: BrokerConnection;
  private readonly requests: ((request: ControlRequest) => void)[] = [];
  private readonly repairs: ((request: RepairRequest) => void)[] = [];
  private readonly positions: ((position: Position, isRetained: boolean) => void)[] = [];
  private readonly departures: ((consumer: string) => void)[] = [];
  private readonly dictionaries: Dictionaries;
  /** Names of dictionaries that were published. */
  private readonly published = new Set<string>();

  constructor(url: string, options: MqttOptions) {
    this.name = url;
    this.dictionaries = options.dictionaries ?? openZstd().dictionaries;
    this.connection = new BrokerConnection(url, options);
    this.connection.client.on("connect", () => {
      for (const name of this.published) this.publishDictionary(name);
    });
    const control = controlTopic(options.clientName);
    this.connection.client.on("message", (topic, payload, { retain }) => {
      const text = payload.toString();
      if (topic === control) this.hearRequest(text);
      else this.hearPosition(text, options.clientName, retain);
    });
    this.connection.subscribe([control, positionTopic("+")]);
  }

  get connected(): boolean {
    return this.connection.connectedNow;
  }

  send({ header, bytes }: PackedChunk): Promise<void> {
    const { dictionary } = header;
    // What is published first arrives first: nobody waits for it.
    if (dictionary !== "" && !this.published.has(dictionary)) this.publishDictionary(dictionary);
    return this.connection.publish(framesTopic(header.feed || "unknown", header.stream), bytes);
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

  onDeparture(listener: (consumer: string) => void): void {
    this.departures.push(listener);
  }

  private publishDictionary(name: string): void {
    const dictionary = this.dictionaries.get(name);
    if (dictionary === undefined) return;
    this.published.add(name);
    this.connection.publish(dictionaryTopic(name), dictionary.bytes, true).catch(() => {});
  }

  private hearPosition(text: string, collector: string, isRetained: boolean): void {
    const gone = parseDeparture(text);
    if (gone !== undefined) for (const listener of this.departures) listener(gone);
    const position = parsePosition(text);
    if (position?.collector !== collector) return;
    for (const listener of this.positions) listener(position, isRetained);
  }

  private hearRequest(text: string): void {
    const request = parseRequest(text);
    if (request !== undefined) for (const listener of this.requests) listener(request);
    const repair = request === undefined ? parseRepair(text) : undefined;
    if (repair !== undefined) for (const listener of this.repairs) listener(repair);
  }

  close(graceMs = 1000): Promise<void> {
    return this.connection.close(graceMs);
  }
}

/** The centre's side. */
export class MqttChunkSource implements ChunkSource, CentreLink {
  readonly name: string;
  private readonly connection: BrokerConnection;
  /** Resolves when the broker has taken the subscription: from then on nothing passes it by. */
  readonly subscribed: Promise<void>;
  private readonly topics: string[];
  private readonly departure: { topic: string; text: string };
  private readonly nowSubscribed: () => void;
  private readonly dictionaries: Dictionaries;
  private readonly onStatus: Tell;
  private refusedMs = Number.NEGATIVE_INFINITY;
  private ended: () => void = () => {};
  private hasBegun = false;
  private isClosing = false;

  /** @param topics what to take; every stream of every feed unless told otherwise */
  constructor(url: string, options: MqttOptions, topics: string[] = ["edgebook/frames/+/+"]) {
    this.name = url;
    // What the broker keeps of dictionaries comes before any chunk.
    this.topics = [dictionaryTopic("+"), ...topics];
    this.dictionaries = options.dictionaries ?? openZstd().dictionaries;
    this.onStatus = options.onStatus ?? (() => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.subscribed = promise;
    this.nowSubscribed = resolve;
    const { clientName } = options;
    this.departure = {
      topic: positionTopic(clientName),
      text: JSON.stringify({ gone: clientName }),
    };
    this.connection = new BrokerConnection(url, options, this.departure);
  }

  get connected(): boolean {
    return this.connection.connectedNow;
  }

  /** As the broker knows this connection. */
  get clientId(): string {
    return this.connection.clientId;
  }

  run(onChunk: (bytes: Uint8Array) => Promise<void> | void): Promise<void> {
    const { client } = this.connection;
    return new Promise((resolve, reject) => {
      this.ended = resolve;
      // The acknowledgement, and with it the next message, waits until the chunk was taken.
      client.handleMessage = (packet: IPublishPacket, acknowledge) => {
        const { topic, payload } = packet;
        const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
        if (topic.startsWith(DICTIONARIES)) {
          this.learn(topic.slice(DICTIONARIES.length), bytes);
          acknowledge();
          return;
        }
        Promise.resolve(onChunk(bytes)).then(() => acknowledge(), reject);
      };
      this.connection.subscribe(this.topics, () => {
        this.sayBegun();
        this.nowSubscribed();
      });
    });
  }

  private learn(name: string, bytes: Uint8Array): void {
    const learned = this.dictionaries.learn(name, bytes);
    if (typeof learned !== "string" || performance.now() - this.refusedMs < SAY_AGAIN_MS) return;
    this.refusedMs = performance.now();
    this.onStatus(`${this.name}: the dictionary '${name.slice(0, 80)}' is refused: ${learned}`);
  }

  /**
   * Who bore this name before is no more, whether or not its farewell came through: nobody is to
   * wait for the position that it had, since this life may be far before it, or know of nothing.
   */
  private sayBegun(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    const { topic, text } = this.departure;
    this.connection.publish(topic, text).catch(() => {});
  }

  request(collector: string, request: ControlRequest | RepairRequest): Promise<void> {
    return this.connection.publish(controlTopic(collector), JSON.stringify(request));
  }

  /** Retained, so that a collector that starts later knows how far the centre is. */
  publishPosition(position: Position): Promise<void> {
    // Behind the farewell it would be waited for.
    if (this.isClosing) return Promise.resolve();
    const text = JSON.stringify(position);
    return this.connection.publish(positionTopic(position.consumer), text, true);
  }

  async close(): Promise<void> {
    this.isClosing = true;
    if (this.connection.connectedNow) {
      const { topic, text } = this.departure;
      const told = this.connection.publish(topic, text).catch(() => {});
      await Promise.race([told, Bun.sleep(GOODBYE_MS)]);
    }
    await this.connection.close(1000);
    this.ended();
  }
}
