/**
 * Rows of everything that happens to the books, for whoever is outside: order events, trades and
 * settled quotes, and gaps, as Protobuf batches of one stream and table each.
 *
 * Rows wait in their batch until it is full or `flush` is called.
 */
import type { Feed } from "../../feed/feed.ts";
import type { GapRow } from "../../streams/ledger.ts";
import type { Sequencer } from "../../streams/sequencer.ts";
import type { BookObserver } from "../books.ts";
import type { PipelineStream } from "../pipeline.ts";
import { gapBatch } from "../rows/gap-rows.ts";
import { NameTable } from "../rows/name-table.ts";
import { Both } from "../rows/observers.ts";
import { ProtobufRows } from "../rows/protobuf-rows.ts";
import { BATCH_ROWS_MOST } from "../rows/protobuf-schema.ts";
import { RowBatch } from "../rows/row-batch.ts";
import { flushRows, type RowStream, type RowTarget } from "../rows/row-head.ts";
import { isOffered, rowsFor } from "../rows/rows-for.ts";
import { LAKE_TABLES, type LakeTable, lakeColumns, type SentTable } from "../rows/schema.ts";
import { GapsClosed } from "./gap-watch.ts";

/** Rows of one stream; `bytes` are the receiver's. */
export interface EventBatch {
  readonly table: SentTable;
  readonly feed: string;
  readonly stream: number;
  readonly bytes: Uint8Array;
  readonly rows: number;
}

/** Half of the most: a stream's open batches of all tables are about 700 KiB. */
const BATCH_ROWS = BATCH_ROWS_MOST / 2;
const TABLES = Object.keys(LAKE_TABLES) as LakeTable[];

export class EventRows {
  /** Rows handed on. */
  rows = 0;
  private readonly take: (batch: EventBatch) => void;
  private readonly targets: RowTarget[] = [];
  private readonly names = new Map<string, NameTable>();
  private readonly gaps: { readonly feed: Feed; readonly closed: GapsClosed }[] = [];

  constructor(take: (batch: EventBatch) => void) {
    this.take = take;
  }

  /**
   * @param midnightSec midnight at the exchange by now, seconds since 1970 UTC
   * @returns null for a feed that has no such rows
   */
  observe(feed: Feed, source: PipelineStream, midnightSec: () => number): BookObserver | null {
    const stream: RowStream = {
      feed,
      id: source.id,
      instruments: source.decoder.instruments,
      source,
    };
    const names = this.names.get(feed.id) ?? new NameTable();
    this.names.set(feed.id, names);
    let observer: BookObserver | null = null;
    for (const table of TABLES) {
      if (!isOffered(LAKE_TABLES[table], feed)) continue;
      const target = this.target(table, feed, source.id, names, midnightSec);
      const rows = rowsFor(LAKE_TABLES[table], target, stream, table === "bbo");
      observer = observer === null ? rows : new Both(observer, rows);
    }
    return observer;
  }

  /** The gaps of a feed's streams are told too. */
  follow(feed: Feed, sequencer: Sequencer): void {
    this.gaps.push({ feed, closed: new GapsClosed(sequencer) });
  }

  /** Hands on what waits, so that all up to this point of the input is on its way. */
  flush(): void {
    // First: nobody shall have rows behind a gap, and not the gap.
    for (const { feed, closed } of this.gaps) {
      for (const { stream, gaps } of closed.news()) this.sendGaps(feed, stream, gaps);
    }
    for (const target of this.targets) flushRows(target);
  }

  private sendGaps(feed: Feed, stream: number, gaps: readonly GapRow[]): void {
    const names = new NameTable();
    const sink = new ProtobufRows(feed.id, 0, (bytes, rows) => {
      this.rows += rows;
      this.take({ table: "gaps", feed: feed.id, stream, bytes, rows });
    });
    for (let at = 0; at < gaps.length; at += BATCH_ROWS) {
      sink.write(gapBatch(gaps.slice(at, at + BATCH_ROWS), names));
    }
  }

  private target(
    table: LakeTable,
    { id: feed, table: { priceDecimals } }: Feed,
    stream: number,
    names: NameTable,
    midnightSec: () => number,
  ): RowTarget {
    const sink = new ProtobufRows(feed, priceDecimals, (bytes, rows) => {
      this.rows += rows;
      this.take({ table, feed, stream, bytes, rows });
    });
    const target: RowTarget = {
      batch: new RowBatch(lakeColumns(table), names, priceDecimals, BATCH_ROWS),
      sink,
      captured: true,
      // A service outlives the day that it began on.
      get midnightSec() {
        return midnightSec();
      },
    };
    this.targets.push(target);
    return target;
  }
}
