/**
 * From a feed's layout table to the steps that take its messages apart: which bytes are told from
 * which context, and in which column the difference goes. Made once for a feed. Every byte of a
 * message belongs to exactly one step, but for its type, which is a column of its own.
 */
import { fieldWidth } from "../../feed/codec-fields.ts";
import type { FeedTable, FieldLayout, MessageLayout } from "../../feed/layout.ts";
import {
  type HeaderField,
  type OrderEffect,
  PACKET_SHAPES,
  type PacketShape,
} from "./packet-shapes.ts";

/** What a step does; in a message they run in this order, so that each finds its context. */
export const Op = {
  /** Difference to the same bytes of the last message of this type. */
  Same: 0,
  /** The same, where differences mean nothing: 0 if equal, else the value. */
  Code: 1,
  Sequence: 2,
  Time: 3,
  Order: 4,
  Instrument: 5,
  /** The instrument's other name. */
  Name: 6,
  Side: 7,
  Price: 8,
  Quantity: 9,
  /** A running number, such as a trade's. */
  Serial: 10,
} as const;

export const Effect = { Set: 0, Trade: 1, Reduce: 2, Remove: 3, Replace: 4 } as const;
const EFFECTS: Readonly<Record<OrderEffect, number>> = {
  trade: Effect.Trade,
  reduce: Effect.Reduce,
  remove: Effect.Remove,
  replace: Effect.Replace,
};

export interface Step {
  readonly op: number;
  readonly at: number;
  /** Bytes, 1 to 8. */
  readonly width: number;
  /** First of the step's columns. */
  readonly column: number;
  /** Place in the memory of last values (`Same`, `Code`) or in that of each instrument. */
  readonly slot: number;
  /** `Order`: the first or the second order of the message. */
  readonly which: number;
}

export interface LayoutPlan {
  readonly length: number;
  readonly type: number;
  readonly effect: number;
  readonly hasSide: boolean;
  /** What is mostly as in the last message of the type: a column says whether all of it is. */
  readonly plain: readonly Step[];
  readonly plainColumn: number;
  /** The other steps, in their order. */
  readonly steps: readonly Step[];
}

export interface HeaderStep extends HeaderField {
  readonly column: number;
}

export interface FeedPlan {
  readonly shape: PacketShape;
  readonly littleEndian: boolean;
  readonly typeOffset: number;
  readonly layouts: readonly LayoutPlan[];
  /** Index in `layouts` by the type's byte; -1: unknown. */
  readonly layoutOf: Int16Array;
  /** The header's `same` fields, with a column that says whether all of them are; the others. */
  readonly sameHeader: readonly Step[];
  readonly sameHeaderColumn: number;
  readonly header: readonly HeaderStep[];
  readonly columns: number;
  /** First of the columns of types: one for each type that went before, and one for none. */
  readonly typeColumn: number;
  /** Places of last values, and for each instrument. */
  readonly slots: number;
  readonly instrumentSlots: number;
}

/** Columns that every feed has; those of its plan come after. */
export const Column = {
  FrameLength: 0,
  FrameChannel: 1,
  /** 0: the frame travels raw; else its messages and one more. */
  FrameMessages: 2,
  CaptureTimed: 3,
  CaptureUntimed: 4,
  /** Words of numbers that pass their column. */
  Wide: 5,
  /** The words of each instrument's name when it first comes: eight bytes, or two words. */
  Names: 6,
  First: 14,
} as const;

/** Columns that a step of each kind has. */
const COLUMNS_OF_OP = [1, 1, 1, 3, 2, 2, 1, 2, 3, 2, 1];
/** A message has one of each: another field of the same meaning is told from itself. */
const ONCE: ReadonlySet<number> = new Set([Op.Time, Op.Instrument, Op.Name, Op.Side, Op.Sequence]);
/** In a table with orders, all prices of a side share a place, and all quantities. */
const SHARED_PRICE_SLOT = 0;
const SHARED_QUANTITY_SLOT = 2;

const isPlain = (step: Step) => step.op === Op.Same || step.op === Op.Code;

const planOfTable = new WeakMap<FeedTable, FeedPlan>();

/** The feed's plan; undefined if it has no shape, so that its frames travel raw. */
export function planOf(table: FeedTable): FeedPlan | undefined {
  const shape = PACKET_SHAPES[table.feed];
  if (shape === undefined) return undefined;
  let plan = planOfTable.get(table);
  if (plan === undefined) {
    plan = new PlanMaker(table, shape).plan();
    planOfTable.set(table, plan);
  }
  return plan;
}

class PlanMaker {
  private readonly table: FeedTable;
  private readonly shape: PacketShape;
  private readonly hasOrders: boolean;
  private columns: number = Column.First;
  private slots = 0;
  private instrumentSlots: number;

  constructor(table: FeedTable, shape: PacketShape) {
    this.table = table;
    this.shape = shape;
    this.hasOrders = table.messages.some((message) =>
      message.fields.some((field) => field.meaning === "order_id"),
    );
    this.instrumentSlots = this.hasOrders ? 4 : 0;
  }

  plan(): FeedPlan {
    const { table, shape } = this;
    const sameHeader = shape.header
      .filter((field) => field.role === "same")
      .map(({ offset, width }) => this.plainStep(Op.Same, offset, width));
    const sameHeaderColumn = this.columns++;
    const header = shape.header
      .filter((field) => field.role !== "same")
      .map((field) => ({ ...field, column: this.columns++ }));
    const layouts = table.messages.map((message) => this.layout(message));
    const layoutOf = new Int16Array(256).fill(-1);
    for (const [index, layout] of layouts.entries()) layoutOf[layout.type] = index;
    const typeColumn = this.columns;
    return {
      shape,
      littleEndian: table.littleEndian,
      typeOffset: table.typeOffset,
      layouts,
      layoutOf,
      sameHeader,
      sameHeaderColumn,
      header,
      columns: typeColumn + layouts.length + 1,
      typeColumn,
      slots: this.slots,
      instrumentSlots: this.instrumentSlots,
    };
  }

  private layout(message: MessageLayout): LayoutPlan {
    const steps: Step[] = [];
    const free = new Uint8Array(message.length).fill(1);
    free[this.table.typeOffset] = 0;
    let orders = 0;
    const fields = message.fields.filter((field) => field.offset !== this.table.typeOffset);
    const hasNumber = fields.some((field) => field.meaning === "instrument");
    const hasTime = fields.some((field) => field.meaning === "time");
    for (const field of fields) {
      let op = this.opOf(field, hasNumber, hasTime);
      if (ONCE.has(op) && steps.some((step) => step.op === op)) op = Op.Same;
      const width = fieldWidth(field);
      if (op === Op.Order && orders === 2) continue;
      if (op !== Op.Same && op !== Op.Code) {
        const low = op === Op.Price || op === Op.Quantity ? Math.min(width, 4) : width;
        const at = field.offset + (this.table.littleEndian ? 0 : width - low);
        const which = op === Op.Order ? orders++ : 0;
        steps.push(this.step(op, at, low, field, which, message.fields));
        free.fill(0, at, at + low);
      }
    }
    for (const field of fields) this.addPlain(steps, field, free);
    for (let at = 0; at < free.length; at++) {
      if (free[at] === 1) steps.push(this.plain(Op.Same, at, 1, free));
    }
    steps.sort((a, b) => a.op - b.op || a.at - b.at);
    return {
      length: message.length,
      type: message.type.charCodeAt(0) & 0xff,
      effect: EFFECTS[this.shape.effects[message.name]] ?? Effect.Set,
      hasSide: steps.some((step) => step.op === Op.Side),
      plain: steps.filter(isPlain),
      plainColumn: this.columns++,
      steps: steps.filter((step) => !isPlain(step)),
    };
  }

  /** The field's bytes that no other step has, in words. */
  private addPlain(steps: Step[], field: FieldLayout, free: Uint8Array): void {
    const isCode = field.meaning === "code" || field.meaning === "flags";
    const end = field.offset + fieldWidth(field);
    for (let at = field.offset; at < end; ) {
      let width = 0;
      while (width < 4 && at + width < end && free[at + width] === 1) width++;
      if (width === 3) width = 2;
      if (width > 0) steps.push(this.plain(isCode ? Op.Code : Op.Same, at, width, free));
      at += Math.max(width, 1);
    }
  }

  private plain(op: number, at: number, width: number, free: Uint8Array): Step {
    free.fill(0, at, at + width);
    return this.plainStep(op, at, width);
  }

  private plainStep(op: number, at: number, width: number): Step {
    const column = this.columns++;
    return { op, at, width, column, slot: this.slots++, which: 0 };
  }

  private step(
    op: number,
    at: number,
    width: number,
    field: FieldLayout,
    which: number,
    fields: readonly FieldLayout[],
  ): Step {
    const column = this.columns;
    this.columns += COLUMNS_OF_OP[op];
    let slot = 0;
    if (op === Op.Price || op === Op.Quantity) {
      const isFirst = fields.find((other) => other.meaning === field.meaning) === field;
      if (this.hasOrders && isFirst) {
        slot = op === Op.Price ? SHARED_PRICE_SLOT : SHARED_QUANTITY_SLOT;
      } else {
        slot = this.instrumentSlots;
        this.instrumentSlots += 2;
      }
    }
    return { op, at, width, column, slot, which };
  }

  private opOf(field: FieldLayout, hasNumber: boolean, hasTime: boolean): number {
    const width = fieldWidth(field);
    switch (field.meaning) {
      case "time":
        return width === 6 || width === 8 ? Op.Time : Op.Same;
      case "order_id":
        return width === 8 ? Op.Order : Op.Same;
      case "instrument":
        return width <= 4 ? Op.Instrument : Op.Same;
      case "symbol":
        if (width !== 8) return Op.Same;
        return hasNumber ? Op.Name : Op.Instrument;
      case "side":
        return width === 1 ? Op.Side : Op.Same;
      case "price":
        return width >= 4 ? Op.Price : Op.Same;
      case "quantity":
        return width >= 4 ? Op.Quantity : Op.Same;
      case "trade_id":
        return width === 8 ? Op.Serial : Op.Same;
      case "code":
      case "flags":
        return Op.Code;
      default:
        return field.name === this.shape.sequenceName && hasTime ? Op.Sequence : Op.Same;
    }
  }
}
