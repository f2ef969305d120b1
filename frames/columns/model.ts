/**
 * What the next value of a message is told from: the order that it names, the instrument's last
 * price and size, the message before. One model for both directions, over a `Port`; whatever it
 * remembers, it remembers from values that both sides have. It lives for one chunk.
 *
 * Nothing here can make a chunk wrong: a poor guess is a larger difference.
 */
import { OrderMemory } from "./order-memory.ts";
import { Effect, type FeedPlan, type LayoutPlan, Op, type Step } from "./plan.ts";
import { OrderSymbol, type Port } from "./port.ts";
import { WordsTable } from "./words-table.ts";

const CHANNELS = 1024;
const SIDE_BUY = 0x42;
const TWO_32 = 4_294_967_296;

export class Model {
  /** Exchange time of the last message or header that had one. */
  timeLo = 0;
  timeHi = 0;
  /** The frame at hand has such a time. */
  isTimed = false;
  private readonly plan: FeedPlan;
  private readonly port: Port;
  private readonly orders = new OrderMemory();
  private readonly instruments = new WordsTable();
  /** The instruments' other names. */
  private nameLo = new Int32Array(256);
  private nameHi = new Int32Array(256);
  /** Last values by instrument and slot. */
  private memory: Int32Array;
  /** Last values by slot. */
  private readonly last: Int32Array;
  private readonly nextLo = new Int32Array(CHANNELS);
  private readonly nextHi = new Int32Array(CHANNELS);
  private readonly positionLo = new Int32Array(CHANNELS);
  private readonly positionHi = new Int32Array(CHANNELS);
  private headerLo = 0;
  private headerHi = 0;
  private hasHeaderTime = false;
  /** The first message of the last packet was nearer to the header than to the message before. */
  private isNearHeader = false;
  private messageLo = 0;
  private messageHi = 0;
  private serialLo = 0;
  private serialHi = 0;
  private topLo = 0;
  private topHi = 0;
  /** The last new id was too far from the highest to be told from it. */
  private isFarOff = true;
  private lastType = 0;
  private lastOrder = -1;
  private lastInstrument = -1;
  // Of the message at hand:
  private order0 = -1;
  private order1 = -1;
  private instrument = -1;
  private isNewInstrument = false;
  private side = 0;
  private price = 0;
  private size = 0;
  private hasPrice = false;
  private hasSize = false;

  constructor(plan: FeedPlan, port: Port) {
    this.plan = plan;
    this.port = port;
    this.last = new Int32Array(plan.slots);
    this.memory = new Int32Array(256 * plan.instrumentSlots);
  }

  clear(): void {
    this.orders.clear();
    this.instruments.clear();
    this.last.fill(0);
    this.nextLo.fill(0);
    this.nextHi.fill(0);
    this.positionLo.fill(0);
    this.positionHi.fill(0);
    this.timeLo = this.timeHi = this.messageLo = this.messageHi = 0;
    this.headerLo = this.headerHi = 0;
    this.serialLo = this.serialHi = this.topLo = this.topHi = 0;
    this.isNearHeader = false;
    this.isFarOff = true;
    this.lastType = 0;
    this.lastOrder = this.lastInstrument = -1;
  }

  /** Begins a frame, whatever it is. */
  begin(): void {
    this.isTimed = false;
    this.hasHeaderTime = false;
  }

  /** The packet's header at `at`, but for its length. */
  header(at: number, channel: number, messages: number): void {
    const { port, plan } = this;
    this.plain(at, plan.sameHeader, plan.sameHeaderColumn);
    const fields = plan.header;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i];
      const where = at + field.offset;
      if (field.role === "count") {
        port.word(field.column, where, field.width, messages);
      } else if (field.role === "sequence") {
        port.wide(field.column, where, 8, this.nextLo[channel], this.nextHi[channel]);
        port.words.add(port.words.lo, port.words.hi, messages, 0);
        this.nextLo[channel] = port.words.lo;
        this.nextHi[channel] = port.words.hi;
      } else if (field.role === "position") {
        const { positionLo, positionHi } = this;
        port.wide(field.column, where, 8, positionLo[channel], positionHi[channel]);
        positionLo[channel] = port.words.lo;
        positionHi[channel] = port.words.hi;
      } else if (field.role === "time") {
        port.wide(field.column, where, 8, this.headerLo, this.headerHi);
        this.timeLo = this.headerLo = port.words.lo;
        this.timeHi = this.headerHi = port.words.hi;
        this.hasHeaderTime = this.isTimed = true;
      }
    }
  }

  /** What the header says of the messages' bytes, once these are known. */
  headerLength(at: number, channel: number, messageBytes: number): void {
    const { port, positionLo, positionHi } = this;
    for (const field of this.plan.header) {
      if (field.role !== "bytes") continue;
      port.word(field.column, at + field.offset, field.width, messageBytes);
    }
    port.words.add(positionLo[channel], positionHi[channel], messageBytes, 0);
    positionLo[channel] = port.words.lo;
    positionHi[channel] = port.words.hi;
  }

  /** Index of the type of the next message. */
  type(known: number): number {
    const index = this.port.symbol(this.plan.typeColumn + this.lastType, known);
    if (index < 0 || index >= this.plan.layouts.length) return -1;
    this.lastType = index + 1;
    return index;
  }

  /** The message at `at`; its type and place are sound. */
  message(at: number, layout: LayoutPlan, isFirst: boolean, channel: number): void {
    const { port } = this;
    this.order0 = this.order1 = -1;
    this.instrument = -1;
    this.isNewInstrument = false;
    this.side = SIDE_BUY;
    this.hasPrice = this.hasSize = false;
    this.plain(at, layout.plain, layout.plainColumn);
    const { steps } = layout;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i];
      const where = at + step.at;
      const { column, width } = step;
      switch (step.op) {
        case Op.Sequence:
          this.nextLo[channel] = (port.word(column, where, width, this.nextLo[channel]) + 1) | 0;
          break;
        case Op.Time:
          this.stepTime(step, where, isFirst);
          break;
        case Op.Order:
          this.stepOrder(step, where);
          break;
        case Op.Instrument:
          this.stepInstrument(step, where);
          break;
        case Op.Name:
          this.stepName(step, where);
          break;
        case Op.Side:
          this.stepSide(step, where);
          break;
        case Op.Price:
          this.stepPrice(step, where, layout);
          break;
        case Op.Quantity:
          this.stepQuantity(step, where, layout);
          break;
        case Op.Serial:
          port.wide(column, where, width, this.serialLo, this.serialHi);
          this.serialLo = port.words.lo;
          this.serialHi = port.words.hi;
          break;
      }
    }
    this.remember(layout);
  }

  /** What is told from the last of its kind. */
  private plain(at: number, steps: readonly Step[], column: number): void {
    const { port, last } = this;
    if (steps.length === 0 || port.unchanged(column, at, steps, last)) return;
    for (const step of steps) {
      const where = at + step.at;
      const expected = last[step.slot];
      last[step.slot] =
        step.op === Op.Same
          ? port.word(step.column, where, step.width, expected)
          : port.code(step.column, where, step.width, expected);
    }
  }

  private stepTime(step: Step, where: number, isFirst: boolean): void {
    const { port, messageLo, messageHi, headerLo, headerHi } = this;
    const { words } = port;
    const byHeader = isFirst && this.hasHeaderTime && this.isNearHeader;
    if (byHeader) port.wide(step.column + 1, where, step.width, headerLo, headerHi);
    else port.wide(step.column + (isFirst ? 0 : 2), where, step.width, messageLo, messageHi);
    if (isFirst && this.hasHeaderTime) {
      const toHeader = Math.abs(distance(words.lo, words.hi, headerLo, headerHi));
      const toMessage = Math.abs(distance(words.lo, words.hi, messageLo, messageHi));
      this.isNearHeader = toHeader < toMessage;
    }
    this.messageLo = words.lo;
    this.messageHi = words.hi;
    this.isTimed = true;
    if (!this.hasHeaderTime) {
      this.timeLo = words.lo;
      this.timeHi = words.hi;
    }
  }

  private stepOrder(step: Step, where: number): void {
    const { port, orders } = this;
    const symbol = port.order(step.column, where, orders.ids, this.lastOrder);
    let index = -1;
    if (symbol === OrderSymbol.New) {
      port.wide(step.column + 1, where, 8, this.topLo, this.topHi);
      index = port.addOrder(orders.ids);
      orders.open(index);
      this.raiseTop(port.words.lo, port.words.hi);
    } else if (symbol !== OrderSymbol.None) {
      index = symbol === OrderSymbol.Last ? this.lastOrder : orders.ids.count - symbol;
    }
    if (step.which === 0) this.order0 = index;
    else this.order1 = index;
    if (index < 0 || this.instrument >= 0) return;
    this.instrument = orders.instrument[index];
    if (orders.side[index] !== 0) this.side = orders.side[index];
  }

  /** New ids count up from the highest; what is far off is another kind, unless it goes on. */
  private raiseTop(lo: number, hi: number): void {
    const ahead = distance(lo, hi, this.topLo, this.topHi);
    const isNear = Math.abs(ahead) < TWO_32 / 2;
    if (isNear ? ahead > 0 : this.isFarOff) {
      this.topLo = lo;
      this.topHi = hi;
    }
    this.isFarOff = !isNear && !this.isFarOff;
  }

  private stepInstrument(step: Step, where: number): void {
    const { instruments } = this;
    const isKnown = this.instrument >= 0;
    const expected = isKnown ? this.instrument : this.lastInstrument;
    const column = step.column + (isKnown ? 0 : 1);
    const before = instruments.count;
    const index = this.port.instrument(column, where, step.width, instruments, expected);
    this.instrument = index;
    if (instruments.count === before) return;
    this.isNewInstrument = true;
    const { instrumentSlots } = this.plan;
    if (index >= this.nameLo.length) this.growInstruments();
    this.nameLo[index] = this.nameHi[index] = 0;
    this.memory.fill(0, index * instrumentSlots, (index + 1) * instrumentSlots);
  }

  private stepName(step: Step, where: number): void {
    const { port, instrument, nameLo, nameHi } = this;
    if (instrument < 0) {
      port.wide(step.column, where, 8, 0, 0);
      return;
    }
    port.wide(step.column, where, 8, nameLo[instrument], nameHi[instrument]);
    nameLo[instrument] = port.words.lo;
    nameHi[instrument] = port.words.hi;
  }

  private stepSide(step: Step, where: number): void {
    const isKnown = this.order0 >= 0 && this.orders.isSet[this.order0] === 1;
    this.side = this.port.word(step.column + (isKnown ? 0 : 1), where, 1, this.side);
  }

  private stepPrice(step: Step, where: number, layout: LayoutPlan): void {
    const { port, orders } = this;
    const order = this.restingOrder(layout);
    if (!this.hasPrice && order >= 0 && orders.isSet[order] === 1) {
      this.price = port.word(step.column, where, step.width, orders.price[order]);
    } else {
      const slot = this.memorySlot(step, layout);
      const isFirst = this.isNewInstrument || slot < 0;
      const expected = slot < 0 ? 0 : this.memory[slot];
      const value = port.word(step.column + (isFirst ? 2 : 1), where, step.width, expected);
      if (slot >= 0) this.memory[slot] = value;
      if (slot >= 0 && isFirst) this.memory[slot ^ 1] = value;
      if (!this.hasPrice) this.price = value;
    }
    this.hasPrice = true;
  }

  private stepQuantity(step: Step, where: number, layout: LayoutPlan): void {
    const { port, orders } = this;
    const order = this.restingOrder(layout);
    if (!this.hasSize && order >= 0 && orders.isSet[order] === 1) {
      let expected = orders.size[order];
      const other = order === this.order0 ? this.order1 : this.order0;
      if (layout.effect === Effect.Trade && other >= 0 && orders.isSet[other] === 1) {
        expected = Math.min(expected, orders.size[other]);
      }
      this.size = port.code(step.column, where, step.width, expected);
    } else {
      const slot = this.memorySlot(step, layout);
      const expected = slot < 0 ? 0 : this.memory[slot];
      const value = port.code(step.column + 1, where, step.width, expected);
      if (slot >= 0) this.memory[slot] = value;
      if (!this.hasSize) this.size = value;
    }
    this.hasSize = true;
  }

  /** The order whose price and size the message is told from: of a trade the one that rested. */
  private restingOrder(layout: LayoutPlan): number {
    const { order0, order1 } = this;
    if (layout.effect !== Effect.Trade || order1 < 0) return order0;
    return order0 < 0 || order0 === this.lastOrder ? order1 : order0;
  }

  /** Where the instrument's last value for this step is; -1 if there is no instrument. */
  private memorySlot(step: Step, layout: LayoutPlan): number {
    if (this.instrument < 0) return -1;
    const bySide = layout.hasSide || this.order0 >= 0;
    const place = bySide && this.side !== SIDE_BUY ? step.slot + 1 : step.slot;
    return this.instrument * this.plan.instrumentSlots + place;
  }

  /** Brings orders and instrument up to the message. */
  private remember(layout: LayoutPlan): void {
    const { orders, order0, order1 } = this;
    if (this.instrument >= 0) this.lastInstrument = this.instrument;
    if (order0 < 0 && order1 < 0) return;
    if (layout.effect === Effect.Trade) {
      this.reduce(order0);
      this.reduce(order1);
      if (this.lastOrder !== order0 && this.lastOrder !== order1) this.lastOrder = order0;
      return;
    }
    const order = layout.effect === Effect.Replace && order1 >= 0 ? order1 : order0;
    if (order < 0) return;
    this.lastOrder = order;
    if (layout.effect === Effect.Reduce) {
      this.reduce(order);
    } else if (layout.effect === Effect.Remove) {
      this.touch(order);
    } else {
      orders.instrument[order] = this.instrument;
      orders.side[order] = this.side;
      if (!this.hasPrice || !this.hasSize) return;
      orders.price[order] = this.price;
      orders.size[order] = this.size;
      orders.isSet[order] = 1;
      this.touch(order);
    }
  }

  private reduce(order: number): void {
    const { orders } = this;
    if (order < 0 || orders.isSet[order] === 0) return;
    orders.size[order] = (orders.size[order] - this.size) | 0;
  }

  /** The order's price and size are now the last of its instrument and side. */
  private touch(order: number): void {
    const { orders, plan } = this;
    const instrument = orders.instrument[order];
    if (instrument < 0 || orders.isSet[order] === 0 || plan.instrumentSlots < 4) return;
    const slot = instrument * plan.instrumentSlots + (orders.side[order] === SIDE_BUY ? 0 : 1);
    this.memory[slot] = orders.price[order];
    this.memory[slot + 2] = orders.size[order];
  }

  private growInstruments(): void {
    const size = this.nameLo.length * 2;
    const names = [this.nameLo, this.nameHi];
    [this.nameLo, this.nameHi] = names.map((old) => {
      const grown = new Int32Array(size);
      grown.set(old);
      return grown;
    });
    const memory = new Int32Array(size * this.plan.instrumentSlots);
    memory.set(this.memory);
    this.memory = memory;
  }
}

/** a - b as a double: exact while the two are near each other. */
export function distance(aLo: number, aHi: number, bLo: number, bHi: number): number {
  return ((aHi - bHi) | 0) * TWO_32 + ((aLo >>> 0) - (bLo >>> 0));
}
