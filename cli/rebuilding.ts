/**
 * What `rebuild` does with what is read: books by the one pipeline, rows of one schema, the digest
 * of best prices, and the account of it all.
 */
import type { BookObserver } from "../book/books.ts";
import { hugePages } from "../book/huge-pages.ts";
import type { PipelineStream } from "../book/pipeline.ts";
import { BboDigest, foldDigests } from "../book/rows/bbo-digest.ts";
import { NameTable } from "../book/rows/name-table.ts";
import { Both, type TimeSpan, WithinSpan } from "../book/rows/observers.ts";
import { RowBatch, type RowSink } from "../book/rows/row-batch.ts";
import { flushRows, type RowStream, type RowTarget } from "../book/rows/row-head.ts";
import { columnsFor, isOffered, needsEffects, rowsFor } from "../book/rows/rows-for.ts";
import { SCHEMAS, type Schema } from "../book/rows/schema.ts";
import type { Feed } from "../feed/feed.ts";
import type { InstrumentMaster } from "../feed/instruments.ts";
import type { SequencerOptions } from "../streams/options.ts";
import { CliError } from "./errors.ts";
import type { Consumer, Opened } from "./offline.ts";
import { OfflineBooks } from "./offline-books.ts";

const BATCH_ROWS = 1024;

export interface RebuildChoice {
  /** Absent: orders where the feed has them, else levels. */
  readonly schema?: Schema | "none";
  readonly settled: boolean;
  readonly digest: boolean;
  readonly tokens?: ReadonlySet<string>;
  readonly span?: TimeSpan;
  readonly sequencer: Partial<SequencerOptions>;
  readonly spec?: string;
  readonly mastersFor: (feed: Feed) => Promise<ReadonlyMap<string, InstrumentMaster> | undefined>;
  /** Where rows go, once their shape is known. */
  readonly rowsTo: (shape: RowBatch) => RowSink;
}

export class Rebuilding extends OfflineBooks implements Consumer {
  readonly usesDay: boolean;
  readonly digests: { readonly id: number; readonly digest: BboDigest }[] = [];
  private readonly choice: RebuildChoice;
  private opened: Opened | undefined;
  private target: RowTarget | undefined;
  private schema: Schema | "none" = "none";

  constructor(choice: RebuildChoice) {
    super();
    this.choice = choice;
    this.usesDay = choice.schema !== "none";
  }

  get digestText(): string {
    return foldDigests(this.digests.map(({ id, digest }) => ({ id, value: digest.value })));
  }

  get digestChanges(): number {
    return this.digests.reduce((total, { digest }) => total + digest.changes, 0);
  }

  async open(opened: Opened): Promise<void> {
    const { choice } = this;
    const { feed } = opened;
    this.opened = opened;
    this.schema = schemaOf(choice.schema, feed);
    if (this.schema !== "none") this.target = this.newTarget(this.schema, opened);
    const masters = await choice.mastersFor(feed);
    this.openBooks(opened, {
      effects: this.schema !== "none" && needsEffects(this.schema),
      memory: hugePages(),
      sequencer: choice.sequencer,
      observerFor: (stream) => this.observerFor(stream),
      ...(masters && { masters }),
      ...(choice.spec !== undefined && { spec: choice.spec }),
    });
  }

  /** Hands the rows made so far to their sink, for a reader who waits for them. */
  flush(): void {
    if (this.target) flushRows(this.target);
  }

  private newTarget(schema: Schema, { feed, captured, midnightSec }: Opened): RowTarget {
    const { tokens, rowsTo } = this.choice;
    const { priceDecimals } = feed.table;
    const columns = columnsFor(schema, feed);
    const batch = new RowBatch(columns, new NameTable(), priceDecimals, BATCH_ROWS);
    return { batch, sink: rowsTo(batch), captured, midnightSec, ...(tokens && { tokens }) };
  }

  private observerFor(source: PipelineStream): BookObserver | null {
    const rows = this.rowsOf(source);
    if (!this.choice.digest || !source.books) return rows;
    const digest = new BboDigest(source.decoder.instruments);
    this.digests.push({ id: source.id, digest });
    return rows ? new Both(rows, digest) : digest;
  }

  private rowsOf(source: PipelineStream): BookObserver | null {
    const { target, opened, schema, choice } = this;
    if (!target || !opened || schema === "none") return null;
    const { feed, midnightSec } = opened;
    const { instruments } = source.decoder;
    const stream: RowStream = { feed, id: source.id, instruments, source };
    const rows = rowsFor(schema, target, stream, choice.settled);
    return choice.span ? new WithinSpan(rows, stream, choice.span, midnightSec) : rows;
  }
}

function schemaOf(asked: Schema | "none" | undefined, feed: Feed): Schema | "none" {
  if (asked === undefined) {
    return feed.books === "orders" ? "mbo" : feed.books === "levels" ? "mbp-10" : "none";
  }
  if (asked === "none" || isOffered(asked, feed)) return asked;
  const offered = SCHEMAS.filter((schema) => isOffered(schema, feed));
  const what =
    feed.books === "levels" ? "price levels, not orders" : "no messages that it explains";
  throw new CliError(
    "schema_not_offered",
    `The feed ${feed.id} has no '${asked}': it publishes ${what}.`,
    `Choose --schema ${[...offered, "none"].join(", ")}.`,
  );
}
