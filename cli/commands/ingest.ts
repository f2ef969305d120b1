/** Edge: `edgebook ingest`: events into the tables of a lake. */
import type { Command, FlagSpec } from "../command.ts";
import { Exit } from "../errors.ts";
import { Ingesting } from "../ingesting.ts";
import { loadMasters } from "../masters.ts";
import { readOffline } from "../offline.ts";
import { printErr } from "../output.ts";
import { rebuildComplaints } from "../rebuild-stats.ts";
import { CAPTURE_FLAGS, CHECKSUMS_FLAG } from "../shared-flags.ts";
import { parseWindow } from "../window.ts";

const OWN_FLAGS: readonly FlagSpec[] = [
  {
    name: "lake",
    kind: "text",
    placeholder: "DIR",
    fallback: "lake",
    doc: "The folder of the tables; made where it is not there.",
  },
  {
    name: "rows-per-commit",
    kind: "integer",
    placeholder: "N",
    fallback: "2000000",
    doc: "So many rows of all tables together become one commit of each.",
  },
  {
    name: "replace",
    kind: "boolean",
    doc:
      "Days and streams that are read take the place of what the lake has of them, in one commit: " +
      "for a day that is built again. Readers of the former version still have it.",
  },
  { name: "stats", kind: "boolean", doc: "End with a line of JSON on standard error: the counts." },
];

export const command: Command = {
  args: { placeholder: "FILE…", atLeast: 1, atMost: Number.POSITIVE_INFINITY },
  flags: [...CAPTURE_FLAGS, ...OWN_FLAGS, CHECKSUMS_FLAG],
  help:
    "Rebuilds the books of captures, chunks or an exchange's own file and puts what happened into " +
    "Delta tables: events (order by order), trades, bbo (the settled best prices, which a trade is " +
    "joined with). Files lie by date and stream. Rows are named by (stream, epoch, sequence, row): " +
    "what the lake has is left out, so a run that was killed is simply started again.\n" +
    "Each commit says of every stream what was delivered and what is missing.",
  examples: [
    ["edgebook ingest day.pcap.gz --feed nse-fo --lake lake", "a day into the lake"],
    ["edgebook ingest chunks/ --lake lake --replace", "the same day again, in place of it"],
  ],
  async run({ args, flags, signal }) {
    const started = performance.now();
    const spec = flags.text("spec");
    const work = new Ingesting({
      lake: flags.text("lake") ?? "lake",
      rowsPerCommit: Math.max(1, flags.integer("rows-per-commit") ?? 2_000_000),
      replace: flags.on("replace"),
      sequencer: parseWindow(flags.text("window") ?? ""),
      mastersFor: (feed) => loadMasters(flags.texts("masters"), feed),
      ...(spec !== undefined && { spec }),
    });
    const report = await readOffline(args, flags, signal, work);
    await work.end();
    const seconds = (performance.now() - started) / 1000;
    const complaints = [...report.complaints, ...rebuildComplaints(work.pipeline)];
    for (const complaint of complaints) printErr(`edgebook: ${complaint}\n`);
    const { rows, repeated, files, bytes, commits } = work.counts;
    if (flags.on("stats")) {
      printErr(`${JSON.stringify({ rows, repeated, files, bytes, commits, seconds })}\n`);
    } else {
      printErr(
        `edgebook: ${rows} rows in ${files} files, ${bytes} bytes, ${commits} commits, ` +
          `${seconds.toFixed(1)} s` +
          `${repeated > 0 ? `; ${repeated} rows were there already` : ""}\n`,
      );
    }
    return complaints.length > 0 ? Exit.Damaged : Exit.Done;
  },
};
