/**
 * What the exchange really sent: every message by stream, epoch and number, and the books that it
 * makes, by the auditor. Forged copies (a number with other bytes) are remembered as they arrive,
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
/** A copy that differs from what was sent in no more bytes was forged from it. */
const FORGED_BYTES = 4;

/** Which versions of a message collectors have captured, as bits. */
const CAME_TRUE = 1;
const CAME_FORGED = 2;

interface Forged {
  readonly bytes: Uint8Array;
  /** Of the message that it was forged from; -1: of none that anybody sent. */
  readonly epoch: number;
}

export class TrueStream {
  readonly engine: StreamEngine;
  readonly epochs: TrueEpoch[] = [];
  /** By position in the log: which versions were captured. */
  private came = new Uint8Array(4096);
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
    return this.epochNear(number, bytes, offset, length, 0);
  }

  /** As `epochOf`, of bytes that differ from what was sent in a few places. */
  epochForgedFrom(number: number, bytes: Uint8Array, offset: number, length: number): number {
    return this.epochNear(number, bytes, offset, length, FORGED_BYTES);
  }

  capture(epoch: number, number: number, version: number): void {
    const position = this.positionOf(epoch, number);
    if (position === undefined) return;
    if (position >= this.came.length) {
      const wider = new Uint8Array(2 * position);
      wider.set(this.came);
      this.came = wider;
    }
    this.came[position] |= version;
  }

  /** Numbers that were captured both as they were sent and otherwise. */
  get conflicts(): number {
    let count = 0;
    for (const versions of this.came) if (versions === (CAME_TRUE | CAME_FORGED)) count++;
    return count;
  }

  private positionOf(epoch: number, number: number): number | undefined {
    const found = this.epochs[epoch];
    return found?.positions[number - found.first];
  }

  private epochNear(
    number: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    differMost: number,
  ): number {
    for (let epoch = this.epochs.length - 1; epoch >= 0; epoch--) {
      const position = this.positionOf(epoch, number);
      if (position === undefined) continue;
      if (this.differing(position, bytes, offset, length, differMost) <= differMost) return epoch;
    }
    return -1;
  }

  /** In how many bytes a datagram is not what was sent; counts no further than past `most`. */
  private differing(
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    most: number,
  ): number {
    const { log } = this.engine;
    const block = log.at(position);
    const slot = log.slot(position);
    if (block.length[slot] !== length) return Number.POSITIVE_INFINITY;
    const from = block.offset[slot];
    const sent = block.bytes;
    let count = 0;
    for (let at = 0; at < length && count <= most; at++) {
      if (sent[from + at] !== bytes[offset + at]) count++;
    }
    return count;
  }
}

export class Truth {
  readonly streams = new Map<number, TrueStream>();
  /** By `stream/number`: other bytes that arrived under that number. */
  private readonly forged = new Map<string, Forged[]>();
  private forgedCount = 0;
  readonly hasClosingAuction: boolean;

  constructor(exchange: Exchange) {
    this.hasClosingAuction = exchange.options.segment === "nse-cm";
    for (const engine of exchange.streams) this.streams.set(engine.id, new TrueStream(engine));
  }

  grow(): void {
    for (const stream of this.streams.values()) stream.grow();
  }

  /**
   * A datagram as a collector gets it; remembered if nobody sent it so.
   * @param view of the same buffer as `bytes`, from its start
   */
  arrived(bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    if (length < LEAST_BYTES || this.forgedCount >= FORGED_LIMIT) return;
    const [stream, number] = [streamAt(view, offset), numberAt(view, offset)];
    const truth = this.streams.get(stream);
    if (number === 0 || truth === undefined) return;
    // Damage that can be seen: such a datagram is set aside, and is no message's copy.
    if (view.getInt16(offset, true) !== length) return;
    truth.grow();
    const sent = truth.epochOf(number, bytes, offset, length);
    if (sent >= 0) {
      truth.capture(sent, number, CAME_TRUE);
      return;
    }
    const epoch = truth.epochForgedFrom(number, bytes, offset, length);
    if (epoch >= 0) truth.capture(epoch, number, CAME_FORGED);
    const key = `${stream}/${number}`;
    const variants = this.forged.get(key) ?? [];
    this.forged.set(key, variants);
    variants.push({ bytes: bytes.slice(offset, offset + length), epoch });
    this.forgedCount++;
  }

  /** The forged copy that has these bytes, if one arrived. */
  forgedCopy(
    stream: number,
    number: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): Forged | undefined {
    const variants = this.forged.get(`${stream}/${number}`) ?? [];
    return variants.find((variant) => isSame(variant.bytes, bytes, offset, length));
  }
}

/** The auditor of one stream, going along with one life of the centre. */
export class AuditedStream {
  private readonly truth: TrueStream;
  private readonly hasClosingAuction: boolean;
  private auditor: Auditor;
  private epoch = -1;
  private done = 0;
  /** By number, of the epoch in hand: forged copies that came first and so were used. */
  readonly used = new Map<number, Uint8Array>();
  /** Numbers of the epoch in hand behind which the operator dropped every order. */
  private readonly cleared = new Set<number>();

  constructor(truth: TrueStream, hasClosingAuction: boolean) {
    this.truth = truth;
    this.hasClosingAuction = hasClosingAuction;
    this.auditor = new Auditor(hasClosingAuction);
  }

  /** As it is, to go on from here another time: its books are made again when they are asked for. */
  copy(): AuditedStream {
    const made = new AuditedStream(this.truth, this.hasClosingAuction);
    for (const [number, bytes] of this.used) made.used.set(number, bytes);
    for (const number of this.cleared) made.cleared.add(number);
    return made;
  }

  /** The operator's clear has been applied behind `number`. */
  clearBehind(number: number): void {
    this.cleared.add(number);
    if (number <= this.done) this.epoch = -1;
  }

  /** A snapshot, or a new epoch, has replaced what forged copies and clears did. */
  forget(): void {
    this.used.clear();
    this.cleared.clear();
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
      const own = this.used.get(this.done) ?? this.truth.datagram(epoch, this.done);
      if (own !== undefined) this.auditor.apply(own);
      if (this.cleared.has(this.done)) this.auditor.clear();
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
