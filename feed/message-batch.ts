/**
 * Messages in the order of delivery after arbitration, and the events of their streams between
 * them: what `streams/` hands to a feed's decoder. Structure of arrays over one byte buffer.
 */
export const MessageKind = {
  /** A message of the exchange: bytes at `offset`, its own `sequence`. */
  Message: 0,
  /** A new epoch of the stream begins: every book of it is dropped. */
  Epoch: 1,
  /** A gap is lost: from here on the stream's rows carry `G`. */
  Lost: 2,
  /** A snapshot begins; its orders follow as `SnapshotOrder`, then `SnapshotEnd`. */
  SnapshotBegin: 3,
  SnapshotOrder: 4,
  SnapshotEnd: 5,
  /** The operator's command: the exchange dropped the stream's orders without saying so. */
  Clear: 6,
} as const;

/** Bits of a row's flags; `FLAG_LETTERS` gives their letters in the order of the public interface. */
export const RowFlag = {
  Snapshot: 1,
  Recovered: 2,
  Gap: 4,
  JoinedLate: 8,
  Crossed: 16,
  Last: 32,
  ClockDoubtful: 64,
} as const;
export const FLAG_LETTERS = "SVGJXLT";

export class MessageBatch {
  /** The buffer that `offset` points into; replaced, never written, by the stage that fills this. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  count = 0;
  /** A `MessageKind`. */
  readonly kind: Uint8Array;
  readonly offset: Int32Array;
  readonly length: Int32Array;
  /** Index of the stream in the sequencer's `streams` (dense, from 0, in order of appearance). */
  readonly stream: Int32Array;
  /** The message's number; exact below 2^53. */
  readonly sequence: Float64Array;
  /** Capture time of the delivered copy: seconds since 1970 UTC and nanoseconds. */
  readonly recvSec: Uint32Array;
  readonly recvNsec: Uint32Array;
  /** `RowFlag` bits that the stream and the way of delivery give (S, V, G, J, T). */
  readonly flags: Uint8Array;

  readonly capacity: number;

  constructor(capacity = 1024) {
    this.capacity = capacity;
    this.kind = new Uint8Array(capacity);
    this.offset = new Int32Array(capacity);
    this.length = new Int32Array(capacity);
    this.stream = new Int32Array(capacity);
    this.sequence = new Float64Array(capacity);
    this.recvSec = new Uint32Array(capacity);
    this.recvNsec = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
  }
}
