/**
 * What messages do to books, in words that know no exchange: one op for each message of a
 * `MessageBatch`, at the same index. A feed's decoder fills it, `book/` applies it.
 */
import { Columns } from "./columns.ts";

export const OpKind = {
  /** Touches no book and gives no row (system events, unknown types). */
  None: 0,
  /** A new order: `id`, `side`, `price`, `size`. */
  Add: 1,
  /** Absolute price and open size of `id`; of an unknown id an Add. */
  Modify: 2,
  /** Order `id` leaves; price and size of the message are ignored. */
  Cancel: 3,
  /** Order `id` is cut by `size`. */
  Reduce: 4,
  /** Order `id` leaves, `id2` comes on the same side with `price` and `size`. */
  Replace: 5,
  /** Order `id` is executed for `size` at its own price. `tradeId`. */
  Execute: 6,
  /** As Execute, at `price`; a trade row only with `OpFlag.Printable`. */
  ExecuteAt: 7,
  /** A trade of buy order `id` and sell order `id2` (0: none) at `price` for `size`. */
  Trade: 8,
  /** A trade that touches no book: `price`, `size`, `side`, `tradeId`. */
  Print: 9,
  /**
   * A trade is taken back; no book changes. `price`, `size`, `tradeId` where the feed has them, and
   * the buy order `id` and sell order `id2` of that trade (0: not named).
   */
  Break: 10,
  /** A price level is set to `size` (0 removes it): feeds of levels only. `OpFlag.EventEnd`. */
  Level: 11,
  /** Every book of the stream is dropped. */
  Clear: 12,
  /** An instrument is described: `definition` rows. */
  Definition: 13,
  /** An instrument's state changes: `status` rows. */
  Status: 14,
  /** A snapshot begins: as Clear; its orders come as Add with the flag `S`. */
  SnapshotBegin: 15,
  SnapshotEnd: 16,
  /**
   * Best bid and ask are set, both, and are all there is: feeds of quotes. `price` and `size` are
   * the bid's, `price2` and `size2` the ask's; size 0 is no quote on that side.
   */
  Quote: 17,
} as const;

export const Side = { Buy: 0, Sell: 1, None: 2 } as const;

export const OpFlag = {
  /** ITCH C: this execution is to be printed on the tape. */
  Printable: 1,
  /** IEX: the exchange's event is complete with this message. */
  EventEnd: 2,
  /** NSE closing auction: a market order at price 0, which stands in no price level. */
  MarketOrder: 4,
  /** ITCH P before 2014 and the like: `side` is the order's, not the aggressor's. */
  SideIsResting: 8,
} as const;

/** Three columns of a byte, eleven of four bytes, two of eight. */
const BYTES_PER_OP = 63;

/** A column that an op's kind does not use holds anything. */
export class OpBatch {
  count = 0;
  readonly kind: Uint8Array;
  readonly flags: Uint8Array;
  readonly side: Uint8Array;
  /** Index of the instrument in its stream's `Instruments`; -1 where the op has none. */
  readonly instrument: Int32Array;
  /** Integer in the feed's price unit. */
  readonly price: Float64Array;
  /** Unsigned 32 bits. */
  readonly size: Uint32Array;
  /** The ask of a `Quote`; no other op uses them. */
  readonly price2: Float64Array;
  readonly size2: Uint32Array;
  /** Order ids, as two words of 32 bits; both 0 is no order. */
  readonly idLo: Int32Array;
  readonly idHi: Int32Array;
  readonly id2Lo: Int32Array;
  readonly id2Hi: Int32Array;
  readonly tradeIdLo: Int32Array;
  readonly tradeIdHi: Int32Array;
  /** Exchange time, the wire's 64 bits in the feed's own epoch; `Feed.eventTime` turns it into UTC. */
  readonly timeLo: Int32Array;
  readonly timeHi: Int32Array;

  readonly capacity: number;

  constructor(capacity = 1024) {
    this.capacity = capacity;
    const columns = new Columns(capacity * BYTES_PER_OP, 16);
    this.kind = columns.uint8(capacity);
    this.flags = columns.uint8(capacity);
    this.side = columns.uint8(capacity);
    this.instrument = columns.int32(capacity);
    this.price = columns.float64(capacity);
    this.size = columns.uint32(capacity);
    this.price2 = columns.float64(capacity);
    this.size2 = columns.uint32(capacity);
    this.idLo = columns.int32(capacity);
    this.idHi = columns.int32(capacity);
    this.id2Lo = columns.int32(capacity);
    this.id2Hi = columns.int32(capacity);
    this.tradeIdLo = columns.int32(capacity);
    this.tradeIdHi = columns.int32(capacity);
    this.timeLo = columns.int32(capacity);
    this.timeHi = columns.int32(capacity);
  }
}
