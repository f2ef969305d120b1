/** Books of a lake at a moment as rows of `mbp-10`. */
import { NameTable } from "../book/rows/name-table.ts";
import { RowBatch, type RowSink, type TimeColumn } from "../book/rows/row-batch.ts";
import { bookColumns } from "../book/rows/schema.ts";
import { FLAG_LETTERS } from "../feed/message-batch.ts";
import type { BookAt, HeadRow, LakeBooks } from "../lake/books-at.ts";

const BATCH_ROWS = 256;

export interface LakeBookCounts {
  readonly books: number;
  /** Of them, those whose stream had lost numbers by then. */
  readonly doubtful: number;
}

/** @param rowsTo is given the shape of the rows, and says where they go */
export async function writeLakeBooks(
  books: LakeBooks,
  rowsTo: (shape: RowBatch) => RowSink,
): Promise<LakeBookCounts> {
  const names = new NameTable();
  const batch = new RowBatch(bookColumns("mbp-10"), names, books.priceDecimals, BATCH_ROWS);
  const sink = rowsTo(batch);
  let [count, doubtful] = [0, 0];
  for await (const book of books.books()) {
    if (batch.count === BATCH_ROWS) {
      sink.write(batch);
      batch.count = 0;
    }
    fill(batch, batch.count++, book);
    count++;
    if (textOf(book.head.flags).includes("G")) doubtful++;
  }
  if (batch.count > 0) sink.write(batch);
  return { books: count, doubtful };
}

function fill(batch: RowBatch, at: number, { head, levels }: BookAt): void {
  batch.clearRow(at);
  fillHead(batch, at, head);
  for (const { name, kind } of batch.columns) {
    if (/_(sz|ct)_\d\d$/.test(name) && kind === "integer") batch.number(name).value[at] = 0;
  }
  for (const { side, depth, price, size, count } of levels) {
    const [of, level] = [side === "B" ? "bid" : "ask", String(depth).padStart(2, "0")];
    batch.number(`${of}_px_${level}`).value[at] = price;
    batch.number(`${of}_sz_${level}`).value[at] = size;
    batch.number(`${of}_ct_${level}`).value[at] = count;
  }
}

function fillHead(batch: RowBatch, at: number, head: HeadRow): void {
  fillTime(batch.time("ts_recv"), at, head.ts_recv_ns);
  fillTime(batch.time("ts_event"), at, head.ts_event_ns);
  for (const name of ["stream", "sequence", "size"] as const) {
    const value = head[name];
    if (value !== null) batch.number(name).value[at] = Number(value);
  }
  batch.name("token").value[at] = batch.names.indexOf(textOf(head.token));
  for (const name of ["action", "side"] as const) {
    batch.bytes(name).value[at] = textOf(head[name]).charCodeAt(0) || 0;
  }
  if (head.price !== null) {
    batch.number("price").value[at] = Number((head.price as { value: bigint }).value);
  }
  if (head.order_id !== null) {
    const id = head.order_id as bigint;
    batch.words("order_id").lo[at] = Number(BigInt.asIntN(32, id));
    batch.words("order_id").hi[at] = Number(BigInt.asIntN(32, id >> 32n));
  }
  for (const letter of textOf(head.flags)) {
    batch.bytes("flags").value[at] |= 1 << FLAG_LETTERS.indexOf(letter);
  }
}

function fillTime(column: TimeColumn, at: number, ns: unknown): void {
  if (ns === null) return;
  column.sec[at] = Number((ns as bigint) / 1_000_000_000n);
  column.nsec[at] = Number((ns as bigint) % 1_000_000_000n);
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? "" : String(value);
}
