/** Edge: `mqtt://…`, `kafka://…` and `dir:PATH` of `--to` and `--from` to sinks and sources. */

import { parseKafkaAddress } from "./kafka-topics.ts";
import { splitMqttUrl, withoutPassword } from "./mqtt-access.ts";
import { DirChunkSink, DirChunkSource } from "./transport-dir.ts";
import { TransportError } from "./transport-error.ts";
import { KafkaChunkSink, KafkaChunkSource, type KafkaOptions } from "./transport-kafka.ts";
import { MqttChunkSink, MqttChunkSource } from "./transport-mqtt.ts";
import type { MqttOptions } from "./transport-mqtt-connection.ts";

export type ChunkAddress =
  | {
      readonly kind: "mqtt" | "kafka";
      readonly url: string;
      readonly host: string;
      readonly port: number;
    }
  | { readonly kind: "dir"; readonly path: string };

const MQTT_PORT = 1883;
const MQTTS_PORT = 8883;

/** @throws TransportError that says what an address looks like */
export function parseChunkAddress(text: string): ChunkAddress {
  if (text.startsWith("dir:") && text.length > 4) return { kind: "dir", path: text.slice(4) };
  if (/^kafka:/.test(text)) {
    const [first] = parseKafkaAddress(text).brokers;
    const [host, port] = first.split(/:(?=\d+$)/);
    return { kind: "kafka", url: text, host, port: Number(port) };
  }
  const url = /^mqtts?:\/\/[^/]/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined) {
    const usual = url.protocol === "mqtts:" ? MQTTS_PORT : MQTT_PORT;
    const port = url.port === "" ? usual : Number(url.port);
    return { kind: "mqtt", url: text, host: url.hostname, port };
  }
  throw new TransportError(
    "bad_flag",
    `'${withoutPassword(text)}' is no place for chunks.`,
    "Write mqtt://HOST:PORT, kafka://HOST:PORT or dir:PATH.",
  );
}

/** What is said for all places; each takes what concerns it. */
export type PlaceOptions = MqttOptions & KafkaOptions;

export function openSink(
  text: string,
  options: PlaceOptions,
): MqttChunkSink | KafkaChunkSink | DirChunkSink {
  const address = parseChunkAddress(text);
  if (address.kind === "kafka") return new KafkaChunkSink(address.url, options);
  if (address.kind === "dir") return new DirChunkSink(address.path, options.onStatus);
  const { url, own } = ownAccess(address.url, options);
  return new MqttChunkSink(url, own);
}

export function openSource(
  text: string,
  options: PlaceOptions,
): MqttChunkSource | KafkaChunkSource | DirChunkSource {
  const address = parseChunkAddress(text);
  if (address.kind === "kafka") return new KafkaChunkSource(address.url, options);
  if (address.kind === "dir") return new DirChunkSource(address.path);
  const { url, own } = ownAccess(address.url, options);
  return new MqttChunkSource(url, own);
}

/** What an address says of user and password goes over what is said for all. */
function ownAccess(text: string, options: MqttOptions): { url: string; own: MqttOptions } {
  const { url, access } = splitMqttUrl(text);
  const own = { ...options, access: { ...options.access, ...access } };
  const { ca, certificate } = own.access;
  if (url.startsWith("mqtt:") && (ca ?? certificate) !== undefined) {
    throw new TransportError(
      "bad_flag",
      `Certificates are given, but '${url}' is not encrypted.`,
      `Write ${url.replace("mqtt:", "mqtts:")}.`,
    );
  }
  return { url, own };
}
