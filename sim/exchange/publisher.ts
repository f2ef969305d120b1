/**
 * What a stream sends, numbered and timed: the only way from the matching to the log.
 *
 * Owns the sequence and the stream's clock. Times never go back, and messages are a few hundred
 * nanoseconds apart at least, as an engine's are.
 */
import type { Random } from "../../faults/random.ts";
import type { ExecutionEncoder, FeedEncoder } from "./encoder.ts";
import { BUY, SELL } from "./encoder.ts";
import type { FeedLog } from "./feed-log.ts";
import type { Instrument } from "./instruments.ts";

/** Places in `Publisher.sent`; the first three are `OrderEvent`s. */
export const Sent = {
  New: 0,
  Modify: 1,
  Cancel: 2,
  Trade: 3,
  TradeCancel: 4,
  Heartbeat: 5,
} as const;

/** Least time between two messages of a stream, and how much more chance may add. */
const GAP_NS = 150;
const GAP_MORE_NS = 400;

export class SequenceExhausted extends Error {
  readonly code = "sequence_exhausted";
  readonly stream: number;

  constructor(stream: number) {
    super(
      `stream ${stream} has used its last sequence number, and NSE has no rule for what follows: ` +
        "start it lower (firstSequence), or restart the exchange (restartAtNs)",
    );
    this.name = "SequenceExhausted";
    this.stream = stream;
  }
}

export class Publisher {
  /** Messages sent, by `Sent`. */
  readonly sent = new Float64Array(6);
  /** The last number given; one below the first before there is any. */
  lastSequence: number;
  /** Nanoseconds since the exchange's start. */
  nowNs = 0;
  /** When the last message, heartbeats included, went out. */
  lastSentNs = 0;

  private readonly stream: number;
  private readonly log: FeedLog;
  private readonly encoder: FeedEncoder;
  private readonly random: Random;

  constructor(
    stream: number,
    firstSequence: number,
    log: FeedLog,
    encoder: FeedEncoder,
    random: Random,
  ) {
    this.stream = stream;
    this.lastSequence = firstSequence - 1;
    this.log = log;
    this.encoder = encoder;
    this.random = random;
  }

  /** Whether an aggressive order is told before its trades. */
  get tellsAggressors(): boolean {
    return this.encoder.tells === "orders";
  }

  /** The next message is number 1 of a new epoch. */
  restart(): void {
    this.lastSequence = 0;
    this.log.startEpoch();
  }

  /** What a session begins with: on some feeds its day and the securities. */
  open(listed: readonly Instrument[]): void {
    const { encoder, log } = this;
    if (encoder.tells === "orders") return;
    for (let message = 0; ; message++) {
      const length = encoder.opening(log.writeView, log.writeAt, message, this.nowNs, listed);
      if (length === 0) return;
      const sequence = this.take();
      log.append(length, sequence, this.nowNs, true);
    }
  }

  /** @param event an `OrderEvent` */
  order(
    event: number,
    orderId: number,
    instrument: Instrument,
    side: number,
    price: number,
    quantity: number,
  ): void {
    const sequence = this.take();
    const { log, stream, nowNs } = this;
    const length = this.encoder.order(
      log.writeView,
      log.writeAt,
      stream,
      sequence,
      event,
      nowNs,
      orderId,
      instrument,
      side,
      price,
      quantity,
    );
    log.append(length, sequence, nowNs, true);
    this.sent[event]!++;
  }

  /** A trade of the aggressor with a resting order; an id of 0 is not told. */
  trade(
    aggressorSide: number,
    aggressorId: number,
    restingId: number,
    instrument: Instrument,
    price: number,
    quantity: number,
  ): void {
    const isSale = aggressorSide === SELL;
    const buyId = isSale ? restingId : aggressorId;
    const sellId = isSale ? aggressorId : restingId;
    const restingSide = isSale ? BUY : SELL;
    this.print(buyId, sellId, instrument, price, quantity, false, restingSide);
    this.sent[Sent.Trade]!++;
  }

  tradeCancel(
    buyId: number,
    sellId: number,
    on: Instrument,
    price: number,
    quantity: number,
  ): void {
    this.print(buyId, sellId, on, price, quantity, true, BUY);
    this.sent[Sent.TradeCancel]!++;
  }

  /** An order is cut by `quantity`; only where the feed tells executions. */
  reduce(orderId: number, on: Instrument, quantity: number): void {
    const { log } = this;
    const sequence = this.take();
    const encoder = this.executions();
    const { writeView, writeAt } = log;
    const length = encoder.reduce(writeView, writeAt, this.nowNs, orderId, on, quantity);
    log.append(length, sequence, this.nowNs, true);
    this.sent[Sent.Modify]!++;
  }

  /** An order leaves for another; only where the feed tells executions. */
  replace(
    orderId: number,
    newOrderId: number,
    on: Instrument,
    price: number,
    quantity: number,
  ): void {
    const { log } = this;
    const sequence = this.take();
    const { writeView, writeAt } = log;
    const length = this.executions().replace(
      writeView,
      writeAt,
      this.nowNs,
      orderId,
      newOrderId,
      on,
      price,
      quantity,
    );
    log.append(length, sequence, this.nowNs, true);
    this.sent[Sent.Modify]!++;
  }

  /** A trade that touches no order; only where the feed tells executions. */
  hiddenTrade(on: Instrument, price: number, quantity: number): void {
    const { log } = this;
    const sequence = this.take();
    const { writeView, writeAt } = log;
    const encoder = this.executions();
    const length = encoder.hiddenTrade(writeView, writeAt, this.nowNs, on, price, quantity);
    log.append(length, sequence, this.nowNs, true);
    this.sent[Sent.Trade]!++;
  }

  heartbeat(): void {
    const { log } = this;
    const last = this.lastSequence;
    const length = this.encoder.heartbeat(log.writeView, log.writeAt, this.stream, last);
    log.append(length, last, this.nowNs, false);
    this.lastSentNs = this.nowNs;
    this.sent[Sent.Heartbeat]!++;
  }

  private print(
    buyId: number,
    sellId: number,
    instrument: Instrument,
    price: number,
    quantity: number,
    isCancelled: boolean,
    restingSide: number,
  ): void {
    const sequence = this.take();
    const { log, stream, nowNs } = this;
    const length = this.encoder.trade(
      log.writeView,
      log.writeAt,
      stream,
      sequence,
      nowNs,
      buyId,
      sellId,
      instrument,
      price,
      quantity,
      isCancelled,
      restingSide,
    );
    log.append(length, sequence, nowNs, true);
  }

  private executions(): ExecutionEncoder {
    if (this.encoder.tells === "executions") return this.encoder;
    throw new TypeError("this feed tells orders, not executions");
  }

  /** The next number; the clock moves on to its message. */
  private take(): number {
    if (this.lastSequence >= this.encoder.maxSequence) throw new SequenceExhausted(this.stream);
    this.nowNs += GAP_NS + this.random.below(GAP_MORE_NS);
    this.lastSentNs = this.nowNs;
    return ++this.lastSequence;
  }
}
