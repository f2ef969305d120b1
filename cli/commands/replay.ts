/** Edge: `edgebook replay`: captures and chunks back on the wire, at any speed. */
import { CaptureCounters } from "../../frames/capture-counters.ts";
import type { Channels } from "../../frames/channels.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import { type Input, openInput } from "../../frames/input.ts";
import { parseFilter, Selection } from "../../replayer/filter.ts";
import { Impairment } from "../../replayer/impairment.ts";
import { type Pace, paceText, parsePace } from "../../replayer/pace.ts";
import { type ReplayOptions, type ReplayReport, replay } from "../../replayer/replayer.ts";
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { feedNeeded, guessFeed, namedFeed } from "../feed-choice.ts";
import type { FlagValues } from "../flag-values.ts";
import { frameBatches, mergedBatches } from "../frame-source.ts";
import { parseMoment } from "../moment.ts";
import { loadChannels } from "../offline.ts";
import { printErr, printOut } from "../output.ts";
import { ChunkTarget, type OpenTarget, openUdpTarget } from "../replay-target.ts";
import { CHANNELS_FLAG, DATE_FLAG, FEED_FLAG, SPEC_FLAG } from "../shared-flags.ts";
import { dayInNewYork, midnightInNewYork, parseDay } from "../trading-day.ts";

const DAY_SEC = 86_400;

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
      doc: "udp://GROUP:PORT, udp://same (the capture's own groups), mqtt://HOST:PORT, dir:PATH.",
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
    FEED_FLAG,
    CHANNELS_FLAG,
    SPEC_FLAG,
    DATE_FLAG,
    { name: "format", kind: "text", values: ["text", "json"], doc: "Of the report at the end." },
  ],
  help:
    "Sends the frames of captures and chunks again, each when it is due, counted from one fixed " +
    "start so that nothing drifts. FILE is a pcap, pcapng or chunk file, plain or packed; several " +
    "are merged by capture time. Ends with a report: frames sent, rate asked and reached, and how " +
    "late they went out.",
  examples: [
    ["edgebook replay day.pcap --to udp://same --interface lo --speed 10x", "ten times as fast"],
    ["edgebook replay day.pcap --to udp://239.1.1.1:10001 --speed 50000pps", "at a fixed rate"],
    ["edgebook replay day.pcap --feed nse-fo --to mqtt://127.0.0.1:1883", "straight to the centre"],
    ["edgebook replay day.pcap --to udp://same --interface lo --loss 1% --seed 7", "with faults"],
  ],
  async run({ args, flags, signal }) {
    const session = new Session(args, flags);
    const report = await session.run(signal);
    printReport(report, session.pace, session.failed, flags.text("format") === "json");
    for (const complaint of session.complaints) printErr(`edgebook: ${complaint}\n`);
    if (session.failed > 0 && report.sent === 0) return Exit.Failed;
    return session.complaints.length > 0 ? Exit.Damaged : Exit.Done;
  },
};

class Session {
  readonly pace: Pace;
  readonly complaints: string[] = [];
  failed = 0;
  private readonly paths: readonly string[];
  private readonly flags: FlagValues;
  private readonly channels: Channels;
  private readonly options: ReplayOptions;
  private target: OpenTarget | undefined;

  constructor(paths: readonly string[], flags: FlagValues) {
    this.paths = paths;
    this.flags = flags;
    this.pace = paceOf(flags);
    this.channels = loadChannels(flags.text("channels"));
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
  }

  async run(signal: AbortSignal): Promise<ReplayReport> {
    const target = this.openTarget(signal);
    this.target = target;
    try {
      return await replay(() => this.pass(), target, this.options, signal);
    } finally {
      this.failed = await target.close();
      if (this.failed > 0) this.complaints.push(`${this.failed} did not get through`);
    }
  }

  private openTarget(signal: AbortSignal): OpenTarget {
    const { flags, channels } = this;
    const place = flags.text("to") ?? "";
    const udp = openUdpTarget(place, {
      interface: flags.text("interface"),
      beyondLoopback: flags.on("beyond-loopback"),
      segments: flags.has("segments") ? flags.on("segments") : undefined,
    });
    if (udp !== undefined) return udp;
    const options = {
      name: `replay-${process.pid}`,
      to: [place],
      channels,
      feed: namedFeed(flags.text("feed"), channels, flags.text("spec")),
      spec: flags.text("spec"),
      keep: "both",
      clock: "capture",
    } as const;
    return new ChunkTarget(options, signal);
  }

  /** All files once, merged. */
  private async *pass(): AsyncGenerator<FrameBatch> {
    const inputs: Input[] = [];
    const counters: CaptureCounters[] = [];
    try {
      for (const path of this.paths) inputs.push(await openInput(path));
      const sources = inputs.map((input) => {
        const counting = new CaptureCounters();
        counters.push(counting);
        return frameBatches(input, this.channels, counting, false);
      });
      for await (const batch of mergedBatches(sources)) {
        this.learn(batch);
        yield batch;
      }
    } finally {
      for (const input of inputs) input.close();
    }
    counters.forEach((counting, i) => {
      if (counting.truncated) this.complain(`${this.paths[i]}: ${counting.stopReason}`);
    });
  }

  private learn(batch: FrameBatch): void {
    const { target, channels, flags } = this;
    target?.learn(channels);
    if (!(target instanceof ChunkTarget)) return;
    const feed = namedFeed(flags.text("feed"), channels, flags.text("spec")) ?? guessFeed(batch);
    if (feed === undefined) throw feedNeeded();
    target.collecting.setFeed(feed);
  }

  /** Every pass meets the same damage: once is enough. */
  private complain(text: string): void {
    if (!this.complaints.includes(text)) this.complaints.push(text);
  }

  private optionsOf(): ReplayOptions {
    const { flags, pace } = this;
    const maxSleepNs = flags.durationNs("maxsleep");
    const limit = flags.integer("limit");
    const selection = this.selection();
    const impairment = impairmentOf(flags);
    return {
      pace,
      passes: flags.integer("loop") ?? 1,
      ...(maxSleepNs === undefined ? {} : { maxSleepNs }),
      ...(limit === undefined ? {} : { limit }),
      ...(selection === undefined ? {} : { selection }),
      ...(impairment === undefined ? {} : { impairment }),
      ...(flags.text("align") === "wall" ? { firstDueNs: wallDueNs(pace) } : {}),
    };
  }

  private selection(): Selection | undefined {
    const { flags, channels } = this;
    const [from, until, filter] = ["from", "until", "filter"].map((name) => flags.text(name));
    if (from === undefined && until === undefined && filter === undefined) return undefined;
    const terms = parseFilter(filter ?? "");
    if (terms === undefined) {
      throw new CliError(
        "bad_flag",
        `'--filter' is '${filter}', which has a term that is none.`,
        "Write group=G, port=N, line=A, stream=N, size>=N, with a comma between them.",
      );
    }
    const feed = namedFeed(flags.text("feed"), channels, flags.text("spec"));
    const spanned = from !== undefined || until !== undefined;
    const needsFeed = terms.some(({ name }) => name === "stream");
    const clock = flags.text("clock") === "recv" ? "recv" : "exchange";
    if (feed === undefined && (needsFeed || (spanned && clock === "exchange"))) {
      throw new CliError(
        "feed_needed",
        "Only the feed tells a frame's stream and its exchange time.",
        "Name it with --feed, or say --clock recv to mean the capture's times.",
      );
    }
    const date = flags.text("date");
    return new Selection(channels, {
      terms,
      from: from === undefined ? undefined : parseMoment("from", from),
      until: until === undefined ? undefined : parseMoment("until", until),
      clock,
      feed,
      midnightOf: (sec) =>
        midnightInNewYork(date === undefined ? dayInNewYork(sec) : parseDay(date)),
    });
  }
}

function paceOf(flags: FlagValues): Pace {
  const text = flags.text("speed") ?? "1x";
  const pace = parsePace(text);
  if (pace !== undefined) return pace;
  throw new CliError(
    "bad_flag",
    `'--speed' is '${text}', which is no speed.`,
    "Write 1x, 10x, 0.5x, 50000pps or max.",
  );
}

/** The first frame at its time of day today: from now, in ns; negative if that has passed. */
function wallDueNs(pace: Pace): (sec: number, nsec: number) => number {
  if (pace.kind !== "captured" || pace.factor !== 1) {
    throw new CliError("bad_flag", "--align wall goes at 1x only.", "Leave out --speed.");
  }
  return (sec, nsec) => {
    const nowMs = Date.now();
    const days = Math.floor(nowMs / 1000 / DAY_SEC) - Math.floor(sec / DAY_SEC);
    return (sec + days * DAY_SEC) * 1e9 + nsec - nowMs * 1e6;
  };
}

function impairmentOf(flags: FlagValues): Impairment | undefined {
  const faults = {
    lossRate: rateOf(flags, "loss"),
    duplicateRate: rateOf(flags, "dup"),
    reorderRate: rateOf(flags, "reorder"),
  };
  if (Object.values(faults).every((rate) => rate === 0)) return undefined;
  return new Impairment(faults, flags.integer("seed") ?? 1);
}

function rateOf(flags: FlagValues, name: string): number {
  const text = flags.text(name) ?? "0";
  const parts = /^(\d+(?:\.\d+)?)(%?)$/.exec(text);
  const rate = Number(parts?.[1]) / (parts?.[2] === "%" ? 100 : 1);
  if (parts !== null && rate <= 1) return rate;
  const hint = "Write a share: 0.01 or 1%.";
  throw new CliError("bad_flag", `'--${name}' is '${text}', which is no share.`, hint);
}

function printReport(report: ReplayReport, pace: Pace, failed: number, asJson: boolean): void {
  const { lateness } = report;
  const micros = (ns: number) => Math.round(ns / 100) / 10;
  const late = {
    p50_us: micros(lateness.quantileNs(0.5)),
    p99_us: micros(lateness.quantileNs(0.99)),
    max_us: micros(lateness.maxNs),
  };
  const perSecond = (rate: number) => Math.round(rate);
  if (asJson) {
    const line = {
      sent: report.sent,
      bytes: report.bytes,
      failed,
      skipped: report.skipped,
      seconds: report.seconds,
      speed: paceText(pace),
      asked_per_second: perSecond(report.askedPerSecond),
      reached_per_second: perSecond(report.reachedPerSecond),
      late: lateness.count > 0 ? late : null,
    };
    printOut(`${JSON.stringify(line)}\n`);
    return;
  }
  const asked = report.askedPerSecond > 0 ? `asked ${perSecond(report.askedPerSecond)}/s, ` : "";
  const skipped = report.skipped > 0 ? `, ${report.skipped} left out as past` : "";
  printOut(
    `sent ${report.sent} frames (${report.bytes} bytes) in ${report.seconds.toFixed(3)} s at ` +
      `${paceText(pace)}: ${asked}reached ${perSecond(report.reachedPerSecond)}/s, ` +
      `failed ${failed}${skipped}\n`,
  );
  if (lateness.count > 0) {
    printOut(`late: p50 ${late.p50_us} us, p99 ${late.p99_us} us, max ${late.max_us} us\n`);
  }
}
