/**
 * Keeps the last row of each instrument and hands them on at the end: what a book was at a moment is
 * the last row of levels up to it.
 */
import {
  type NameColumn,
  type NumberColumn,
  type RowBatch,
  type RowSink,
  rowsOf,
} from "../book/rows/row-batch.ts";

export class LastRows implements RowSink {
  private readonly sink: RowSink;
  /** A copy of each instrument's last row, as a batch of one. */
  private readonly rows = new Map<string, RowBatch>();
  private readonly lastAt = new Map<string, number>();

  constructor(sink: RowSink) {
    this.sink = sink;
  }

  write(batch: RowBatch): void {
    const token: NameColumn = batch.name("token");
    const stream: NumberColumn = batch.number("stream");
    this.lastAt.clear();
    for (let at = 0; at < batch.count; at++) {
      this.lastAt.set(`${stream.value[at]}/${token.value[at]}`, at);
    }
    for (const [key, at] of this.lastAt) this.rows.set(key, rowsOf(batch, at, at + 1, true));
  }

  /** All of them, by stream and in the order in which instruments were seen. */
  finish(): number {
    const keys = [...this.rows.keys()].sort(byNumbers);
    for (const key of keys) this.sink.write(this.rows.get(key) as RowBatch);
    return keys.length;
  }
}

function byNumbers(a: string, b: string): number {
  const [aStream, aToken] = a.split("/").map(Number);
  const [bStream, bToken] = b.split("/").map(Number);
  return aStream - bStream || aToken - bToken;
}
