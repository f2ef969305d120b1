/** Edge: `edgebook rebuild`: the books of a capture, offline, as fast as it goes. */
import type { TimeSpan } from "../../book/rows/observers.ts";
import { SCHEMAS, type Schema } from "../../book/rows/schema.ts";
import type { Command, FlagSpec } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import type { FlagValues } from "../flag-values.ts";
import { loadMasters } from "../masters.ts";
import { parseMoment } from "../moment.ts";
import { readOffline } from "../offline.ts";
import { printErr } from "../output.ts";
import { rebuildComplaints, rebuildStats } from "../rebuild-stats.ts";
import { type RebuildChoice, Rebuilding } from "../rebuilding.ts";
import { RowOutput } from "../row-output.ts";
import { CAPTURE_FLAGS, CHECKSUMS_FLAG, ROW_FLAGS } from "../shared-flags.ts";
import { parseWindow } from "../window.ts";

const OWN_FLAGS: readonly FlagSpec[] = [
  {
    name: "schema",
    kind: "text",
    values: [...SCHEMAS, "none"],
    doc: "What rows are written; else mbo, or mbp-10 where the feed publishes levels.",
  },
  {
    name: "token",
    kind: "text",
    repeatable: true,
    placeholder: "T",
    doc: "Only rows of this instrument, as the feed names it: 61684, S45585 (a spread), AAPL.",
  },
  {
    name: "settled",
    kind: "boolean",
    doc: "bbo: keep back what lies inside an aggression; the quotes that trades are joined with.",
  },
  { name: "stats", kind: "boolean", doc: "End with a line of JSON on standard error: the counts." },
  {
    name: "digest",
    kind: "boolean",
    doc: "Add to --stats a digest of all changes of best prices: the proof of the same books.",
  },
  {
    name: "from-start",
    kind: "boolean",
    doc: "Count what is missing before the first number of a stream as lost too.",
  },
  { name: "from", kind: "text", placeholder: "TIME", doc: "Rows from this time on." },
  { name: "until", kind: "text", placeholder: "TIME", doc: "Rows before this time." },
  {
    name: "clock",
    kind: "text",
    values: ["event", "recv"],
    fallback: "event",
    doc: "Whose clock --from and --until mean: the exchange's, or the capture's.",
  },
];

export const command: Command = {
  args: { placeholder: "FILE…", atLeast: 1, atMost: Number.POSITIVE_INFINITY },
  flags: [...CAPTURE_FLAGS, ...OWN_FLAGS, ...ROW_FLAGS, CHECKSUMS_FLAG],
  help:
    "Arbitrates the lines of each stream, rebuilds every book and writes rows in the order of " +
    "delivery. FILE is a pcap, pcapng, chunk file or the exchange's own file, plain or packed with " +
    "gzip or zstd; several captures are merged by capture time; - is standard input. Exit code 3: " +
    "done, but the input was damaged or numbers are lost; standard error says what.\n" +
    "In NDJSON, times, sequences, ids and prices are strings, sizes and counts numbers. TIME is ISO " +
    "8601 or nanoseconds since 1970 UTC; the books are built from the start all the same.",
  examples: [
    ["edgebook rebuild iex.pcap.gz --schema trades --format csv", "all trades of a capture"],
    ["edgebook rebuild a.pcap b.pcap --feed nse-fo --schema bbo --settled", "two lines, quotes"],
    ["edgebook rebuild day.itch --schema none --stats --digest", "whole books, only counted"],
  ],
  async run({ args, flags, signal }) {
    const startMs = performance.now();
    const output = flags.text("schema") === "none" ? undefined : new RowOutput(flags);
    try {
      const work = new Rebuilding(choiceOf(flags, output));
      const report = await readOffline(args, flags, signal, work);
      const seconds = (performance.now() - startMs) / 1000;
      output?.finish();
      const complaints = [...report.complaints, ...rebuildComplaints(work.pipeline)];
      for (const complaint of complaints) printErr(`edgebook: ${complaint}\n`);
      if (flags.on("stats")) {
        const stats = rebuildStats(work, report, seconds, flags.on("digest"));
        printErr(`${JSON.stringify(stats)}\n`);
      }
      return complaints.length > 0 ? Exit.Damaged : Exit.Done;
    } catch (thrown) {
      output?.discard();
      throw thrown;
    }
  },
};

function choiceOf(flags: FlagValues, output: RowOutput | undefined): RebuildChoice {
  const schema = flags.text("schema") as Schema | "none" | undefined;
  if (flags.on("settled") && schema !== "bbo") {
    throw new CliError("bad_flag", "--settled goes with --schema bbo.", "Add --schema bbo.");
  }
  const tokens = flags.texts("token");
  const spec = flags.text("spec");
  const span = spanOf(flags);
  return {
    settled: flags.on("settled"),
    digest: flags.on("digest"),
    sequencer: { ...parseWindow(flags.text("window") ?? ""), fromStart: flags.on("from-start") },
    mastersFor: (feed) => loadMasters(flags.texts("masters"), feed),
    rowsTo: (shape) => (output ?? new RowOutput(flags)).begin(shape),
    ...(schema && { schema }),
    ...(tokens.length > 0 && { tokens: new Set(tokens) }),
    ...(span && { span }),
    ...(spec !== undefined && { spec }),
  };
}

function spanOf(flags: FlagValues): TimeSpan | undefined {
  const from = flags.text("from");
  const until = flags.text("until");
  if (from === undefined && until === undefined) return undefined;
  return {
    clock: flags.text("clock") === "recv" ? "recv" : "event",
    ...(from !== undefined && { from: parseMoment("from", from) }),
    ...(until !== undefined && { until: parseMoment("until", until) }),
  };
}
