/** Edge: `edgebook books --at TIME`: any book of any past moment. */
import { LakeBooks } from "../../lake/books-at.ts";
import { QueryError } from "../../lake/lake-query.ts";
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import type { FlagValues } from "../flag-values.ts";
import { writeLakeBooks } from "../lake-books.ts";
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
  args: { placeholder: "FILE…", atLeast: 0, atMost: Number.POSITIVE_INFINITY },
  flags: [
    ...CAPTURE_FLAGS,
    {
      name: "at",
      kind: "text",
      placeholder: "TIME",
      doc: "The moment: ISO 8601 or nanoseconds since 1970 UTC.",
    },
    {
      name: "lake",
      kind: "text",
      placeholder: "DIR|s3://BUCKET/PREFIX",
      doc: "Instead of files: the events of a lake that 'edgebook ingest' fills.",
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
    "was at a moment: one row with the message that made it so, and ten levels a side. From a lake " +
    "it reads the events of that day alone; messages that did nothing are not in it.",
  examples: [
    [
      "edgebook books --at 2023-10-02T13:35:00Z iex.pcap.gz --feed iex-deep --token AAPL",
      "one book at one moment",
    ],
    [
      "edgebook books --at 2023-11-27T03:46:00Z --lake lake --token 7 --format csv",
      "the same from the tables of a lake",
    ],
    ["edgebook books --at 1696253700000000000 chunks/ --format csv", "all books, from an archive"],
  ],
  async run({ args, flags, signal }) {
    const at = flags.text("at");
    if (at === undefined) {
      throw new CliError("bad_flag", "Nobody says which moment.", "Add --at 2023-10-02T13:35:00Z.");
    }
    const { sec, nsec } = parseMoment("at", at);
    const lake = flags.text("lake");
    if ((args.length === 0) === (lake === undefined)) {
      throw new CliError(
        "bad_argument",
        lake === undefined
          ? "Nothing says where the books are."
          : "Books are of files or of a lake.",
        "Name captures or chunks, or a lake with --lake, not both.",
      );
    }
    if (lake !== undefined) {
      return fromLake(lake, BigInt(sec) * 1_000_000_000n + BigInt(nsec), flags);
    }
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

async function fromLake(lake: string, untilNs: bigint, flags: FlagValues): Promise<number> {
  const output = new RowOutput(flags);
  let books: LakeBooks | undefined;
  try {
    const clock = flags.text("clock") === "recv" ? "recv" : "event";
    books = await LakeBooks.open(lake, { untilNs, clock, tokens: flags.texts("token") });
    const { books: count, doubtful } = await writeLakeBooks(books, (shape) => output.begin(shape));
    output.finish();
    if (count === 0) printErr("edgebook: nothing had come of these books by then\n");
    if (doubtful > 0) {
      printErr(`edgebook: of ${doubtful} books the stream had lost numbers by then (flag G)\n`);
    }
    return doubtful > 0 ? Exit.Damaged : Exit.Done;
  } catch (thrown) {
    output.discard();
    if (!(thrown instanceof QueryError)) throw thrown;
    const code = thrown.code === "no_lake" ? "file_not_found" : "bad_argument";
    throw new CliError(code, thrown.message, thrown.hint, thrown);
  } finally {
    books?.close();
  }
}
