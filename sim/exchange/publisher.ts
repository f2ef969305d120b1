/**
 * What a stream sends, numbered and timed: the only way from the matching to the log.
 *
 * Owns the sequence and the stream's clock. Times never go back, and messages are a few hundred
 * nanoseconds apart at least, as an engine's are.
 */
import type { Random } from "../../faults/random.ts";
import type { MessageEncoder } from "./encoder.ts";
import { SELL } from "./encoder.ts";
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
  private readonly encoder: MessageEncoder;
  private readonly random: Random;

  constructor(
    stream: number,
    firstSequence: number,
    log: FeedLog,
    encoder: MessageEncoder,
    random: Random,
  ) {
    this.stream = stream;
    this.lastSequence = firstSequence - 1;
    this.log = log;
    this.encoder = encoder;
    this.random = random;
  }

  /** The next message is number 1 of a new epoch. */
  restart(): void {
    this.lastSequence = 0;
    this.log.startEpoch();
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
    this.print(buyId, sellId, instrument, price, quantity, false);
    this.sent[Sent.Trade]!++;
  }

  tradeCancel(
    buyId: number,
    sellId: number,
    on: Instrument,
    price: number,
    quantity: number,
  ): void {
    this.print(buyId, sellId, on, price, quantity, true);
    this.sent[Sent.TradeCancel]!++;
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
    );
    log.append(length, sequence, nowNs, true);
  }

  /** The next number; the clock moves on to its message. */
  private take(): number {
    if (this.lastSequence >= this.encoder.maxSequence) throw new SequenceExhausted(this.stream);
    this.nowNs += GAP_NS + this.random.below(GAP_MORE_NS);
    this.lastSentNs = this.nowNs;
    return ++this.lastSequence;
  }
}
