/**
 * What the rest of the house asks of a feed. A feed is a folder with a table (`layout.ts`), a
 * framing (datagrams to packets) and a decoder (messages to ops); nothing in it knows of sockets,
 * files or clocks.
 */
import type { InstrumentMaster, Instruments } from "./instruments.ts";
import type { FeedTable } from "./layout.ts";
import type { MessageBatch } from "./message-batch.ts";
import type { OpBatch } from "./op-batch.ts";
import type { Fault, PacketBatch } from "./packet-batch.ts";
import type { RecoveryProtocol } from "./recovery.ts";

/** Where a datagram came from, for feeds whose packets do not name their stream. */
export interface ChannelContext {
  /** The channel table's stream, or 0 where there is no table. */
  readonly stream: number;
  /** `sequenced` feeds only: where the datagram carries its number. */
  readonly sequenceField?: {
    readonly offset: number;
    /** 1, 2, 4 or 8 bytes. */
    readonly width: number;
    /** Of the number and of the count alike. */
    readonly littleEndian: boolean;
    readonly count?: { readonly offset: number; readonly width: number };
  };
}

/** Splits datagrams into packets. Holds the session names it has seen, and nothing else. */
export interface Framing {
  /** Names of the sessions that packets refer to by number; index 0 is the feed without sessions. */
  readonly sessions: readonly string[];
  /**
   * Appends the packets of the datagram at `offset` (of `length` bytes, in the buffer of `view`).
   * Never throws on any bytes; returns the worst fault found (`Fault.None` if none).
   */
  read(
    view: DataView,
    offset: number,
    length: number,
    frame: number,
    channel: ChannelContext,
    out: PacketBatch,
  ): Fault;
  /**
   * The fast way, where a feed's datagrams are mostly of one message: appends the packets of datagrams
   * `from` up to, not including, `to`, as `read` would, but stops at the first that is not simple.
   * @param offsets of the datagrams, `lengths` likewise
   * @returns index of the first datagram that was not read, or `to`
   */
  readRun?(
    view: DataView,
    offsets: Int32Array,
    lengths: Int32Array,
    from: number,
    to: number,
    out: PacketBatch,
  ): number;
  /**
   * Exchange time of a message in the feed's epoch, ns as a double (so within 256 ns): only to be
   * compared, to tell a restarted sequence from an old copy. NaN where the feed's messages have none.
   */
  messageTime(view: DataView, offset: number, length: number): number;
}

/** Turns messages into ops; one decoder for each stream, since it owns that stream's instruments. */
export interface Decoder {
  readonly instruments: Instruments;
  /** What the decoder could not make sense of, by kind; never thrown. */
  readonly anomalies: Map<string, number>;
  /** Decodes message `at` of the batch into op `at`. Short or unknown messages give `OpKind.None`. */
  decode(messages: MessageBatch, at: number, ops: OpBatch): void;
  /**
   * Decodes messages `from` up to, not including, `to`, all of this decoder's stream: the fast path.
   * `ops` has the capacity of `messages`, whose bytes are less than 1 GiB: some decoders refuse others.
   */
  decodeRun(messages: MessageBatch, from: number, to: number, ops: OpBatch): void;
}

export interface DecoderOptions {
  /** Contracts by instrument name, from `--masters`. */
  readonly masters?: ReadonlyMap<string, InstrumentMaster>;
  /** Protocol version where layouts differ (`--spec`). */
  readonly spec?: string;
}

/** Seconds since 1970 UTC and nanoseconds; reused by the caller, filled by the feed. */
export interface EventTime {
  /** NaN: the feed gives time since midnight and no date is known. */
  sec: number;
  nsec: number;
}

export interface Feed {
  readonly id: string;
  readonly table: FeedTable;
  /** What the exchange says elsewhere than on the live feed: requests, replies, snapshots. */
  readonly sideTables?: readonly FeedTable[];
  /** Order by order (has `mbo`), price levels, or opaque (`sequenced`: no books at all). */
  readonly books: "orders" | "levels" | "none";
  /** Prices are unsigned 32-bit words on the wire (ITCH), so that 0x80000000 is a high price. */
  readonly unsignedPrices: boolean;
  /** A stream that does not start at 1 has joined late: its books lack the orders before (`J`). */
  readonly lateStartDoubtful: boolean;
  /** How what was missed can be asked for; absent where the exchange offers nothing. */
  readonly recovery?: RecoveryProtocol;
  framing(): Framing;
  decoder(options: DecoderOptions): Decoder;
  /**
   * UTC of the 64 bits in `hi` and `lo`. `midnightSec` is the trading day's midnight at the
   * exchange as seconds since 1970 UTC, NaN if unknown; only feeds that give time since midnight use it.
   */
  eventTime(hi: number, lo: number, midnightSec: number, out: EventTime): void;
  /** Has a file format of the exchange's own (length-prefixed messages): its framing, else absent. */
  readonly file?: {
    /** True if the first bytes look like this feed's own file. */
    sniff(bytes: Uint8Array): boolean;
    /**
     * Finds messages in `bytes[from..to)`; appends offsets and lengths to `out` as one packet's
     * messages. Returns where the next read starts (a message cut by `to` stays for it), or -1 - at
     * for a damaged prefix at `at`.
     */
    split(view: DataView, from: number, to: number, out: PacketBatch): number;
    /** True if what `split` left over at the file's end is the format's end mark, and no damage. */
    isEnd(view: DataView, from: number, to: number): boolean;
  };
}
