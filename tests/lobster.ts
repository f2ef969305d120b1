/**
 * The published five-level books of AMZN (LOBSTER sample, 2012-06-21): row r of the order book file
 * must hold after the message whose number the row marks give.
 */
import { readFileSync } from "node:fs";
import { gunzipSync, inflateRawSync } from "node:zlib";
import { type BookObserver, type Books, Levels } from "../book/books.ts";
import type { PipelineStream } from "../book/pipeline.ts";
import { type OpBatch, Side } from "../feed/op-batch.ts";

const DEPTH = 5;
/** Price, size of ask and of bid, for each level. */
const NUMBERS = DEPTH * 4;
const NO_ASK = 9_999_999_999;
const NO_BID = -9_999_999_999;

/** Expected rows, and the message after which each must hold. */
export interface LobsterBooks {
  readonly rows: number;
  /** `NUMBERS` for each row, in the file's order. */
  readonly numbers: Float64Array;
  readonly lastSequence: Float64Array;
}

export function readLobster(zipPath: string, marksPath: string): LobsterBooks {
  const name = "AMZN_2012-06-21_34200000_57600000_orderbook_5.csv";
  const books = fileOfZip(readFileSync(zipPath), name).toString("latin1").trimEnd().split("\n");
  const marks = gunzipSync(readFileSync(marksPath)).toString("latin1").trimEnd().split("\n");
  const rows = books.length;
  const numbers = new Float64Array(rows * NUMBERS);
  const lastSequence = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    numbers.set(books[row].split(",").map(Number), row * NUMBERS);
    lastSequence[row] = Number(marks[row + 1].split(",")[1]);
  }
  return { rows, numbers, lastSequence };
}

/** One file of a ZIP archive, found by its central directory. */
function fileOfZip(zip: Buffer, name: string): Buffer {
  let at = zip.readUInt32LE(zip.lastIndexOf("PK\u0005\u0006") + 16);
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const nameLength = zip.readUInt16LE(at + 28);
    const local = zip.readUInt32LE(at + 42);
    if (zip.toString("latin1", at + 46, at + 46 + nameLength) === name) {
      const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      return inflateRawSync(zip.subarray(from, from + zip.readUInt32LE(at + 20)));
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  throw new Error(`the archive has no ${name}`);
}

/** Compares books with the rows that are due after each message. */
export class LobsterCheck implements BookObserver {
  compared = 0;
  different = 0;
  /** For a person: the first row that differs. */
  firstDifference = "";
  private readonly expected: LobsterBooks;
  private readonly stream: PipelineStream;
  private readonly bids = new Levels(DEPTH);
  private readonly asks = new Levels(DEPTH);
  private row = 0;

  constructor(expected: LobsterBooks, stream: PipelineStream) {
    this.expected = expected;
    this.stream = stream;
  }

  after(ops: OpBatch, at: number, books: Books): void {
    const { lastSequence, rows } = this.expected;
    const sequence = this.stream.messages.sequence[at];
    while (this.row < rows && lastSequence[this.row] === sequence) {
      this.compare(books, ops.instrument[at], this.row++);
    }
  }

  private compare(books: Books, instrument: number, row: number): void {
    const { bids, asks } = this;
    books.topLevels(instrument, Side.Buy, bids);
    books.topLevels(instrument, Side.Sell, asks);
    this.compared++;
    for (let level = 0; level < DEPTH; level++) {
      const at = row * NUMBERS + level * 4;
      if (this.same(asks, level, at, NO_ASK) && this.same(bids, level, at + 2, NO_BID)) continue;
      this.different++;
      this.firstDifference ||= `row ${row}, level ${level}`;
      return;
    }
  }

  private same(levels: Levels, level: number, at: number, none: number): boolean {
    const { numbers } = this.expected;
    const there = level < levels.count;
    const price = there ? levels.price[level] : none;
    const size = there ? levels.size[level] : 0;
    return price === numbers[at] && size === numbers[at + 1];
  }
}
