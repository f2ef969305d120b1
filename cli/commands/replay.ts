/** Edge: `edgebook replay`: captures and chunks back on the wire, at any speed. */
import type { Channels } from "../../frames/channels.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import { openInput } from "../../frames/input.ts";
import { ReplayControl } from "../../replayer/control.ts";
import type { Instant, Selection } from "../../replayer/filter.ts";
import type { Pace } from "../../replayer/pace.ts";
import { type ReplayOptions, type ReplayReport, replay } from "../../replayer/replayer.ts";
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { feedNeeded, guessFeed, namedFeed } from "../feed-choice.ts";
import type { FlagValues } from "../flag-values.ts";
import { HistoryServer } from "../history-server.ts";
import { HTTP_FLAGS, httpAccess, openDoor } from "../http-flags.ts";
import { filesBelow } from "../input-files.ts";
import { loadMasters } from "../masters.ts";
import { MQTT_FLAGS, mqttAccess } from "../mqtt-flags.ts";
import { loadChannels } from "../offline.ts";
import { printErr } from "../output.ts";
import { listenControl } from "../replay-control.ts";
import { ReplayDoor } from "../replay-door.ts";
import { ReplayInput } from "../replay-input.ts";
import { printReport } from "../replay-report.ts";
import { clockNameOf, impairmentOf, paceOf, selectionOf, wallDueNs } from "../replay-settings.ts";
import { ChunkTarget, type OpenTarget, openUdpTarget } from "../replay-target.ts";
import { CHANNELS_FLAG, DATE_FLAG, FEED_FLAG, MASTERS_FLAG, SPEC_FLAG } from "../shared-flags.ts";

export const command: Command = {
  args: { placeholder: "FILE…", atLeast: 1, atMost: Number.POSITIVE_INFINITY },
  flags: [
    {
      name: "speed",
      kind: "text",
      placeholder: "Nx|PPS|max",
      fallback: "1x",
      doc: "As captured (1x, 10x, 0.5x), so many frames a second (50000pps), or max.",
    },
    {
      name: "to",
      kind: "text",
      placeholder: "PLACE",
      doc: "udp://GROUP:PORT, udp://same (the capture's own groups), mqtt[s]://HOST:PORT, dir:PATH.",
    },
    {
      name: "interface",
      kind: "text",
      placeholder: "NAME|IP",
      doc: "Interface for udp://; loopback unless said. udp://same demands it.",
    },
    {
      name: "beyond-loopback",
      kind: "boolean",
      doc: "Sends on an interface that leaves this host.",
    },
    {
      name: "segments",
      kind: "boolean",
      doc:
        "Hands runs of equal datagrams to the kernel as one, twice as fast. By itself only where " +
        "the interface cuts them apart before a packet tap sees them: cards do, lo does not.",
    },
    {
      name: "from",
      kind: "text",
      placeholder: "TIME",
      doc: "Leaves out what is before: ISO 8601 or nanoseconds since 1970.",
    },
    { name: "until", kind: "text", placeholder: "TIME", doc: "Leaves out what is then or later." },
    {
      name: "clock",
      kind: "text",
      values: ["exchange", "recv"],
      fallback: "exchange",
      doc: "Whose times --from and --until are.",
    },
    {
      name: "filter",
      kind: "text",
      placeholder: "TERMS",
      doc: "Only frames that meet all terms: group=, port=, line=, stream=, size>= and so on.",
    },
    { name: "loop", kind: "integer", placeholder: "N", doc: "Passes; 0 goes on until Ctrl-C." },
    { name: "limit", kind: "integer", placeholder: "N", doc: "Ends after so many frames." },
    {
      name: "maxsleep",
      kind: "duration",
      placeholder: "TIME",
      doc: "Waits no longer than this between two frames.",
    },
    {
      name: "align",
      kind: "text",
      values: ["wall"],
      doc: "wall: each frame at its time of day, today; what has passed already is left out.",
    },
    { name: "loss", kind: "text", placeholder: "RATE", doc: "Frames lost: 0.01 or 1%." },
    { name: "dup", kind: "text", placeholder: "RATE", doc: "Frames sent twice." },
    { name: "reorder", kind: "text", placeholder: "RATE", doc: "Frames that later ones overtake." },
    { name: "seed", kind: "integer", placeholder: "N", fallback: "1", doc: "Of those faults." },
    {
      name: "control",
      kind: "text",
      placeholder: "HOST:PORT",
      doc: "Steered over HTTP: GET /, POST /pause, /resume, /step, /speed, /seek.",
    },
    {
      name: "serve",
      kind: "text",
      placeholder: "HOST:PORT",
      doc: "Sends nothing: answers rows to whoever asks, at each one's place and speed.",
    },
    FEED_FLAG,
    ...HTTP_FLAGS,
    ...MQTT_FLAGS,
    CHANNELS_FLAG,
    MASTERS_FLAG,
    SPEC_FLAG,
    DATE_FLAG,
    { name: "format", kind: "text", values: ["text", "json"], doc: "Of the report at the end." },
  ],
  help:
    "Sends the frames of captures and chunks again, each when it is due, counted from one fixed " +
    "start so that nothing drifts. FILE is a pcap, pcapng or chunk file, plain or packed, or a " +
    "directory of chunks (a spool too); several are merged by capture time. Ends with a report: " +
    "frames sent, rate asked and reached, and how late they went out.",
  examples: [
    ["edgebook replay day.pcap --to udp://same --interface lo --speed 10x", "ten times as fast"],
    ["edgebook replay day.pcap --to udp://239.1.1.1:10001 --speed 50000pps", "at a fixed rate"],
    ["edgebook replay day.pcap --feed nse-fo --to mqtt://127.0.0.1:1883", "straight to the centre"],
    ["edgebook replay day.pcap --to udp://same --interface lo --loss 1% --seed 7", "with faults"],
    ["edgebook replay day.pcap --to udp://same --interface lo --control 127.0.0.1:8081", "steered"],
    ["edgebook replay day.pcap --feed nse-fo --serve 127.0.0.1:8082", "rows of history over HTTP"],
  ],
  async run({ args, flags, signal }) {
    if (flags.has("serve")) return serve(args, flags, signal);
    const session = new Session(args, flags);
    const report = await session.run(signal);
    if (report.sent === 0 && session.asksForLine) {
      const hint = "give --channels, or filter by group= or port=";
      printErr(`edgebook: no frame passed, and captures do not say what line A is: ${hint}\n`);
    }
    printReport(report, session.pace, session.failed, flags.text("format") === "json");
    for (const complaint of session.complaints) printErr(`edgebook: ${complaint}\n`);
    if (session.failed > 0 && report.sent === 0) return Exit.Failed;
    return session.complaints.length > 0 ? Exit.Damaged : Exit.Done;
  },
};

/** History for whoever asks, until the signal. */
async function serve(
  paths: readonly string[],
  flags: FlagValues,
  signal: AbortSignal,
): Promise<number> {
  if (paths.includes("-")) {
    const hint = "Name files: every client reads them from the start.";
    throw new CliError("bad_argument", "Standard input comes only once.", hint);
  }
  const door = doorOf("serve", flags.text("serve") ?? "", flags);
  for (const path of paths.flatMap(filesBelow)) (await openInput(path)).close();
  const server = new HistoryServer({
    paths,
    channels: () => loadChannels(flags.text("channels")),
    feed: flags.text("feed"),
    spec: flags.text("spec"),
    date: flags.text("date"),
    mastersFor: (feed) => loadMasters(flags.texts("masters"), feed),
  });
  const listener = server.listen(door);
  printErr(`edgebook: history at ${listener.url}/v1/replay\n`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  await listener.close();
  return Exit.Interrupted;
}

function doorOf(flag: string, address: string, flags: FlagValues): ReplayDoor {
  const access = httpAccess(flags);
  const door = new ReplayDoor(flag, address, access);
  const warning = openDoor(door.address.hostname, access);
  if (warning !== undefined) printErr(`edgebook: ${warning}\n`);
  return door;
}

class Session {
  readonly pace: Pace;
  failed = 0;
  private readonly flags: FlagValues;
  private readonly channels: Channels;
  private readonly input: ReplayInput;
  private readonly selection: Selection | undefined;
  private readonly control: ReplayControl;
  private readonly options: ReplayOptions;
  private target: OpenTarget | undefined;

  constructor(paths: readonly string[], flags: FlagValues) {
    this.flags = flags;
    this.pace = paceOf(flags);
    this.control = new ReplayControl(this.pace);
    this.channels = loadChannels(flags.text("channels"));
    this.selection = selectionOf(flags, this.channels, flags.has("control"));
    this.options = this.optionsOf();
    if (flags.text("to") === undefined) {
      throw new CliError(
        "bad_flag",
        "Nothing says where to send.",
        "Give --to udp://GROUP:PORT, udp://same, mqtt://HOST:PORT or dir:PATH.",
      );
    }
    if (this.options.passes !== 1 && paths.includes("-")) {
      throw new CliError("bad_flag", "Standard input comes only once.", "Leave out --loop.");
    }
    const { selection } = this;
    const clockName = clockNameOf(flags, selection);
    this.input = new ReplayInput(paths, this.channels, { selection, clockName });
  }

  /** Whether the filter goes by lines, which only a channel table or chunks can tell. */
  get asksForLine(): boolean {
    return /(^|[\s,])line/.test(this.flags.text("filter") ?? "");
  }

  get complaints(): readonly string[] {
    if (this.failed === 0) return this.input.complaints;
    return [...this.input.complaints, `${this.failed} did not get through`];
  }

  async run(signal: AbortSignal): Promise<ReplayReport> {
    const address = this.flags.text("control");
    const door = address === undefined ? undefined : doorOf("control", address, this.flags);
    const target = this.openTarget(signal);
    this.target = target;
    const listener = door && listenControl(this.control, door);
    if (listener) printErr(`edgebook: control at ${listener.url}\n`);
    try {
      return await replay((place) => this.pass(place), target, this.options, signal);
    } finally {
      this.failed = await target.close();
      await listener?.close();
    }
  }

  private openTarget(signal: AbortSignal): OpenTarget {
    const { flags, channels } = this;
    const place = flags.text("to") ?? "";
    const udp = openUdpTarget(place, {
      interface: flags.text("interface"),
      beyondLoopback: flags.on("beyond-loopback"),
      segments: flags.has("segments") ? flags.on("segments") : undefined,
      packets: this.pace.kind === "max",
    });
    if (udp !== undefined) return udp;
    const options = {
      name: `replay-${process.pid}`,
      to: [place],
      channels,
      feed: namedFeed(flags.text("feed"), channels, flags.text("spec")),
      spec: flags.text("spec"),
      mqtt: mqttAccess(flags),
      keep: "both",
      clock: "capture",
    } as const;
    return new ChunkTarget(options, signal);
  }

  /** All files once, merged, from that place on. */
  private async *pass(place: Instant | undefined): AsyncGenerator<FrameBatch> {
    this.selection?.begin(place);
    for await (const batch of this.input.pass()) {
      this.learn(batch);
      yield batch;
    }
  }

  private learn(batch: FrameBatch): void {
    const { target, channels, flags } = this;
    target?.learn(channels);
    if (!(target instanceof ChunkTarget)) return;
    const feed = namedFeed(flags.text("feed"), channels, flags.text("spec")) ?? guessFeed(batch);
    if (feed === undefined) throw feedNeeded();
    target.collecting.setFeed(feed);
  }

  private optionsOf(): ReplayOptions {
    const { flags, pace, selection, control } = this;
    const maxSleepNs = flags.durationNs("maxsleep");
    const limit = flags.integer("limit");
    const impairment = impairmentOf(flags);
    return {
      pace,
      control,
      passes: flags.integer("loop") ?? 1,
      ...(maxSleepNs === undefined ? {} : { maxSleepNs }),
      ...(limit === undefined ? {} : { limit }),
      ...(selection === undefined ? {} : { selection }),
      ...(impairment === undefined ? {} : { impairment }),
      ...(flags.text("align") === "wall" ? { firstDueNs: wallDueNs(pace) } : {}),
    };
  }
}
