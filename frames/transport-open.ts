/** Edge: `mqtt://…` and `dir:PATH` of `--to` and `--from` to sinks and sources. */
import { DirChunkSink, DirChunkSource } from "./transport-dir.ts";
import { TransportError } from "./transport-error.ts";
import { MqttChunkSink, MqttChunkSource, type MqttOptions } from "./transport-mqtt.ts";

export type ChunkAddress =
  | { readonly kind: "mqtt"; readonly url: string; readonly host: string; readonly port: number }
  | { readonly kind: "dir"; readonly path: string };

const MQTT_PORT = 1883;

/** @throws TransportError that says what an address looks like */
export function parseChunkAddress(text: string): ChunkAddress {
  if (text.startsWith("dir:") && text.length > 4) return { kind: "dir", path: text.slice(4) };
  if (/^kafka:/.test(text)) {
    throw new TransportError(
      "bad_flag",
      `'${text}': chunks do not travel over Kafka yet.`,
      "Write mqtt://HOST:PORT or dir:PATH.",
    );
  }
  const url = /^mqtts?:\/\/[^/]/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined) {
    const port = url.port === "" ? MQTT_PORT : Number(url.port);
    return { kind: "mqtt", url: text, host: url.hostname, port };
  }
  throw new TransportError(
    "bad_flag",
    `'${text}' is no place for chunks.`,
    "Write mqtt://HOST:PORT or dir:PATH.",
  );
}

export function openSink(text: string, options: MqttOptions): MqttChunkSink | DirChunkSink {
  const address = parseChunkAddress(text);
  return address.kind === "dir"
    ? new DirChunkSink(address.path)
    : new MqttChunkSink(address.url, options);
}

export function openSource(text: string, options: MqttOptions): MqttChunkSource | DirChunkSource {
  const address = parseChunkAddress(text);
  return address.kind === "dir"
    ? new DirChunkSource(address.path)
    : new MqttChunkSource(address.url, options);
}
