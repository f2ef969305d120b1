/**
 * Rows of the `definition` and `status` schemas: what a feed says of its instruments and their
 * states, with the fields of its layout table as columns. A feed that does not describe instruments
 * on the wire (NSE) gives one definition for each instrument when it first appears, with what the
 * contract files say of it.
 */
import { layoutAt } from "../../feed/codec.ts";
import type { Feed } from "../../feed/feed.ts";
import type { FeedTable, MessageLayout } from "../../feed/layout.ts";
import { MessageBatch } from "../../feed/message-batch.ts";
import { OpBatch, OpKind } from "../../feed/op-batch.ts";
import type { BookObserver } from "../books.ts";
import { FieldRows, fieldColumns } from "./field-columns.ts";
import type { TextColumn } from "./row-batch.ts";
import { RowHead, type RowStream, type RowTarget } from "./row-head.ts";
import { type ColumnSpec, HEAD_COLUMNS } from "./schema.ts";

export type ReferenceSchema = "definition" | "status";

const TYPE_COLUMN: ColumnSpec = { name: "type", kind: "text" };
const MASTER_COLUMNS: readonly ColumnSpec[] = [
  { name: "symbol", kind: "text" },
  { name: "instrument", kind: "text" },
  { name: "expiry", kind: "text" },
  { name: "strike", kind: "price" },
  { name: "option_type", kind: "text" },
];
const TAKEN = new Set([...HEAD_COLUMNS, TYPE_COLUMN].map((column) => column.name));

/** The columns of the schema for this feed. */
export function referenceColumns(schema: ReferenceSchema, feed: Feed): ColumnSpec[] {
  const layouts = referenceLayouts(schema, feed);
  const fromMasters = schema === "definition" && layouts.length === 0;
  const fields = fromMasters ? MASTER_COLUMNS : fieldColumns(feed.table, layouts, TAKEN);
  return [...HEAD_COLUMNS, TYPE_COLUMN, ...fields];
}

/** The messages that the feed's own decoder takes for definitions, or for a change of state. */
function referenceLayouts(schema: ReferenceSchema, feed: Feed): MessageLayout[] {
  const wanted = schema === "definition" ? OpKind.Definition : OpKind.Status;
  const decoder = feed.decoder({});
  const messages = new MessageBatch(1);
  const ops = new OpBatch(1);
  return feed.table.messages.filter((layout) => {
    messages.bytes = new Uint8Array(layout.length);
    messages.view = new DataView(messages.bytes.buffer);
    messages.bytes[feed.table.typeOffset] = layout.type.charCodeAt(0);
    messages.length[0] = layout.length;
    messages.count = 1;
    decoder.decode(messages, 0, ops);
    return ops.kind[0] === wanted;
  });
}

export class ReferenceRows implements BookObserver {
  private readonly target: RowTarget;
  private readonly stream: RowStream;
  private readonly head: RowHead;
  private readonly table: FeedTable;
  private readonly wanted: number;
  private readonly type: TextColumn;
  private readonly fields: FieldRows;
  private readonly fromMasters: boolean;
  /** Instruments that have had their definition. */
  private described = 0;

  constructor(target: RowTarget, stream: RowStream, schema: ReferenceSchema) {
    const layouts = referenceLayouts(schema, stream.feed);
    this.target = target;
    this.stream = stream;
    this.head = new RowHead(target, stream);
    this.table = stream.feed.table;
    this.wanted = schema === "definition" ? OpKind.Definition : OpKind.Status;
    this.type = target.batch.text("type");
    this.fields = new FieldRows(this.table, layouts, target.batch, TAKEN);
    this.fromMasters = schema === "definition" && layouts.length === 0;
  }

  after(ops: OpBatch, at: number): void {
    if (this.fromMasters) {
      const { count } = this.stream.instruments;
      while (this.described < count) this.describe(ops, at, this.described++);
    } else if (ops.kind[at] === this.wanted) this.row(ops, at);
  }

  private row(ops: OpBatch, at: number): void {
    const instrument = ops.instrument[at];
    if (!this.head.wants(instrument)) return;
    const row = this.open(ops, at, instrument);
    const { view, offset, length } = this.head.messages;
    const layout = layoutAt(this.table, view, offset[at], length[at]);
    if (!layout) return;
    this.type.value[row] = layout.type;
    this.fields.fill(row, layout, view, offset[at], length[at]);
  }

  private describe(ops: OpBatch, at: number, instrument: number): void {
    if (!this.head.wants(instrument)) return;
    const row = this.open(ops, at, instrument);
    const master = this.stream.instruments.masters[instrument];
    if (!master) return;
    const { batch } = this.target;
    batch.text("symbol").value[row] = master.symbol;
    batch.text("instrument").value[row] = master.instrument ?? "";
    batch.text("expiry").value[row] = master.expiry ?? "";
    batch.number("strike").value[row] = master.strike ?? Number.NaN;
    batch.text("option_type").value[row] = master.optionType ?? "";
  }

  private open(ops: OpBatch, at: number, instrument: number): number {
    const row = this.head.open(ops, at, instrument, false);
    this.target.batch.clearRow(row, HEAD_COLUMNS.length);
    return row;
  }
}
