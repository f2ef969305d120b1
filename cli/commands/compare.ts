/**
 * Edge: `edgebook compare A B`: whether two row files say the same, and where they first do not. Reads
 * both side by side, so that files of any size fit.
 */
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { printOut } from "../output.ts";
import { type Row, readRows } from "../row-reader.ts";

interface Difference {
  /** From 1. */
  readonly row: number;
  readonly columns: readonly string[];
  readonly left: Row | undefined;
  readonly right: Row | undefined;
}

interface Comparison {
  leftRows: number;
  rightRows: number;
  different: number;
  first: Difference | undefined;
}

export const command: Command = {
  args: { placeholder: "A B", atLeast: 2, atMost: 2 },
  flags: [
    {
      name: "ignore",
      kind: "text",
      repeatable: true,
      placeholder: "COLUMN",
      doc: "A column that may differ, such as ts_recv.",
    },
    {
      name: "format",
      kind: "text",
      values: ["text", "json"],
      fallback: "text",
      doc: "Text for people, one line of JSON for programs.",
    },
  ],
  help:
    "Compares two row files of the same schema, row by row: CSV or NDJSON, the one with the other " +
    "too, packed or not. Prints the counts and the first difference with both rows. Exit code 0 if " +
    "they say the same, 1 if not.",
  examples: [
    ["edgebook compare ours.csv theirs.csv", "is the other handler's output the same?"],
    ["edgebook compare a.ndjson b.csv --ignore ts_recv", "the same but for the capture time"],
  ],
  async run({ args, flags, signal }) {
    const [left, right] = args;
    const found = await compareFiles(left, right, new Set(flags.texts("ignore")), signal);
    const same = found.different === 0;
    if (flags.text("format") === "json") printOut(`${JSON.stringify(asJson(found))}\n`);
    else printOut(asText(left, right, found));
    return same ? Exit.Done : Exit.Failed;
  },
};

async function compareFiles(
  leftPath: string,
  rightPath: string,
  ignored: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Comparison> {
  const found: Comparison = { leftRows: 0, rightRows: 0, different: 0, first: undefined };
  const lefts = readRows(leftPath);
  const rights = readRows(rightPath);
  for (;;) {
    const [left, right] = await Promise.all([lefts.next(), rights.next()]);
    if ((left.done && right.done) || signal.aborted) return found;
    if (!left.done) found.leftRows++;
    if (!right.done) found.rightRows++;
    const [a, b] = [left.value || undefined, right.value || undefined];
    const row = Math.max(found.leftRows, found.rightRows);
    if (row === 1 && a && b) checkColumns(leftPath, a, rightPath, b, ignored);
    const columns = a && b ? differingColumns(a, b, ignored) : [];
    if (a && b && columns.length === 0) continue;
    found.different++;
    found.first ??= { row, columns, left: a, right: b };
  }
}

function differingColumns(a: Row, b: Row, ignored: ReadonlySet<string>): string[] {
  const columns: string[] = [];
  for (const [name, value] of a) {
    if (!ignored.has(name) && (b.get(name) ?? "") !== value) columns.push(name);
  }
  for (const [name, value] of b) {
    if (!ignored.has(name) && !a.has(name) && value !== "") columns.push(name);
  }
  return columns;
}

/** Files without a column in common were not meant to be compared. */
function checkColumns(
  leftPath: string,
  a: Row,
  rightPath: string,
  b: Row,
  ignored: ReadonlySet<string>,
): void {
  const missing = [
    ...[...a.keys()].filter((name) => !b.has(name)).map((name) => [name, rightPath]),
    ...[...b.keys()].filter((name) => !a.has(name)).map((name) => [name, leftPath]),
  ].filter(([name]) => !ignored.has(name));
  if (missing.length === 0) return;
  throw new CliError(
    "not_row_files",
    `The files are of different schemas: '${missing[0][0]}' is not in '${missing[0][1]}'.`,
    "Compare rows of one schema, or leave a column out with --ignore.",
  );
}

function asText(left: string, right: string, found: Comparison): string {
  const { leftRows, rightRows, different, first } = found;
  if (!first) return `same: ${leftRows} rows\n`;
  const where = first.columns.length > 0 ? ` in ${first.columns.join(", ")}` : "";
  return [
    `different: ${different} rows of ${Math.max(leftRows, rightRows)}`,
    `rows: ${leftRows} in ${left}, ${rightRows} in ${right}`,
    `first difference: row ${first.row}${where}`,
    `  ${left}: ${rowText(first.left)}`,
    `  ${right}: ${rowText(first.right)}`,
    "",
  ].join("\n");
}

function rowText(row: Row | undefined): string {
  return row ? [...row.values()].join(",") : "(no such row)";
}

function asJson({ leftRows, rightRows, different, first }: Comparison): object {
  return {
    rows_a: leftRows,
    rows_b: rightRows,
    different,
    first: first && {
      row: first.row,
      columns: first.columns,
      a: first.left ? Object.fromEntries(first.left) : null,
      b: first.right ? Object.fromEntries(first.right) : null,
    },
  };
}
