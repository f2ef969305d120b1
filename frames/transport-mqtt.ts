/**
 * Edge: chunks over MQTT 3.1.1 with QoS 1: `edgebook/frames/{feed}/{stream}` to the centre,
 * `edgebook/control/{collector}` and `edgebook/position/{consumer}` back (JSON).
 *
 * A broker that is not there is waited for: said at once, then once a minute. What is on its way is
 * bounded by who calls `send`: it waits for the promise, or keeps a window of them.
 */
import mqtt, { type IPublishPacket, type MqttClient } from "mqtt";
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
  parsePosition,
  parseRepair,
  parseRequest,
  positionTopic,
  type RepairRequest,
} from "./transport.ts";

const RECONNECT_MS = 1000;
const CONNECT_TIMEOUT_MS = 10_000;
const SAY_AGAIN_MS = 60_000;

export interface MqttOptions {
  /** Name of the collector or consumer: whose control topic, whose position. */
  readonly clientName: string;
  /** Told when the broker goes and comes, in a sentence. */
  readonly onStatus?: (text: string) => void;
}

/** A connection that comes back by itself, and says when it is gone. */
class BrokerConnection {
  readonly client: MqttClient;
  readonly clientId: string;
  private readonly url: string;
  private readonly onStatus: (text: string) => void;
  private saidMs = Number.NEGATIVE_INFINITY;
  private why = "no answer";

  constructor(url: string, options: MqttOptions) {
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
    });
    this.client.on("connect", () => this.connected());
    this.client.on("error", (error) => {
      this.why = (error as { code?: string }).code ?? error.message;
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
    if (this.saidMs > Number.NEGATIVE_INFINITY) this.onStatus(`${this.url}: connected again`);
    this.saidMs = Number.NEGATIVE_INFINITY;
  }

  private lost(): void {
    if (performance.now() - this.saidMs < SAY_AGAIN_MS) return;
    this.saidMs = performance.now();
    this.onStatus(`${this.url}: the broker is not there (${this.why}); trying again every second`);
  }
}

let connections = 0;

const asBuffer = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The edge's side. */
export class MqttChunkSink implements ChunkSink, EdgeLink {
  readonly name: string;
  private readonly connection: BrokerConnection;
  private readonly requests: ((request: ControlRequest) => void)[] = [];
  private readonly repairs: ((request: RepairRequest) => void)[] = [];
  private readonly positions: ((position: Position) => void)[] = [];

  constructor(url: string, options: MqttOptions) {
    this.name = url;
    this.connection = new BrokerConnection(url, options);
    const control = controlTopic(options.clientName);
    this.connection.client.on("message", (topic, payload) => {
      if (topic === control) {
        this.hearRequest(payload.toString());
      } else {
        const position = parsePosition(payload.toString());
        if (position?.collector !== options.clientName) return;
        for (const listener of this.positions) listener(position);
      }
    });
    this.connection.subscribe([control, positionTopic("+")]);
  }

  get connected(): boolean {
    return this.connection.connectedNow;
  }

  send({ header, bytes }: PackedChunk): Promise<void> {
    return this.connection.publish(framesTopic(header.feed || "unknown", header.stream), bytes);
  }

  onRequest(listener: (request: ControlRequest) => void): void {
    this.requests.push(listener);
  }

  onRepair(listener: (request: RepairRequest) => void): void {
    this.repairs.push(listener);
  }

  onPosition(listener: (position: Position) => void): void {
    this.positions.push(listener);
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
  private readonly nowSubscribed: () => void;
  private ended: () => void = () => {};

  /** @param topics what to take; every stream of every feed unless told otherwise */
  constructor(url: string, options: MqttOptions, topics: string[] = ["edgebook/frames/+/+"]) {
    this.name = url;
    this.topics = topics;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.subscribed = promise;
    this.nowSubscribed = resolve;
    this.connection = new BrokerConnection(url, options);
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
        Promise.resolve(onChunk(bytes)).then(() => acknowledge(), reject);
      };
      this.connection.subscribe(this.topics, this.nowSubscribed);
    });
  }

  request(collector: string, request: ControlRequest | RepairRequest): Promise<void> {
    return this.connection.publish(controlTopic(collector), JSON.stringify(request));
  }

  /** Retained, so that a collector that starts later knows how far the centre is. */
  publishPosition(position: Position): Promise<void> {
    const text = JSON.stringify(position);
    return this.connection.publish(positionTopic(position.consumer), text, true);
  }

  async close(): Promise<void> {
    await this.connection.close(1000);
    this.ended();
  }
}
