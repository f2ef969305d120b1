/**
 * Expected books as text: the columns of `mbp-10` that a book alone decides, and with `queues` each
 * side's orders. CSV has a header line; in NDJSON times, numbers and prices are strings.
 */
import { exactDecimal } from "../feed/decimal.ts";
import type { ExpectedLevel, ExpectedRow } from "./expect.ts";

export interface RowFormat {
  readonly format: "csv" | "ndjson";
  /** Places of a price. */
  readonly decimals: number;
  /** Two columns more: `price=id:size+id:size` for each level, best first, blanks between. */
  readonly queues: boolean;
}

const DEPTH = 10;
const HEAD = ["ts_event", "stream", "sequence", "token"] as const;

export function expectedHeader({ queues }: RowFormat): string[] {
  const levels = Array.from({ length: DEPTH }, (_, level) => {
    const at = String(level).padStart(2, "0");
    return ["bid_px", "ask_px", "bid_sz", "ask_sz", "bid_ct", "ask_ct"].map(
      (name) => `${name}_${at}`,
    );
  });
  return [...HEAD, ...levels.flat(), ...(queues ? ["bid_queue", "ask_queue"] : [])];
}

/** One line, with its end. */
export function expectedLine(row: ExpectedRow, format: RowFormat): string {
  const cells: (string | number)[] = [];
  for (let level = 0; level < DEPTH; level++) {
    const sides = [row.bids[level], row.asks[level]];
    cells.push(
      ...sides.map((side) => priceText(side, format.decimals)),
      ...sides.map((side) => side?.orders.reduce((sum, { quantity }) => sum + quantity, 0) ?? 0),
      ...sides.map((side) => side?.orders.length ?? 0),
    );
  }
  if (format.queues) {
    cells.push(...[row.bids, row.asks].map((side) => queueText(side, format.decimals)));
  }
  const { tsEvent, stream, sequence, token } = row;
  if (format.format === "csv") {
    return `${[tsEvent, stream, sequence, token, ...cells].join(",")}\n`;
  }
  const values = [`${tsEvent}`, stream, `${sequence}`, token, ...cells];
  const names = expectedHeader(format);
  return `${JSON.stringify(
    Object.fromEntries(names.map((name, at) => [name, values[at] === "" ? null : values[at]])),
  )}\n`;
}

function priceText(level: ExpectedLevel | undefined, decimals: number): string {
  return level === undefined ? "" : exactDecimal(level.price, decimals);
}

function queueText(levels: readonly ExpectedLevel[], decimals: number): string {
  return levels
    .map((level) => {
      const orders = level.orders.map(({ id, quantity }) => `${id}:${quantity}`).join("+");
      return `${priceText(level, decimals)}=${orders}`;
    })
    .join(" ");
}
