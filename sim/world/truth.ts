/**
 * What the exchange really sent: every message by stream, epoch and number, and the books that it
 * makes, by the auditor. Forged copies (damaged, in another's name) are remembered as they arrive,
 * since the first copy of a number is the one that is used, whatever it says.
 */
import { Auditor } from "../auditor.ts";
import type { BookImage } from "../book-image.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { StreamEngine } from "../exchange/stream-engine.ts";

/** Positions in the log of an epoch's messages; the first has the number `first`. */
interface TrueEpoch {
  readonly first: number;
  readonly positions: number[];
}

/** Number of the message at `at`; heartbeats have 0. */
export const numberAt = (view: DataView, at: number) => view.getUint32(at + 4, true);
export const streamAt = (view: DataView, at: number) => view.getInt16(at + 2, true);
export const isHeartbeatAt = (view: DataView, at: number) => view.getUint8(at + 8) === 0x5a;
/** Header and type. */
export const LEAST_BYTES = 9;

const FORGED_LIMIT = 4096;

export class TrueStream {
  readonly engine: StreamEngine;
  readonly epochs: TrueEpoch[] = [];
  private indexed = 0;

  constructor(engine: StreamEngine) {
    this.engine = engine;
  }

  get id(): number {
    return this.engine.id;
  }

  /** Takes in what was sent since the last call. */
  grow(): void {
    const { log } = this.engine;
    for (; this.indexed < log.end; this.indexed++) {
      const block = log.at(this.indexed);
      const slot = log.slot(this.indexed);
      if (block.numbered[slot] === 0) continue;
      const number = block.sequence[slot];
      const current = this.epochs.at(-1);
      if (current === undefined || number !== current.first + current.positions.length) {
        this.epochs.push({ first: number, positions: [this.indexed] });
      } else current.positions.push(this.indexed);
    }
  }

  lastOf(epoch: number): number {
    const { first, positions } = this.epochs[epoch];
    return first + positions.length - 1;
  }

  /** The latest epoch that has such a number; -1: none has. */
  epochWith(number: number): number {
    return this.epochs.findLastIndex(
      ({ first, positions }) => number >= first - 1 && number < first + positions.length,
    );
  }

  datagram(epoch: number, number: number): Uint8Array | undefined {
    const found = this.epochs[epoch];
    const position = found?.positions[number - found.first];
    return position === undefined ? undefined : this.engine.log.datagram(position);
  }

  /** The epoch in which these bytes were sent under this number, latest first; -1: in none. */
  epochOf(number: number, bytes: Uint8Array, offset: number, length: number): number {
    for (let epoch = this.epochs.length - 1; epoch >= 0; epoch--) {
      const { first, positions } = this.epochs[epoch];
      const position = positions[number - first];
      if (position !== undefined && this.isAt(position, bytes, offset, length)) return epoch;
    }
    return -1;
  }

  private isAt(position: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const { log } = this.engine;
    const block = log.at(position);
    const slot = log.slot(position);
    if (block.length[slot] !== length) return false;
    const from = block.offset[slot];
    for (let at = 0; at < length; at++) {
      if (block.bytes[from + at] !== bytes[offset + at]) return false;
    }
    return true;
  }
}

export class Truth {
  readonly streams = new Map<number, TrueStream>();
  /** By `stream/number`: other bytes that arrived under that number. */
  private readonly forged = new Map<string, Uint8Array[]>();
  private forgedCount = 0;
  readonly hasClosingAuction: boolean;

  constructor(exchange: Exchange) {
    this.hasClosingAuction = exchange.options.segment === "nse-cm";
    for (const engine of exchange.streams) this.streams.set(engine.id, new TrueStream(engine));
  }

  grow(): void {
    for (const stream of this.streams.values()) stream.grow();
  }

  /** A datagram as a collector gets it; remembered if nobody sent it so. */
  arrived(bytes: Uint8Array, offset: number, length: number): void {
    if (length < LEAST_BYTES || this.forgedCount >= FORGED_LIMIT) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const [stream, number] = [streamAt(view, offset), numberAt(view, offset)];
    const truth = this.streams.get(stream);
    truth?.grow();
    if (number === 0 || truth?.epochOf(number, bytes, offset, length) !== -1) return;
    const key = `${stream}/${number}`;
    const variants = this.forged.get(key) ?? [];
    this.forged.set(key, variants);
    variants.push(bytes.slice(offset, offset + length));
    this.forgedCount++;
  }

  isForged(
    stream: number,
    number: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): boolean {
    const variants = this.forged.get(`${stream}/${number}`) ?? [];
    return variants.some((variant) => isSame(variant, bytes, offset, length));
  }
}

/** The auditor of one stream, going along with one life of the centre. */
export class AuditedStream {
  private readonly truth: TrueStream;
  private readonly hasClosingAuction: boolean;
  private auditor: Auditor;
  private epoch = -1;
  private done = 0;
  /** By `epoch/number`: forged copies that came first and so were used. */
  readonly used = new Map<string, Uint8Array>();

  constructor(truth: TrueStream, hasClosingAuction: boolean) {
    this.truth = truth;
    this.hasClosingAuction = hasClosingAuction;
    this.auditor = new Auditor(hasClosingAuction);
  }

  /** A snapshot has replaced what forged copies did. */
  forget(): void {
    this.used.clear();
    this.epoch = -1;
  }

  /** The books after message `number` of an epoch; undefined if that was never sent. */
  booksAt(epoch: number, number: number): Map<string, BookImage> | undefined {
    const found = this.truth.epochs[epoch];
    if (found === undefined || number >= found.first + found.positions.length) return undefined;
    if (epoch !== this.epoch || number < this.done) {
      this.auditor = new Auditor(this.hasClosingAuction);
      this.epoch = epoch;
      this.done = found.first - 1;
    }
    while (this.done < number) {
      this.done++;
      const own = this.used.get(`${epoch}/${this.done}`) ?? this.truth.datagram(epoch, this.done);
      if (own !== undefined) this.auditor.apply(own);
    }
    return this.auditor.books();
  }

  get liveOrders(): number {
    return this.auditor.liveOrders;
  }
}

export function isSame(
  known: Uint8Array | undefined,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  if (known === undefined || known.length !== length) return false;
  for (let at = 0; at < length; at++) if (known[at] !== bytes[offset + at]) return false;
  return true;
}
