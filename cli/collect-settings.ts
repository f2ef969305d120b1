/** Edge: what `collect` shall do: `collector.toml` first, flags over it. */
import { readFileSync } from "node:fs";
import { parseAddress } from "../book/service-error.ts";
import { type CollectorConfig, parseCollectorConfig } from "../collector/config.ts";
import { parseJoin } from "../collector/join.ts";
import type { Feed } from "../feed/feed.ts";
import { FEED_IDS } from "../feed/registry.ts";
import { parseChannelFile } from "../frames/channel-file.ts";
import type { Channels } from "../frames/channels.ts";
import type { ChunkCodec } from "../frames/chunk.ts";
import type { DictionaryChoice } from "../frames/dictionary.ts";
import type { MqttAccess } from "../frames/mqtt-access.ts";
import type { CaptureWay } from "../frames/ring-choice.ts";
import type { SpoolOptions } from "../frames/spool-options.ts";
import type { KafkaSettings } from "../frames/transport-kafka.ts";
import packageFile from "../package.json" with { type: "json" };
import { dictionaryChoice } from "./collect-dictionaries.ts";
import { type RecoveryAddresses, usualCollectorName, usualSpoolDirectory } from "./collecting.ts";
import { CliError } from "./errors.ts";
import { namedFeed } from "./feed-choice.ts";
import type { FlagValues } from "./flag-values.ts";
import { kafkaSettings } from "./kafka-flags.ts";
import { mqttAccess } from "./mqtt-flags.ts";
import { loadChannels } from "./offline.ts";
import { spoolOptions } from "./spool-flags.ts";

export interface CollectSettings {
  readonly name: string;
  readonly channels: Channels;
  /** Channels to join: those of the table and of `--join`. */
  readonly joined: number;
  readonly feed: Feed | undefined;
  readonly spec: string | undefined;
  readonly interface: string | undefined;
  /** How datagrams are taken from the kernel; undefined: whichever is better and there. */
  readonly capture: CaptureWay | undefined;
  /** The interface is a mirror port: nothing is joined, packets for any address are taken. */
  readonly mirror: boolean;
  readonly captures: readonly string[];
  readonly to: readonly string[];
  readonly keep: "first" | "both";
  readonly codec: ChunkCodec | undefined;
  /** What small chunks are packed by. */
  readonly dictionaries: DictionaryChoice;
  readonly receiveBufferBytes: number;
  readonly chunkAgeNs: number | undefined;
  readonly spoolDirectory: string;
  readonly spool: Partial<SpoolOptions>;
  /** Who the collector is to its brokers. */
  readonly mqtt: MqttAccess;
  readonly kafka: KafkaSettings;
  /** Where it answers how it is doing. */
  readonly http: { readonly host: string; readonly port: number } | undefined;
  /** Where the exchange answers requests for messages, and for snapshots. */
  readonly recovery: RecoveryAddresses;
}

const MIB = 2 ** 20;

/** @throws CliError, or an error of the rooms below, that says which field or flag to mend */
export function collectSettings(flags: FlagValues): CollectSettings {
  const path = flags.text("config");
  const text = path === undefined ? "" : readConfig(path);
  const config = path === undefined ? {} : parseCollectorConfig(text, path, packageFile.version);
  const spec = flags.text("spec") ?? config.spec;
  const feedName = flags.text("feed") ?? config.feed;
  const channels = loadChannels(flags.text("channels") ?? config.channels);
  if (path !== undefined && config.channel !== undefined) {
    for (const one of parseChannelFile(text, { path, feeds: FEED_IDS })) channels.add(one);
  }
  addJoins(flags, config, channels, feedName ?? "");
  const name = flags.text("name") ?? config.name ?? usualCollectorName();
  const capture = flags.text("capture") as CaptureWay | undefined;
  const ageMs = config.chunk_age_ms;
  const http = flags.text("http") ?? config.http;
  return {
    name,
    channels,
    joined: channels.list.length,
    feed: namedFeed(feedName, channels, spec),
    spec,
    interface: flags.text("interface") ?? config.interface,
    capture: capture ?? config.capture,
    mirror: flags.on("mirror") || (config.mirror ?? false),
    captures: given(flags.texts("pcap"), config.pcap),
    to: given(flags.texts("to"), config.to),
    keep: (flags.text("keep") as "first" | "both" | undefined) ?? config.keep ?? "first",
    codec: (flags.text("codec") as ChunkCodec | undefined) ?? config.codec,
    dictionaries: dictionaryChoice(given(flags.texts("dictionary"), config.dictionary), feedName),
    receiveBufferBytes: (config.receive_buffer_mib ?? 64) * MIB,
    chunkAgeNs: flags.durationNs("chunk-age") ?? (ageMs === undefined ? undefined : ageMs * 1e6),
    spoolDirectory: flags.text("spool") ?? config.spool?.directory ?? usualSpoolDirectory(name),
    spool: spoolOptions(flags, config.spool),
    mqtt: mqttAccess(flags, config.mqtt),
    kafka: kafkaSettings(flags, config.kafka),
    http: http === undefined ? undefined : parseAddress("http", http),
    recovery: recoveryAddresses(
      flags.text("recovery") ?? config.recovery,
      flags.text("snapshot") ?? config.snapshot,
    ),
  };
}

function addJoins(
  flags: FlagValues,
  config: CollectorConfig,
  channels: Channels,
  feed: string,
): void {
  for (const text of given(flags.texts("join"), config.join)) {
    const channel = parseJoin(text, feed);
    if (channel === undefined) {
      throw new CliError(
        "bad_flag",
        `--join '${text}' is no group.`,
        "Write GROUP:PORT, GROUP:PORT=STREAM or GROUP:PORT=STREAM/LINE: 239.1.1.1:10001=1/A.",
      );
    }
    channels.add(channel);
  }
}

function recoveryAddresses(
  ticks: string | undefined,
  snapshot: string | undefined,
): RecoveryAddresses {
  return {
    ...(ticks === undefined ? {} : { ticks: parseAddress("recovery", ticks) }),
    ...(snapshot === undefined ? {} : { snapshot: parseAddress("snapshot", snapshot) }),
  };
}

function given(flags: readonly string[], config: readonly string[] | undefined): readonly string[] {
  return flags.length > 0 ? flags : (config ?? []);
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const message = `'${path}' cannot be read: ${(cause as Error).message}`;
    throw new CliError("bad_config", message, "Check the path of --config.", cause);
  }
}
