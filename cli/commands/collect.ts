/** Edge: `edgebook collect`: multicast, or captures, into chunks, and on to the centre. */
import { listenError } from "../../book/service-error.ts";
import type { DropCauses } from "../../collector/drop-causes.ts";
import { listenCollectorHttp } from "../../collector/http.ts";
import { collectorMetrics } from "../../collector/metrics.ts";
import { collectorStatus } from "../../collector/status.ts";
import { CaptureCounters } from "../../frames/capture-counters.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import { type Input, openInput } from "../../frames/input.ts";
import { findInterface } from "../../frames/multicast.ts";
import { RingReceiver } from "../../frames/ring.ts";
import type { Tell } from "../../metrics/events.ts";
import { versionText } from "../build.ts";
import { openWire } from "../collect-capture.ts";
import { finishedInput, inputEnding, wireEnding } from "../collect-ending.ts";
import { type CollectSettings, collectSettings } from "../collect-settings.ts";
import { type Collecting, needsSpool, openCollecting } from "../collecting.ts";
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { feedNeeded, guessFeed, namedFeed } from "../feed-choice.ts";
import { fileBoot } from "../file-boot.ts";
import { frameBatches, mergedBatches, type SourceBatch } from "../frame-source.ts";
import { checkHost } from "../host-check.ts";
import { KAFKA_FLAGS } from "../kafka-flags.ts";
import { LOG_FLAG, openLog } from "../log.ts";
import { MQTT_FLAGS } from "../mqtt-flags.ts";
import { printErr, printOut } from "../output.ts";
import { CHANNELS_FLAG, FEED_FLAG, SPEC_FLAG } from "../shared-flags.ts";
import { SPOOL_FLAGS } from "../spool-flags.ts";

/** How long the end of the wire waits for sinks to take what is still to be sent. */
const LIVE_GRACE_MS = 5_000;
/** Chunks of a file are cut by its own time, and a file has time to fill them. */
const FILE_CHUNK_AGE_NS = 1e9;

export const command: Command = {
  args: { placeholder: "", atLeast: 0, atMost: 0 },
  flags: [
    { name: "config", kind: "text", placeholder: "FILE", doc: "collector.toml; flags go over it." },
    FEED_FLAG,
    {
      name: "join",
      kind: "text",
      repeatable: true,
      placeholder: "GROUP:PORT[=STREAM[/LINE]]",
      doc: "A multicast group to collect, with the stream and line that it carries.",
    },
    CHANNELS_FLAG,
    {
      name: "interface",
      kind: "text",
      placeholder: "NAME|IP",
      doc: "The network interface that the groups come in on.",
    },
    {
      name: "capture",
      kind: "text",
      values: ["ring", "socket"],
      doc:
        "How datagrams are taken from the kernel: a packet ring, which needs CAP_NET_RAW, or " +
        "sockets; else the ring where it can be had.",
    },
    {
      name: "mirror",
      kind: "boolean",
      doc: "The interface is a mirror port: takes its traffic by a ring, and joins nothing.",
    },
    {
      name: "pcap",
      kind: "text",
      repeatable: true,
      placeholder: "FILE",
      doc: "Reads a capture instead of the wire; several are merged by capture time.",
    },
    {
      name: "to",
      kind: "text",
      repeatable: true,
      placeholder: "PLACE",
      doc: "Where chunks go: mqtt://HOST:PORT, mqtts://HOST:PORT, kafka://HOST:PORT or dir:PATH.",
    },
    {
      name: "keep",
      kind: "text",
      values: ["first", "both"],
      doc: "The first copy of each message (the default), or both lines whole.",
    },
    {
      name: "codec",
      kind: "text",
      values: ["raw", "columns"],
      doc: "How chunks are laid out; by the feed's layout table, in columns, unless said.",
    },
    {
      name: "dictionary",
      kind: "text",
      repeatable: true,
      placeholder: "FILE|none",
      doc:
        "Packs small chunks of its feed by this dictionary, made by 'edgebook chunks train', and not " +
        "by the one that comes with edgebook; none: by none.",
    },
    { name: "name", kind: "text", placeholder: "NAME", doc: "The collector's; else the host's." },
    ...SPOOL_FLAGS,
    ...MQTT_FLAGS,
    ...KAFKA_FLAGS,
    {
      name: "recovery",
      kind: "text",
      placeholder: "HOST:PORT",
      doc: "Where the exchange answers requests for messages that every line missed.",
    },
    {
      name: "snapshot",
      kind: "text",
      placeholder: "HOST:PORT",
      doc: "Where the exchange gives snapshots, for what requests cannot bring.",
    },
    {
      name: "chunk-age",
      kind: "duration",
      placeholder: "TIME",
      doc: "A chunk is closed when its first frame is this old; else 50ms, of a file 1s.",
    },
    {
      name: "wait",
      kind: "duration",
      placeholder: "TIME",
      fallback: "30s",
      doc: "How long the end of --pcap waits for a centre to confirm all, since it last came on.",
    },
    {
      name: "http",
      kind: "text",
      placeholder: "HOST:PORT",
      doc: "Answers there how it is doing: for 'edgebook stat', health checks and monitoring.",
    },
    SPEC_FLAG,
    LOG_FLAG,
    { name: "check", kind: "boolean", doc: "Only examines the settings and this host." },
    { name: "stats", kind: "boolean", doc: "Ends with one line of JSON on standard error." },
  ],
  help:
    "Collects an exchange's multicast on the capture host: receives every line, forwards the first " +
    "copy of each message in compressed chunks, and keeps them in a spool so that the centre can " +
    "ask for them again. A broker that is not there is waited for; nothing is lost meanwhile but " +
    "what the spool cannot hold. Ctrl-C ends it and brings away what is still open.\n" +
    "A broker that took a chunk need not have anybody who reads it. So --pcap ends when a book " +
    "service says that it has the last chunk; one that comes meanwhile gets them all. If nothing " +
    "moves for --wait, the exit code is 3 (1 if there is no broker) and the spool keeps the chunks; " +
    "Ctrl-C ends the waiting at once. A dir: place needs no confirmation, nor does Kafka, which keeps " +
    "what it took.",
  examples: [
    [
      "edgebook collect --feed nse-fo --interface ens1 --join 239.1.1.1:10001=1/A " +
        "--join 239.1.1.2:10001=1/B --to mqtt://127.0.0.1:1883",
      "two lines of one stream to a broker",
    ],
    [
      "edgebook collect --feed nse-fo --interface 127.0.0.1 --join 239.1.1.1:10001=1/A " +
        "--recovery 127.0.0.1:10990 --snapshot 127.0.0.1:11989 --to mqtt://127.0.0.1:1883",
      "what the lines miss is asked for",
    ],
    ["edgebook collect --config collector.toml --check", "would this host do it?"],
    ["edgebook collect --pcap day.pcap.gz --feed nse-fo --to dir:chunks", "a capture as chunks"],
  ],
  async run({ flags, signal }) {
    const settings = collectSettings(flags);
    demandWhatIsNeeded(settings);
    if (flags.on("check")) return check(settings);
    const fromFiles = settings.captures.length > 0;
    const tell = openLog(flags, fromFiles ? "text" : undefined);
    const waitMs = (flags.durationNs("wait") ?? 0) / 1e6;
    const collecting = openCollecting({
      ...settings,
      clock: fromFiles ? "capture" : "kernel",
      // A broker's readers know a boot for good; an archive is better for being the same each time.
      boot: fromFiles && !needsSpool(settings.to) ? await fileBoot(settings) : undefined,
      chunkAgeNs: settings.chunkAgeNs ?? (fromFiles ? FILE_CHUNK_AGE_NS : undefined),
      spoolDirectory: needsSpool(settings.to) ? settings.spoolDirectory : undefined,
      recovery: fromFiles ? {} : settings.recovery,
      packsAside: !fromFiles,
      tell,
    });
    const started = performance.now();
    const http = settings.http === undefined ? undefined : listen(settings, collecting);
    if (http !== undefined) tell(`status at ${http.url}`);
    const complaints = fromFiles
      ? await collectFiles(settings, collecting, signal)
      : await collectWire(settings, collecting, signal, tell);
    const { collector } = collecting;
    const { spoolDirectory: spool } = settings;
    const ending = fromFiles
      ? inputEnding(await finishedInput(collector, waitMs), signal.aborted, spool)
      : wireEnding(await collector.finish(LIVE_GRACE_MS), spool);
    complaints.push(...ending.complaints);
    const { lost } = collecting.watch.totals();
    if (lost > 0) complaints.push(`${lost} numbers are missing on every line`);
    for (const complaint of complaints) tell(complaint);
    await http?.close();
    const seconds = (performance.now() - started) / 1000;
    if (flags.on("stats")) printErr(`${statsLine(collecting, seconds)}\n`);
    else tell(summary(collecting, seconds));
    if (ending.code !== Exit.Done) return ending.code;
    return complaints.length > 0 ? Exit.Damaged : Exit.Done;
  },
};

function demandWhatIsNeeded(settings: CollectSettings): void {
  if (settings.to.length === 0) {
    throw new CliError(
      "bad_flag",
      "Nothing says where chunks shall go.",
      "Give --to mqtt://HOST:PORT, --to kafka://HOST:PORT or --to dir:PATH.",
    );
  }
  if (settings.captures.length > 0) return;
  if (settings.channels.list.length === 0) {
    throw new CliError(
      "bad_flag",
      "Nothing says what to collect.",
      "Give --join GROUP:PORT, a --channels table, or --pcap FILE.",
    );
  }
  if (settings.interface === undefined) {
    const { hint } = captured(() => findInterface("(none)"));
    throw new CliError("bad_flag", "Nothing says which network interface to join on.", hint);
  }
  const nameless = settings.channels.list.some(({ feed }) => feed === "");
  if (nameless && settings.feed === undefined) throw feedNeeded();
}

/** @throws ServiceError if nobody may listen there */
function listen(settings: CollectSettings, { collector, core, watch, boot }: Collecting) {
  const { host, port } = settings.http as { host: string; port: number };
  const started = performance.now();
  const who = () => ({
    name: settings.name,
    boot,
    uptimeSeconds: (performance.now() - started) / 1000,
    memoryBytes: process.memoryUsage.rss(),
  });
  const status = () => collectorStatus(collector, core, watch, who());
  const { channels } = settings;
  const metrics = () => collectorMetrics({ collector, core, watch, channels }, who(), versionText);
  try {
    return listenCollectorHttp(host, port, versionText, status, metrics);
  } catch (cause) {
    throw listenError("http", host, port, cause as Error);
  }
}

/** The hint of what the call throws. */
function captured(call: () => void): { hint: string } {
  try {
    call();
  } catch (thrown) {
    return { hint: String((thrown as { hint?: unknown }).hint ?? "") };
  }
  return { hint: "" };
}

async function check(settings: CollectSettings): Promise<number> {
  const findings = await checkHost(settings);
  for (const { level, text } of findings) printOut(`${level.padEnd(4)}  ${text}\n`);
  return findings.some(({ level }) => level === "fail") ? Exit.Failed : Exit.Done;
}

async function collectWire(
  settings: CollectSettings,
  { collector }: Collecting,
  signal: AbortSignal,
  tell: Tell,
): Promise<string[]> {
  const { receiver, text, warning } = openWire(settings);
  if (warning !== undefined) tell(warning);
  tell(`collecting ${text}`);
  await collector.receive(receiver, signal);
  const fragments = receiver instanceof RingReceiver ? (receiver.counters?.fragments ?? 0) : 0;
  receiver.close();
  const { kernelDatagrams } = collector.causes;
  const room = receiver.kind === "ring" ? "ring" : "receive buffer";
  const complaints: string[] = [];
  if (kernelDatagrams > 0) {
    complaints.push(`the kernel dropped ${kernelDatagrams} datagrams: its ${room} was full`);
  }
  if (fragments > 0) {
    complaints.push(`${fragments} fragments came, which a ring does not put together`);
  }
  return complaints;
}

async function collectFiles(
  settings: CollectSettings,
  collecting: Collecting,
  signal: AbortSignal,
): Promise<string[]> {
  const { channels } = settings;
  const inputs: Input[] = [];
  const counters: CaptureCounters[] = [];
  // A pipe that says nothing must not hold up the end.
  const interrupted = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  try {
    for (const path of settings.captures) {
      const input = await Promise.race([openInput(path), interrupted]);
      if (input === undefined) return [];
      inputs.push(input);
    }
    const sources = inputs.map((input) => {
      const counting = new CaptureCounters();
      counters.push(counting);
      return frameBatches(input, channels, counting, false);
    });
    await collecting.collector.read(knowingFeed(sources, settings, collecting), signal);
  } finally {
    for (const input of inputs) input.close();
  }
  return counters.flatMap((counting, i) =>
    counting.truncated ? [`${settings.captures[i]}: ${counting.stopReason}`] : [],
  );
}

/** The batches of all captures; the first of them tells the feed where nobody else did. */
async function* knowingFeed(
  sources: readonly AsyncGenerator<SourceBatch>[],
  { feed, channels, spec }: CollectSettings,
  collecting: Collecting,
): AsyncGenerator<FrameBatch> {
  let known = feed;
  for await (const batch of mergedBatches(sources)) {
    known ??= namedFeed(undefined, channels, spec) ?? guessFeed(batch);
    if (known === undefined) throw feedNeeded();
    collecting.setFeed(known);
    yield batch;
  }
}

/** What `--stats` ends with. */
function statsLine({ collector, core, watch, recovery }: Collecting, seconds: number): string {
  const { spool } = collector;
  const sinks = collector.forwarders.map(({ sink, sent, missed, window, unconfirmed }) => ({
    to: sink.name,
    sent,
    missed,
    resent: window.resent,
    unconfirmed,
  }));
  const dropped = spool?.chunksDropped;
  const spooled = spool && { bytes: spool.bytes, dropped, ...spool.counters };
  const asked = recovery && { ticks: recovery.ticks?.counts, images: recovery.snapshots?.counts };
  const { kernelDatagrams, setAside, lostOnWire, lostInKernel } = collector.causes;
  const { lostInProcess, lostInTransport } = collector.causes;
  const lostIn = { lostOnWire, lostInKernel, lostInProcess, lostInTransport };
  const drops = { kernelDatagrams, setAside, ...lostIn };
  const { chunksStored, chunksRepacked } = collector;
  return JSON.stringify({
    ...core.counters,
    ...watch.totals(),
    chunksStored,
    chunksRepacked,
    seconds,
    drops,
    sinks,
    spool: spooled,
    recovery: asked,
  });
}

/** The same for people, in a sentence. */
function summary({ collector, core, watch }: Collecting, seconds: number): string {
  const { frames, framesForwarded, copies, chunks, chunkBytes, bytes } = core.counters;
  const { messages, lost } = watch.totals();
  const ratio = bytes / Math.max(1, chunkBytes);
  return (
    `${frames} frames in ${seconds.toFixed(1)} s, ` +
    `${framesForwarded} forwarded, ${copies} copies left out, ` +
    `${messages} messages, ${lost} lost${blamed(collector.causes)}; ` +
    `${chunks} chunks, ${chunkBytes} bytes (${ratio.toFixed(1)} times smaller)`
  );
}

/** Whom losses are put down to, where there were any. */
function blamed(causes: DropCauses): string {
  const { kernelDatagrams, setAside, lostInTransport } = causes;
  const { lostOnWire, lostInKernel, lostInProcess } = causes;
  const lost = lostOnWire + lostInKernel + lostInProcess;
  if (kernelDatagrams + lost + lostInTransport === 0) return "";
  return (
    ` (wire ${lostOnWire}, kernel ${lostInKernel} by ${kernelDatagrams} dropped datagrams, ` +
    `process ${lostInProcess} by ${setAside} set aside; transport ${lostInTransport} more)`
  );
}
