/** Edge: `edgebook books --at TIME`: any book of any past moment. */
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { LastRows } from "../last-rows.ts";
import { loadMasters } from "../masters.ts";
import { parseMoment } from "../moment.ts";
import { readOffline } from "../offline.ts";
import { printErr } from "../output.ts";
import { rebuildComplaints } from "../rebuild-stats.ts";
import { Rebuilding } from "../rebuilding.ts";
import { RowOutput } from "../row-output.ts";
import { CAPTURE_FLAGS, CHECKSUMS_FLAG, ROW_FLAGS } from "../shared-flags.ts";
import { parseWindow } from "../window.ts";

/** The moment itself belongs to what is shown. */
const BEHIND_NS = 1;

export const command: Command = {
  args: { placeholder: "FILE…", atLeast: 1, atMost: Number.POSITIVE_INFINITY },
  flags: [
    ...CAPTURE_FLAGS,
    {
      name: "at",
      kind: "text",
      placeholder: "TIME",
      doc: "The moment: ISO 8601 or nanoseconds since 1970 UTC.",
    },
    {
      name: "clock",
      kind: "text",
      values: ["event", "recv"],
      fallback: "event",
      doc: "Whose clock --at means: the exchange's, or the capture's.",
    },
    {
      name: "token",
      kind: "text",
      repeatable: true,
      placeholder: "T",
      doc: "Only this instrument, as the feed names it; else every instrument that was seen.",
    },
    ...ROW_FLAGS,
    CHECKSUMS_FLAG,
  ],
  help:
    "Reads captures, chunks or an exchange's own file and writes of each instrument the book as it " +
    "was at a moment: one row with the message that made it so, and ten levels a side.",
  examples: [
    [
      "edgebook books --at 2023-10-02T13:35:00Z iex.pcap.gz --feed iex-deep --token AAPL",
      "one book at one moment",
    ],
    ["edgebook books --at 1696253700000000000 chunks/ --format csv", "all books, from an archive"],
  ],
  async run({ args, flags, signal }) {
    const at = flags.text("at");
    if (at === undefined) {
      throw new CliError("bad_flag", "Nobody says which moment.", "Add --at 2023-10-02T13:35:00Z.");
    }
    const { sec, nsec } = parseMoment("at", at);
    const output = new RowOutput(flags);
    const tokens = flags.texts("token");
    const spec = flags.text("spec");
    let last: LastRows | undefined;
    try {
      const work = new Rebuilding({
        schema: "mbp-10",
        settled: false,
        digest: false,
        sequencer: parseWindow(flags.text("window") ?? ""),
        mastersFor: (feed) => loadMasters(flags.texts("masters"), feed),
        rowsTo: (shape) => {
          last = new LastRows(output.begin(shape));
          return last;
        },
        span: {
          clock: flags.text("clock") === "recv" ? "recv" : "event",
          until: { sec, nsec: nsec + BEHIND_NS },
        },
        ...(tokens.length > 0 && { tokens: new Set(tokens) }),
        ...(spec !== undefined && { spec }),
      });
      const report = await readOffline(args, flags, signal, work);
      const books = last?.finish() ?? 0;
      output.finish();
      if (books === 0) printErr("edgebook: nothing had come of these books by then\n");
      const complaints = [...report.complaints, ...rebuildComplaints(work.pipeline)];
      for (const complaint of complaints) printErr(`edgebook: ${complaint}\n`);
      return complaints.length > 0 ? Exit.Damaged : Exit.Done;
    } catch (thrown) {
      output.discard();
      throw thrown;
    }
  },
};
