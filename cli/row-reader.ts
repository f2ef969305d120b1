/**
 * Edge: rows of a CSV or NDJSON file, one after another, each as texts by column: what two programs
 * wrote differently but mean alike reads alike (a number or its string, null or nothing at all).
 * The format is told by the first byte; compressed files are unpacked.
 */
import { openInput } from "../frames/input.ts";
import { CliError } from "./errors.ts";

export type Row = ReadonlyMap<string, string>;

/** Lines longer than this are no rows. */
const MAX_LINE = 1 << 20;

export async function* readRows(path: string): AsyncGenerator<Row> {
  let header: string[] | undefined;
  let json: boolean | undefined;
  let number = 0;
  for await (const line of lines(path)) {
    number++;
    if (line === "") continue;
    json ??= line.startsWith("{");
    if (json) yield jsonRow(path, number, line);
    else if (!header) header = csvCells(line);
    else yield csvRow(path, number, header, csvCells(line));
  }
}

function jsonRow(path: string, number: number, line: string): Row {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw notRows(path, number, "is no JSON object");
  }
  if (typeof parsed !== "object" || parsed === null) throw notRows(path, number, "is no object");
  const row = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed)) {
    row.set(name, value === null ? "" : String(value));
  }
  return row;
}

function csvRow(path: string, number: number, header: string[], cells: string[]): Row {
  if (cells.length !== header.length) {
    throw notRows(path, number, `has ${cells.length} cells, its header ${header.length}`);
  }
  return new Map(header.map((name, at) => [name, cells[at]]));
}

/** One line of RFC 4180; a quoted cell may hold commas and quotes, not line ends. */
function csvCells(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  const cells: string[] = [];
  const cell = /(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/gy;
  for (let found = cell.exec(line); found; found = cell.exec(line)) {
    cells.push(found[1]?.replaceAll('""', '"') ?? found[2]);
    if (cell.lastIndex >= line.length) break;
  }
  return cells;
}

async function* lines(path: string): AsyncGenerator<string> {
  const input = await openInput(path);
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const block of input.blocks()) {
      const parts = (rest + decoder.decode(block, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      if (rest.length > MAX_LINE) throw notRows(path, 1, "does not end");
      for (const part of parts) yield part.endsWith("\r") ? part.slice(0, -1) : part;
    }
    rest += decoder.decode();
    if (rest !== "") yield rest;
  } finally {
    input.close();
  }
}

function notRows(path: string, number: number, what: string): CliError {
  return new CliError(
    "not_row_files",
    `'${path}' does not hold rows: line ${number} ${what}.`,
    "Rows are CSV with a header line, or one JSON object a line.",
  );
}
