/**
 * Edge: one connection to an MQTT broker, that comes back by itself, subscribes again, and says when the
 * broker is gone, back, or refuses a subscription.
 */
import mqtt, { type MqttClient } from "mqtt";
import type { Tell } from "../metrics/events.ts";
import type { Dictionaries } from "./dictionary.ts";
import type { MqttAccess } from "./mqtt-access.ts";

const RECONNECT_MS = 1000;
const CONNECT_TIMEOUT_MS = 10_000;
const SAY_AGAIN_MS = 60_000;
/** A subscription that was refused is tried again: rights change while a connection stands. */
const ASK_AGAIN_MS = 60_000;

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
export class BrokerConnection {
  readonly client: MqttClient;
  readonly clientId: string;
  private readonly url: string;
  private readonly onStatus: Tell;
  private saidMs = Number.NEGATIVE_INFINITY;
  private why = "no answer";
  /** By topic: what to call when the broker has taken it. */
  private readonly topics = new Map<string, () => void>();
  private readonly refused = new Set<string>();
  private askingAgain: ReturnType<typeof setTimeout> | undefined;

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
      // mqtt.js puts all topics into one packet, and forgets them all when one of them is refused.
      resubscribe: false,
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

  /** Subscribes now, or as soon as the broker is there, and each time that it comes back. */
  subscribe(topic: string, onGranted: () => void = () => {}): void {
    this.topics.set(topic, onGranted);
    if (this.connectedNow) this.ask(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
    this.refused.delete(topic);
    if (this.connectedNow) this.client.unsubscribe(topic);
  }

  async close(graceMs: number): Promise<void> {
    this.client.removeAllListeners("close");
    this.refused.clear();
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
    for (const topic of this.topics.keys()) this.ask(topic);
  }

  /** In a packet of its own, so that a topic that is refused takes no other with it. */
  private ask(topic: string): void {
    this.client.subscribe(topic, { qos: 1 }, (error, _granted, packet) => {
      if (isRefused(packet)) {
        this.sayRefused(topic);
      } else if (!error) {
        this.refused.delete(topic);
        this.topics.get(topic)?.();
      }
      // Without an answer the connection is lost: all is asked for again on the next.
    });
  }

  private sayRefused(topic: string): void {
    this.askingAgain ??= setTimeout(() => {
      this.askingAgain = undefined;
      if (this.connectedNow) for (const each of this.refused) this.ask(each);
    }, ASK_AGAIN_MS).unref();
    if (this.refused.has(topic)) return;
    this.refused.add(topic);
    this.onStatus(
      `${this.url}: the broker refuses the subscription to '${topic}': check its rights`,
    );
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

const isRefused = (packet: { readonly granted: readonly unknown[] } | undefined) =>
  packet?.granted.some((code) => Number(code) >= 0x80) === true;

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
