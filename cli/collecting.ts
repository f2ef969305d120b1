/**
 * Edge: puts a collector together from its parts: channels and feeds, sinks, spool, core. For
 * `collect`, for `replay` into chunks, and for `demo`.
 */
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { Collector } from "../collector/collector.ts";
import { COLLECTOR_DEFAULTS, CollectorCore } from "../collector/core.ts";
import { CollectorNews } from "../collector/news.ts";
import type { TakePacked } from "../collector/packing.ts";
import { ThreadPacking } from "../collector/packing-edge.ts";
import { EdgeRecovery, repairsOf } from "../collector/recovery.ts";
import { type RecoveryAddress, RecoverySockets } from "../collector/recovery-sockets.ts";
import { SpoolRepack } from "../collector/spool-repack.ts";
import { LineWatch } from "../collector/watch.ts";
import type { Feed } from "../feed/feed.ts";
import { feedById } from "../feed/registry.ts";
import type { Channel, Channels } from "../frames/channels.ts";
import type { ChunkCodec, ClockSource } from "../frames/chunk.ts";
import type { DictionaryChoice } from "../frames/dictionary.ts";
import type { MqttAccess } from "../frames/mqtt-access.ts";
import { Spool } from "../frames/spool.ts";
import type { SpoolError, SpoolOptions } from "../frames/spool-options.ts";
import type { KafkaSettings } from "../frames/transport-kafka.ts";
import { openSink, parseChunkAddress } from "../frames/transport-open.ts";
import { openZstd } from "../frames/zstd.ts";
import type { Tell } from "../metrics/events.ts";
import { CliError } from "./errors.ts";
import { printErr } from "./output.ts";

export interface CollectingOptions {
  /** The collector's name, in topics and chunks. */
  readonly name: string;
  /** Places of `--to`. */
  readonly to: readonly string[];
  readonly channels: Channels;
  /** The feed of channels that name none; may be found out later, by `setFeed`. */
  readonly feed: Feed | undefined;
  readonly spec?: string | undefined;
  readonly keep: "first" | "both";
  /** How chunks are laid out; absent: in columns, where the feed has a layout table. */
  readonly codec?: ChunkCodec | undefined;
  /** What small chunks are packed by; absent: what comes with edgebook. */
  readonly dictionaries?: DictionaryChoice;
  readonly clock: ClockSource;
  /** The number of this run; absent: the moment it starts, in ms since 1970 UTC. */
  readonly boot?: number | undefined;
  readonly chunkAgeNs?: number | undefined;
  /** Folder of the spool; absent: none. */
  readonly spoolDirectory?: string | undefined;
  /** How it keeps what it keeps; what is not said is as usual. */
  readonly spool?: Partial<SpoolOptions>;
  /** Who the collector is to its brokers. */
  readonly mqtt?: MqttAccess;
  /** How it uses Kafka. */
  readonly kafka?: KafkaSettings;
  /** Who can be asked for what the lines miss; absent: nobody. */
  readonly recovery?: RecoveryAddresses;
  /** The log; absent: sentences on standard error. */
  readonly tell?: Tell;
  /** Chunks are packed by another thread, since receiving must not wait. */
  readonly packsAside?: boolean;
}

export interface RecoveryAddresses {
  readonly ticks?: RecoveryAddress;
  readonly snapshot?: RecoveryAddress;
}

export interface Collecting {
  readonly boot: number;
  readonly collector: Collector;
  readonly core: CollectorCore;
  readonly watch: LineWatch;
  readonly recovery: EdgeRecovery | undefined;
  /** What channels without a feed of their own carry. */
  setFeed(feed: Feed): void;
}

/** @throws TransportError for a place that is none, CliError for a spool that cannot be */
export function openCollecting(options: CollectingOptions): Collecting {
  const { channels, name, spec } = options;
  for (const place of options.to) parseChunkAddress(place);
  if (options.dictionaries !== undefined) openZstd().dictionaries.choose(options.dictionaries);
  let feed = options.feed;
  // With a table, what it does not list is nobody's.
  const listed = new Set(channels.list);
  const feedOf = (channel: Channel): Feed | undefined => {
    if (listed.size > 0 && !listed.has(channel)) return undefined;
    return channel.feed === "" ? feed : feedById(channel.feed, spec);
  };
  const boot = options.boot ?? Date.now();
  const spool = openSpool(options);
  spool?.keepDictionaries([...channels.list.map((channel) => channel.feed), feed?.id ?? ""]);
  const onStatus = options.tell ?? ((text: string) => printErr(`edgebook: ${text}\n`));
  const sinks = options.to.map((place) =>
    openSink(place, { clientName: name, access: options.mqtt, kafka: options.kafka, onStatus }),
  );
  const canAsk = whoCanBeAsked(options);
  const collector = new Collector(boot, sinks, spool);
  let packing: ThreadPacking | undefined;
  const packsAside = (done: TakePacked) => {
    packing = new ThreadPacking(channels, openZstd(), options.codec, done, performance.now() * 1e6);
    return packing;
  };
  const core = new CollectorCore(channels, feedOf, openZstd(), collector.takeChunk, {
    ...COLLECTOR_DEFAULTS,
    collector: name,
    boot,
    clock: options.clock,
    keep: options.keep,
    ...(options.codec === undefined ? {} : { codec: options.codec }),
    ...(options.chunkAgeNs === undefined ? {} : { chunkAgeNs: options.chunkAgeNs }),
    ...(canAsk === undefined ? {} : { repairs: repairsOf(canAsk) }),
    ...(options.packsAside === true ? { packing: packsAside } : {}),
  });
  const watch = new LineWatch(channels, feedOf);
  collector.attach(core, watch, packing, repackOf(packing, spool, options.spoolDirectory, boot));
  collector.attachNews(new CollectorNews(collector, watch, onStatus));
  let recovery: EdgeRecovery | undefined;
  if (canAsk !== undefined) {
    recovery = new EdgeRecovery(canAsk.feed, watch, core, canAsk);
    collector.attachRecovery(new RecoverySockets(recovery, options.recovery ?? {}));
  }
  const setFeed = (found: Feed) => {
    feed ??= found;
  };
  return { boot, collector, core, watch, recovery, setFeed };
}

/** What is stored for want of time is compressed later, by the thread that packs. */
function repackOf(
  packing: ThreadPacking | undefined,
  spool: Spool | undefined,
  folder: string | undefined,
  boot: number,
): SpoolRepack | undefined {
  if (packing === undefined || spool === undefined || folder === undefined) return undefined;
  return new SpoolRepack(spool, folder, boot, packing);
}

/** The feed that addresses of recovery are of, and what may be asked; undefined without any. */
function whoCanBeAsked({ channels, feed, spec, recovery }: CollectingOptions) {
  const ticks = recovery?.ticks !== undefined;
  const snapshots = recovery?.snapshot !== undefined;
  if (!ticks && !snapshots) return undefined;
  const named = new Set(channels.list.map((channel) => channel.feed).filter((id) => id !== ""));
  const only = named.size === 1 ? feedById([...named][0] ?? "", spec) : undefined;
  const asked = feed ?? only;
  const offers = asked?.recovery;
  const hint = "Leave --recovery and --snapshot out, or run one collector for each feed.";
  if (asked === undefined || offers === undefined) {
    const whose = asked === undefined ? "more than one feed" : asked.id;
    throw new CliError("bad_flag", `Nobody can be asked for what ${whose} missed.`, hint);
  }
  if (snapshots && offers.snapshots === undefined) {
    throw new CliError("bad_flag", `${asked.id} has no snapshots.`, "Leave --snapshot out.");
  }
  return { feed: asked, ticks, snapshots };
}

/** Only a broker can lose chunks on the way; a directory is its own archive. */
export function needsSpool(to: readonly string[]): boolean {
  return to.some((place) => parseChunkAddress(place).kind !== "dir");
}

/** Where the system keeps what programs may not lose. */
export function usualSpoolDirectory(name: string): string {
  const state = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  return join(state, "edgebook", "spool", name);
}

/** The host's name, as far as topics and file names take it. */
export function usualCollectorName(): string {
  return (
    hostname()
      .replace(/[^\w.-]/g, "-")
      .slice(0, 64) || "collector"
  );
}

function openSpool({ spoolDirectory, spool }: CollectingOptions): Spool | undefined {
  if (spoolDirectory === undefined) return undefined;
  try {
    return new Spool(spoolDirectory, spool);
  } catch (cause) {
    throw new CliError(
      "file_not_writable",
      `The spool '${spoolDirectory}' cannot be used: ${(cause as Error).message}`,
      `${(cause as SpoolError).hint} --spool names another folder.`,
      cause,
    );
  }
}
