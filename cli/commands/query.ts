/** Edge: `edgebook query`: SQL over the tables of a lake. */
import { type Answer, LakeQuery, QueryError } from "../../lake/lake-query.ts";
import { CACHE_MIB, LocalFiles } from "../../lake/local-files.ts";
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import type { FlagValues } from "../flag-values.ts";
import { openOutput, printErr } from "../output.ts";

const FORMATS = ["table", "ndjson", "csv"] as const;
type Format = (typeof FORMATS)[number];
/** A table for people is laid out by its first rows. */
const TABLE_ROWS = 1000;

export const command: Command = {
  args: { placeholder: '"SQL"', atLeast: 1, atMost: 1 },
  flags: [
    {
      name: "lake",
      kind: "text",
      placeholder: "DIR|s3://BUCKET/PREFIX",
      fallback: "lake",
      doc: "Where the tables are: a folder, or object storage.",
    },
    {
      name: "version",
      kind: "text",
      placeholder: "TABLE@N",
      doc: "Reads a table as it was at a version: events@12.",
    },
    {
      name: "format",
      kind: "text",
      values: [...FORMATS],
      doc: "How rows are written; a table in a terminal, else ndjson.",
    },
    {
      name: "prove",
      kind: "boolean",
      doc:
        "Then says on standard error of each day and stream whether the lake has all of it; exit " +
        "code 3 where something is missing.",
    },
    {
      name: "date",
      kind: "text",
      placeholder: "YYYY-MM-DD",
      doc: "Only this day is in the tables, and is what --prove looks at.",
    },
    {
      name: "stream",
      kind: "integer",
      placeholder: "N",
      doc: "Only this stream is in the tables, and is what --prove looks at.",
    },
    {
      name: "cache",
      kind: "integer",
      placeholder: "MIB",
      fallback: String(CACHE_MIB),
      doc: "So much of a lake on object storage is kept on this machine at most.",
    },
    { name: "out", kind: "text", placeholder: "FILE", doc: "Where rows go; else standard output." },
    { name: "force", kind: "boolean", doc: "Overwrite the file of --out." },
  ],
  help:
    "Answers one question over the tables that 'edgebook ingest' makes: events, trades, bbo, gaps. " +
    "The SQL is DuckDB's, as-of joins included; a filter on date and stream passes whole files " +
    "by. It only reads, and reaches no file outside the lake.",
  examples: [
    ['edgebook query "SELECT count(*) FROM events" --lake lake', "how many events there are"],
    [
      'edgebook query "SELECT t.token, t.price, q.bid_px, q.ask_px FROM trades t ASOF JOIN bbo q ' +
        'USING (stream, token, ts_event_ns)" --lake lake',
      "every trade with the quote in force",
    ],
  ],
  async run({ args, flags, signal }) {
    const lake = await opened(flags, args[0]);
    const path = flags.text("out");
    const inTerminal = process.stdout.isTTY === true && path === undefined;
    const format = (flags.text("format") ?? (inTerminal ? "table" : "ndjson")) as Format;
    const output = openOutput(path, flags.on("force"));
    const write = (text: string) => output.write(new TextEncoder().encode(text));
    try {
      let isFirst = true;
      for await (const answer of asked(lake, args[0])) {
        if (signal.aborted) break;
        write(textOf(answer, format, isFirst));
        isFirst = false;
      }
      output.close();
      return flags.on("prove") ? proved(lake) : Exit.Done;
    } catch (error) {
      output.discard();
      throw error;
    } finally {
      lake.close();
    }
  },
};

/** Says of each day and stream of the events whether it is whole. */
function proved(lake: LakeQuery): number {
  const { proofs } = lake;
  for (const { date: day, stream: id, first, last, rows, doubt } of proofs) {
    const verdict =
      doubt === ""
        ? "whole"
        : DOUBTS.filter(([letter]) => doubt.includes(letter))
            .map(([, words]) => words)
            .join(", ");
    printErr(
      `edgebook: ${day} stream ${id}: ${rows} events, numbers ${first.sequence} to ` +
        `${last.sequence}${last.epoch > 0 ? ` of epoch ${last.epoch}` : ""}: ${verdict}\n`,
    );
  }
  if (proofs.length === 0) printErr("edgebook: the lake has no events of that day and stream\n");
  return proofs.length > 0 && proofs.every(({ doubt }) => doubt === "") ? Exit.Done : Exit.Damaged;
}

const DOUBTS = [
  ["G", "numbers are lost, see the table gaps"],
  ["J", "its beginning is missing"],
  ["S", "of some numbers only what a snapshot brought is known"],
] as const;

async function opened(flags: FlagValues, sql: string): Promise<LakeQuery> {
  const version = flags.text("version");
  const travel = /^([\w-]+)@(\d+)$/.exec(version ?? "");
  if (version !== undefined && travel === null) {
    throw new CliError("bad_flag", `--version '${version}' is none.`, "Write TABLE@N: events@12.");
  }
  try {
    const [date, stream] = [flags.text("date"), flags.integer("stream")];
    return await LakeQuery.open(flags.text("lake") ?? "lake", {
      ...(travel !== null && { travel: { table: travel[1], version: Number(travel[2]) } }),
      sql,
      only: (day, id) => (date ?? day) === day && (stream ?? id) === id,
      files: new LocalFiles(flags.integer("cache") ?? CACHE_MIB),
    });
  } catch (error) {
    throw asCli(error);
  }
}

async function* asked(lake: LakeQuery, sql: string): AsyncGenerator<Answer> {
  try {
    yield* lake.ask(sql);
  } catch (error) {
    throw asCli(error);
  }
}

function asCli(error: unknown): unknown {
  if (!(error instanceof QueryError)) return error;
  const code = error.code === "no_lake" ? "file_not_found" : "bad_argument";
  return new CliError(code, error.message, error.hint, error);
}

function textOf({ columns, rows }: Answer, format: Format, isFirst: boolean): string {
  const cells = rows.map((row) => row.map(cellText));
  if (format === "csv") {
    const lines = cells.map((row) => row.map((cell) => quotedCell(cell ?? "")).join(","));
    return [...(isFirst ? [columns.join(",")] : []), ...lines, ""].join("\n");
  }
  if (format === "ndjson") {
    const lines = rows.map((row) =>
      JSON.stringify(Object.fromEntries(columns.map((name, at) => [name, jsonValue(row[at])]))),
    );
    return [...lines, ""].join("\n");
  }
  return tableText(columns, cells.slice(0, TABLE_ROWS), isFirst);
}

/** 64-bit numbers and decimals are strings in JSON, as everywhere here. */
function jsonValue(value: unknown): unknown {
  if (value === null || typeof value === "number" || typeof value === "boolean") return value;
  return String(value);
}

function cellText(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

function quotedCell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function tableText(
  columns: readonly string[],
  rows: readonly (readonly (string | null)[])[],
  isFirst: boolean,
): string {
  const widths = columns.map((name, at) =>
    Math.max(name.length, ...rows.map((row) => (row[at] ?? "").length)),
  );
  const line = (cells: readonly (string | null)[]) =>
    cells.map((cell, at) => (cell ?? "").padStart(widths[at])).join("  ");
  const head = isFirst ? [line(columns), widths.map((width) => "-".repeat(width)).join("  ")] : [];
  return [...head, ...rows.map(line), ""].join("\n");
}
