/**
 * What `ingest FILE…` does with what is read: books by the one pipeline, and of each stream the rows
 * of every table of the lake. Commits when enough rows have gathered and at the end; with `replace`
 * only at the end, days and streams that were seen going out in the same commit.
 */
import { hugePages } from "../book/huge-pages.ts";
import type { PipelineStream } from "../book/pipeline.ts";
import { NameTable } from "../book/rows/name-table.ts";
import { Both } from "../book/rows/observers.ts";
import { RowBatch } from "../book/rows/row-batch.ts";
import { flushRows, type RowStream, type RowTarget } from "../book/rows/row-head.ts";
import { rowsFor } from "../book/rows/rows-for.ts";
import { LAKE_TABLES, lakeColumns } from "../book/rows/schema.ts";
import type { Feed } from "../feed/feed.ts";
import type { InstrumentMaster } from "../feed/instruments.ts";
import { RowFlag } from "../feed/message-batch.ts";
import type { Add } from "../lake/delta/actions.ts";
import type { LakeTable, Partition } from "../lake/lake-table.ts";
import type { SequencerOptions } from "../streams/options.ts";
import { CliError } from "./errors.ts";
import { gapRows } from "./lake-gaps.ts";
import { LakeRows } from "./lake-rows.ts";
import { dayOf, openTable, ROW_TABLES, type TableName } from "./lake-tables.ts";
import type { Consumer, Opened } from "./offline.ts";
import { OfflineBooks } from "./offline-books.ts";

const BATCH_ROWS = 4096;
const TABLES: readonly TableName[] = [...ROW_TABLES, "gaps"];

export interface IngestChoice {
  readonly lake: string;
  /** Rows of all tables together that make a commit. */
  readonly rowsPerCommit: number;
  /** What the lake has of the days and streams that are read goes out. */
  readonly replace: boolean;
  readonly sequencer: Partial<SequencerOptions>;
  readonly spec?: string;
  readonly mastersFor: (feed: Feed) => Promise<ReadonlyMap<string, InstrumentMaster> | undefined>;
}

export interface IngestCounts {
  rows: number;
  /** Rows that the lake had. */
  repeated: number;
  files: number;
  bytes: number;
  commits: number;
}

interface StreamRows {
  readonly table: TableName;
  /** Absent: nobody fills it while messages come. */
  readonly target?: RowTarget;
  readonly rows: LakeRows;
}

export class Ingesting extends OfflineBooks implements Consumer {
  readonly usesDay = true;
  readonly counts: IngestCounts = { rows: 0, repeated: 0, files: 0, bytes: 0, commits: 0 };
  private readonly choice: IngestChoice;
  private readonly tables = new Map<TableName, LakeTable>();
  private readonly streams: StreamRows[] = [];
  private readonly waiting = new Map<TableName, Add[]>();
  private readonly seen = new Map<string, Partition>();
  private readonly names = new NameTable();
  private opened: Opened | undefined;

  constructor(choice: IngestChoice) {
    super();
    this.choice = choice;
  }

  async open(opened: Opened): Promise<void> {
    const { feed } = opened;
    const { choice } = this;
    if (feed.books !== "orders") {
      throw new CliError(
        "schema_not_offered",
        `The feed ${feed.id} has no orders: a lake holds events order by order.`,
        "Write its rows with 'edgebook rebuild --format parquet'.",
      );
    }
    this.opened = opened;
    for (const table of TABLES)
      this.tables.set(table, await openTable(choice.lake, table, feed.table.priceDecimals));
    const masters = await choice.mastersFor(feed);
    this.openBooks(opened, {
      effects: true,
      memory: hugePages(),
      sequencer: choice.sequencer,
      observerFor: (stream) => this.observerOf(stream),
      ...(masters && { masters }),
      ...(choice.spec !== undefined && { spec: choice.spec }),
    });
  }

  flush(): void {
    for (const { target } of this.streams) if (target) flushRows(target);
  }

  /** Commits if enough has gathered. */
  async settle(): Promise<void> {
    let gathered = 0;
    for (const { rows, target } of this.streams) gathered += rows.rows + (target?.batch.count ?? 0);
    if (gathered < this.choice.rowsPerCommit) return;
    this.flush();
    await this.commit(false);
  }

  /** Commits what is left, with what is known of its completeness. */
  async end(): Promise<void> {
    this.gatherGaps();
    await this.commit(true);
    for (const { rows } of this.streams) this.counts.repeated += rows.repeated;
  }

  private async commit(isLast: boolean): Promise<void> {
    for (const each of this.streams) {
      const table = this.tables.get(each.table) as LakeTable;
      for (const file of each.rows.take()) {
        const { partition, stats, bytes } = file;
        this.seen.set(`${partition.date}/${partition.stream}`, partition);
        this.counts.rows += stats.numRecords;
        this.counts.bytes += bytes.length;
        this.counts.files++;
        const adds = this.waiting.get(each.table) ?? [];
        adds.push(await table.put(file, this.doubtOf(partition.stream)));
        this.waiting.set(each.table, adds);
      }
    }
    // A day is replaced as a whole, or not at all.
    if (this.choice.replace && !isLast) return;
    const replaced = this.choice.replace ? [...this.seen.values()] : [];
    for (const name of TABLES) {
      const adds = this.waiting.get(name) ?? [];
      const table = this.tables.get(name) as LakeTable;
      // A day that is built again may have nothing in a table any more: no gap, say.
      if (adds.length === 0 && !table.hasAny(replaced)) continue;
      await table.commit(adds, { completeness: this.completeness() }, replaced);
      this.counts.commits++;
    }
    this.waiting.clear();
  }

  /** Why a stream's rows may not be all there is, whatever a snapshot has healed since. */
  private doubtOf(id: number): string {
    const stream = this.pipeline.sequencer.streams.find((each) => each.id === id);
    if (stream === undefined) return "";
    const { lostNumbers, coveredNumbers, flags } = stream;
    return [
      lostNumbers > 0 ? "G" : "",
      flags & RowFlag.JoinedLate ? "J" : "",
      coveredNumbers > 0 ? "S" : "",
    ].join("");
  }

  /** What is known of each stream: what was delivered, what is missing. */
  private completeness(): object[] {
    return this.pipeline.sequencer.streams
      .filter(({ begun }) => begun)
      .map(({ id, epoch, first, position, lostNumbers, flags }) => ({
        stream: id,
        epoch,
        first,
        last: position,
        lost: lostNumbers,
        whole: flags === 0 && lostNumbers === 0,
      }));
  }

  /** Gaps are known for good only at the end. */
  private gatherGaps(): void {
    const { sequencer } = this.pipeline;
    for (const { id } of sequencer.streams) {
      const batch = gapRows(sequencer, id, this.names);
      const rows = this.rowsInto("gaps", batch, id);
      rows.write(batch);
      this.streams.push({ table: "gaps", rows });
    }
  }

  private rowsInto(table: TableName, shape: RowBatch, stream: number): LakeRows {
    const { feed } = this.opened as Opened;
    const lakeTable = this.tables.get(table) as LakeTable;
    const lastPlace = (date: string) =>
      this.choice.replace ? undefined : lakeTable.lastPlace({ date, stream });
    return new LakeRows(shape, { stream, dayOf: dayOf(feed.id), lastPlace });
  }

  private observerOf(source: PipelineStream) {
    const { feed, captured, midnightSec } = this.opened as Opened;
    const { instruments } = source.decoder;
    const stream: RowStream = { feed, id: source.id, instruments, source };
    const observers = ROW_TABLES.map((table) => {
      const { priceDecimals } = feed.table;
      const batch = new RowBatch(lakeColumns(table), this.names, priceDecimals, BATCH_ROWS);
      const rows = this.rowsInto(table, batch, source.id);
      const target: RowTarget = { batch, sink: rows, captured, midnightSec };
      this.streams.push({ table, target, rows });
      // A quote that a trade can be joined with is one outside of an aggression.
      return rowsFor(LAKE_TABLES[table], target, stream, table === "bbo");
    });
    return observers.reduce((first, second) => new Both(first, second));
  }
}
