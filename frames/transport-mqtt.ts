/**
 * Edge: chunks over MQTT 3.1.1 with QoS 1: `edgebook/frames/{feed}/{stream}` to the centre,
 * `edgebook/control/{collector}` and `edgebook/position/{consumer}` back (JSON). Dictionaries stand retained
 * in `edgebook/dictionary/{name}` (`transport-mqtt-dictionaries.ts`).
 *
 * A broker that is not there is waited for: said at once, then once a minute. What is on its way is
 * bounded by who calls `send`: it waits for the promise, or keeps a window of them.
 */
import type { IPublishPacket } from "mqtt";
import type { PackedChunk } from "./chunk.ts";
import {
  type CentreLink,
  type ChunkSink,
  type ChunkSource,
  type ControlRequest,
  controlTopic,
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
import { DictionaryFetch } from "./transport-dictionaries.ts";
import { BrokerConnection, type MqttOptions } from "./transport-mqtt-connection.ts";
import { MqttDictionaryReader, RetainedDictionaries } from "./transport-mqtt-dictionaries.ts";
import { openZstd } from "./zstd.ts";

/** How long an ending consumer waits to have told that it ends. */
const GOODBYE_MS = 500;

/** The edge's side. */
export class MqttChunkSink implements ChunkSink, EdgeLink {
  readonly name: string;
  private readonly connection: BrokerConnection;
  private readonly requests: ((request: ControlRequest) => void)[] = [];
  private readonly repairs: ((request: RepairRequest) => void)[] = [];
  private readonly positions: ((position: Position, isRetained: boolean) => void)[] = [];
  private readonly departures: ((consumer: string) => void)[] = [];
  private readonly dictionaries: RetainedDictionaries;

  constructor(url: string, options: MqttOptions) {
    this.name = url;
    this.connection = new BrokerConnection(url, options);
    const dictionaries = options.dictionaries ?? openZstd().dictionaries;
    this.dictionaries = new RetainedDictionaries(dictionaries, this.connection);
    const control = controlTopic(options.clientName);
    this.connection.client.on("message", (topic, payload, { retain }) => {
      const text = payload.toString();
      if (topic === control) this.hearRequest(text);
      else this.hearPosition(text, options.clientName, retain);
    });
    this.connection.subscribe(control);
    this.connection.subscribe(positionTopic("+"));
  }

  get connected(): boolean {
    return this.connection.connectedNow;
  }

  send({ header, bytes }: PackedChunk): Promise<void> {
    this.dictionaries.need(header.dictionary);
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

  private hearPosition(text: string, collector: string, isRetained: boolean): void {
    const gone = parseDeparture(text);
    if (gone !== undefined) for (const listener of this.departures) listener(gone);
    const position = parsePosition(text);
    if (position?.collector !== collector) return;
    for (const listener of this.positions) listener(position, isRetained);
  }

  private hearRequest(text: string): void {
    const request = parseRequest(text);
    // What it misses may have come, and could not be read.
    if (request !== undefined) this.dictionaries.publishAgain();
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
  private readonly reader: MqttDictionaryReader;
  private readonly dictionaries: DictionaryFetch;
  private ended: () => void = () => {};
  private hasBegun = false;
  private isClosing = false;

  /** @param topics what to take; every stream of every feed unless told otherwise */
  constructor(url: string, options: MqttOptions, topics: string[] = ["edgebook/frames/+/+"]) {
    this.name = url;
    this.topics = topics;
    const dictionaries = options.dictionaries ?? openZstd().dictionaries;
    this.reader = new MqttDictionaryReader(url, options, dictionaries);
    this.dictionaries = new DictionaryFetch(dictionaries, (name) => this.reader.ask(name));
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
        const { payload } = packet;
        const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
        this.take(bytes, onChunk).then(() => acknowledge(), reject);
      };
      const missing = new Set(this.topics);
      for (const topic of this.topics) {
        this.connection.subscribe(topic, () => {
          this.sayBegun();
          missing.delete(topic);
          if (missing.size === 0) this.nowSubscribed();
        });
      }
    });
  }

  private async take(
    bytes: Uint8Array,
    onChunk: (bytes: Uint8Array) => Promise<void> | void,
  ): Promise<void> {
    const fetching = this.dictionaries.fetchFor(bytes, performance.now());
    if (fetching !== undefined) await fetching;
    const taking = onChunk(bytes);
    if (taking !== undefined) await taking;
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
    await Promise.all([this.connection.close(1000), this.reader.close()]);
    this.ended();
  }
}
