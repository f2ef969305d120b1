/** What the streaming join gives: one row for each event, with the quote that was in force. */

/** Bits of `JoinedBatch.verdict`. */
export const AsOfFlag = {
  /** A quote was found; without it the quote's columns hold nothing. */
  Matched: 1,
  /** The event came behind its own stream's watermark. */
  Late: 2,
  /** A lost gap of the quote's stream lies between quote and event: others may have been in force. */
  InGap: 4,
  /** The quote that was in force may have been among those that the bounds threw out. */
  Evicted: 8,
  /**
   * Answered before the quote's stream had come as far as the event: that stream was silent for the
   * time-out, or too many events waited.
   */
  Early: 16,
} as const;

/** One event, filled and reused by the caller. */
export class AsOfEvent {
  /** What `AsOfJoin.addStream` gave. */
  stream = 0;
  /** What `AsOfJoin.addKey` gave: whose quotes the event is joined with. */
  key = 0;
  /** Exchange time: seconds since 1970 UTC and nanoseconds; a `sec` of NaN is the stream's last. */
  sec = 0;
  nsec = 0;
  /** Number of its message in its stream. */
  sequence = 0;
  recvSec = 0;
  recvNsec = 0;
  /** Index in the stream's `Instruments`. */
  instrument = 0;
  /** Integer in the feed's price unit; NaN where it has none. */
  price = 0;
  size = 0;
  /** `Side`. */
  side = 0;
  /** ASCII code, as in `Effects`. */
  action = 0;
  tradeIdLo = 0;
  tradeIdHi = 0;
  /** `RowFlag` bits. */
  flags = 0;
}

/** The quote of one instrument from its message on, filled and reused by the caller. */
export class AsOfQuote {
  stream = 0;
  key = 0;
  sec = 0;
  nsec = 0;
  sequence = 0;
  /** Integers in the feed's price unit; of a side with `…Orders` 0 they say nothing. */
  bidPrice = 0;
  bidSize = 0;
  bidOrders = 0;
  askPrice = 0;
  askSize = 0;
  askOrders = 0;
  /** `RowFlag` bits. */
  flags = 0;
}

/** Rows in the order in which they could be answered; valid only while the sink is called. */
export class JoinedBatch {
  count = 0;
  readonly capacity: number;
  readonly stream: Int32Array;
  readonly key: Int32Array;
  readonly instrument: Int32Array;
  readonly sec: Float64Array;
  readonly nsec: Uint32Array;
  readonly sequence: Float64Array;
  readonly recvSec: Uint32Array;
  readonly recvNsec: Uint32Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
  readonly side: Uint8Array;
  readonly action: Uint8Array;
  readonly tradeIdLo: Int32Array;
  readonly tradeIdHi: Int32Array;
  readonly flags: Uint8Array;
  /** `AsOfFlag` bits. */
  readonly verdict: Uint8Array;
  readonly quoteSec: Float64Array;
  readonly quoteNsec: Uint32Array;
  readonly quoteSequence: Float64Array;
  readonly bidPrice: Float64Array;
  readonly bidSize: Float64Array;
  readonly bidOrders: Uint32Array;
  readonly askPrice: Float64Array;
  readonly askSize: Float64Array;
  readonly askOrders: Uint32Array;
  readonly quoteFlags: Uint8Array;

  constructor(capacity = 1024) {
    this.capacity = capacity;
    this.stream = new Int32Array(capacity);
    this.key = new Int32Array(capacity);
    this.instrument = new Int32Array(capacity);
    this.sec = new Float64Array(capacity);
    this.nsec = new Uint32Array(capacity);
    this.sequence = new Float64Array(capacity);
    this.recvSec = new Uint32Array(capacity);
    this.recvNsec = new Uint32Array(capacity);
    this.price = new Float64Array(capacity);
    this.size = new Float64Array(capacity);
    this.side = new Uint8Array(capacity);
    this.action = new Uint8Array(capacity);
    this.tradeIdLo = new Int32Array(capacity);
    this.tradeIdHi = new Int32Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.verdict = new Uint8Array(capacity);
    this.quoteSec = new Float64Array(capacity);
    this.quoteNsec = new Uint32Array(capacity);
    this.quoteSequence = new Float64Array(capacity);
    this.bidPrice = new Float64Array(capacity);
    this.bidSize = new Float64Array(capacity);
    this.bidOrders = new Uint32Array(capacity);
    this.askPrice = new Float64Array(capacity);
    this.askSize = new Float64Array(capacity);
    this.askOrders = new Uint32Array(capacity);
    this.quoteFlags = new Uint8Array(capacity);
  }
}
