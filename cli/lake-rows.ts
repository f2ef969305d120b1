/**
 * Rows of one stream on their way into one table of a lake: left out if the table has them, cut where
 * the exchange's day changes, gathered into Parquet files with what is known of their contents.
 */
import { flagText } from "../book/flag-text.ts";
import { ParquetRows } from "../book/rows/parquet.ts";
import {
  type NumberColumn,
  type RowBatch,
  type RowSink,
  rowsOf,
  type TimeColumn,
} from "../book/rows/row-batch.ts";
import { RowFlag } from "../feed/message-batch.ts";
import { openZstd } from "../frames/zstd.ts";
import type { FileStats } from "../lake/delta/actions.ts";
import { isBefore, type LakeFile, type RowPlace } from "../lake/lake-table.ts";

/** Why rows may not be all there is: see `PartitionProof.doubt`. */
const DOUBTFUL = RowFlag.Gap | RowFlag.JoinedLate | RowFlag.Snapshot;
/** Small groups: one stands open for each stream and table. */
const GROUP_ROWS = 16_384;

/** A third of Snappy's time, and smaller; every reader of Delta has it. */
const ZSTD = {
  codec: "ZSTD",
  compress: (bytes: Uint8Array) => openZstd().compress(bytes),
} as const;

export interface LakeRowsOptions {
  readonly stream: number;
  /** The exchange's day of a moment, `2023-10-02`. */
  readonly dayOf: (sec: number) => string;
  /** The last row of a day that the table has; rows up to it, and up to those written since, are left out. */
  readonly lastPlace: (date: string) => RowPlace | undefined;
}

export class LakeRows implements RowSink {
  /** Rows that the table had. */
  repeated = 0;
  /** Rows since the last `take`. */
  rows = 0;
  private readonly options: LakeRowsOptions;
  private readonly event: TimeColumn;
  private readonly epoch: NumberColumn;
  private readonly sequence: NumberColumn;
  private readonly row: NumberColumn;
  private date = "";
  private done: RowPlace | undefined;
  private open: OpenFile | undefined;
  private finished: LakeFile[] = [];

  /** @param shape the batch that rows come in */
  constructor(shape: RowBatch, options: LakeRowsOptions) {
    this.options = options;
    this.event = shape.time("ts_event");
    this.epoch = shape.number("epoch");
    this.sequence = shape.number("sequence");
    this.row = shape.number("row");
  }

  write(batch: RowBatch): void {
    for (let from = 0; from < batch.count; ) {
      this.enterDay(from);
      let to = from + 1;
      while (to < batch.count && this.dayOf(to) === this.date) to++;
      this.writeOfDay(batch, from, to);
      from = to;
    }
  }

  /** The files so far; what follows goes into new ones. */
  take(): LakeFile[] {
    this.closeFile();
    const files = this.finished;
    this.finished = [];
    this.rows = 0;
    return files;
  }

  /** Rows of one day, without those that the table has. */
  private writeOfDay(batch: RowBatch, from: number, to: number): void {
    let first = from;
    while (first < to && this.done !== undefined && !isBefore(this.done, this.placeOf(first)))
      first++;
    this.repeated += first - from;
    if (first === to) return;
    this.open ??= new OpenFile(batch);
    this.done = this.placeOf(to - 1);
    this.open.add(rowsOf(batch, first, to), this.placeOf(first), this.done);
    this.rows += to - first;
  }

  private enterDay(at: number): void {
    const date = this.dayOf(at);
    if (date === this.date) return;
    this.closeFile();
    this.date = date;
    this.done = this.options.lastPlace(date);
  }

  /** A row without a time of its own is of the day that the stream is in. */
  private dayOf(at: number): string {
    const sec = this.event.sec[at];
    return Number.isNaN(sec) && this.date !== "" ? this.date : this.options.dayOf(sec);
  }

  private placeOf(at: number): RowPlace {
    const [epoch, sequence] = [this.epoch.value[at], this.sequence.value[at]];
    return { epoch, sequence, row: this.row.value[at] };
  }

  private closeFile(): void {
    if (this.open === undefined) return;
    const partition = { date: this.date, stream: this.options.stream };
    this.finished.push({ partition, ...this.open.finish() });
    this.open = undefined;
  }
}

/** By the rows' own flags; of gaps, by how they ended. */
function doubtIn(batch: RowBatch): number {
  let doubt = 0;
  for (const column of batch.columns) {
    if (column.kind === "flags") {
      for (let at = 0; at < batch.count; at++) doubt |= column.value[at];
    } else if (column.kind === "text") {
      const values = column.value.slice(0, batch.count);
      if (column.name === "state" && values.includes("lost")) doubt |= RowFlag.Gap;
      if (column.name === "repaired_by" && values.includes("snapshot")) doubt |= RowFlag.Snapshot;
    }
  }
  return doubt;
}

/** A file that is being written, in memory. */
class OpenFile {
  private readonly parts: Uint8Array[] = [];
  private readonly writer: ParquetRows;
  private readonly bounds = new Bounds();
  private rows = 0;
  private first: RowPlace | undefined;
  private last: RowPlace | undefined;

  constructor(shape: RowBatch) {
    const out = { write: (bytes: Uint8Array) => void this.parts.push(bytes.slice()) };
    this.writer = new ParquetRows(out, shape, {
      groupRows: GROUP_ROWS,
      forDelta: true,
      packer: ZSTD,
    });
  }

  add(batch: RowBatch, first: RowPlace, last: RowPlace): void {
    this.writer.write(batch);
    this.rows += batch.count;
    this.first ??= first;
    this.last = last;
    this.bounds.add(batch);
  }

  finish(): Omit<LakeFile, "partition"> {
    this.writer.finish();
    const [first, last] = [this.first as RowPlace, this.last as RowPlace];
    return {
      bytes: Buffer.concat(this.parts),
      first,
      last,
      doubt: flagText(this.bounds.flags & DOUBTFUL),
      stats: { numRecords: this.rows, ...this.bounds.stats() },
    };
  }
}

/** What a file's rows lie between: times, names, and all their flags together. */
class Bounds {
  flags = 0;
  private nulls = 0;
  private minSec = Number.POSITIVE_INFINITY;
  private minNsec = 0;
  private maxSec = Number.NEGATIVE_INFINITY;
  private maxNsec = 0;
  /** By a name's index: 1 where it was seen. */
  private seen = new Uint8Array(1024);
  private least: string | undefined;
  private greatest: string | undefined;

  add(batch: RowBatch): void {
    this.addTimes(batch.time("ts_event"), batch.count);
    this.addNames(batch);
    this.flags |= doubtIn(batch);
  }

  stats(): Omit<FileStats, "numRecords"> {
    const { least, greatest } = this;
    // A double may be off by some nanoseconds: bounds are widened by more than that.
    const time = (sec: number, nsec: number, more: bigint) =>
      Number.isFinite(sec)
        ? { ts_event_ns: Number(BigInt(sec) * 1_000_000_000n + BigInt(nsec) + more) }
        : {};
    const name = (text: string | undefined) => (text === undefined ? {} : { token: text });
    return {
      minValues: { ...time(this.minSec, this.minNsec, -512n), ...name(least) },
      maxValues: { ...time(this.maxSec, this.maxNsec, 512n), ...name(greatest) },
      nullCount: { ts_event_ns: this.nulls },
    };
  }

  private addTimes({ sec, nsec }: TimeColumn, count: number): void {
    for (let at = 0; at < count; at++) {
      const seconds = sec[at];
      if (Number.isNaN(seconds)) this.nulls++;
      if (seconds < this.minSec || (seconds === this.minSec && nsec[at] < this.minNsec)) {
        this.minSec = seconds;
        this.minNsec = nsec[at];
      }
      if (seconds > this.maxSec || (seconds === this.maxSec && nsec[at] > this.maxNsec)) {
        this.maxSec = seconds;
        this.maxNsec = nsec[at];
      }
    }
  }

  private addNames(batch: RowBatch): void {
    const { names } = batch.names;
    if (this.seen.length < names.length) {
      const wider = new Uint8Array(names.length * 2);
      wider.set(this.seen);
      this.seen = wider;
    }
    const { seen } = this;
    const tokens = batch.name("token").value;
    for (let at = 0; at < batch.count; at++) {
      const token = tokens[at];
      if (token < 0 || seen[token] === 1) continue;
      seen[token] = 1;
      const name = names[token];
      if (this.least === undefined || name < this.least) this.least = name;
      if (this.greatest === undefined || name > this.greatest) this.greatest = name;
    }
  }
}
