/**
 * The books that a feed must give: the exchange's own messages, in order and with nothing missing,
 * through the auditor, which shares no code with the feed handlers that are judged.
 *
 * A core: `step` lets the exchange go on; rows come in the order of the exchange's time. Assumes that
 * the exchange is stepped by nobody else. Slow: each row costs a walk over its stream's orders.
 */
import { Auditor } from "./auditor.ts";
import { ItchAuditor } from "./auditor-itch.ts";
import type { BookImage } from "./book-image.ts";
import type { Exchange } from "./exchange/exchange.ts";
import { unixSeconds } from "./exchange/options.ts";
import type { StreamEngine } from "./exchange/stream-engine.ts";

export interface ExpectedLevel {
  /** Integer in the feed's price unit. */
  readonly price: number;
  /** In the order of the queue. */
  readonly orders: readonly { readonly id: bigint; readonly quantity: number }[];
}

interface ExpectedBook {
  /** Best first. */
  readonly bids: readonly ExpectedLevel[];
  readonly asks: readonly ExpectedLevel[];
}

const EMPTY_BOOK: ExpectedBook = { bids: [], asks: [] };

/** An instrument's book right after a message. */
export interface ExpectedRow extends ExpectedBook {
  /** The message's time, nanoseconds since 1970 UTC. */
  readonly tsEvent: bigint;
  readonly stream: number;
  readonly sequence: number;
  readonly token: string;
}

export interface ExpectChoice {
  /** All books of a stream after these numbers, in every epoch that has them. */
  readonly at: readonly { readonly stream: number; readonly sequence: number }[];
  /** After every so many numbers, the book that the message is about; 0: none. */
  readonly every: number;
  /** All books at the end. */
  readonly final: boolean;
  /** Only these instruments; empty: all. */
  readonly tokens: ReadonlySet<string>;
  /** Only this stream; 0: all. */
  readonly stream: number;
}

type TakeRow = (row: ExpectedRow) => void;

export class Expectation {
  /** Messages that the auditor has read. */
  messages = 0;
  private readonly exchange: Exchange;
  private readonly choice: ExpectChoice;
  private readonly take: TakeRow;
  private readonly walks: Walk[];

  constructor(exchange: Exchange, choice: ExpectChoice, take: TakeRow) {
    this.exchange = exchange;
    this.choice = choice;
    this.take = take;
    this.walks = exchange.streams
      .filter(({ id }) => choice.stream === 0 || choice.stream === id)
      .map((stream) => new Walk(stream, exchange));
  }

  /** Up to `untilNs` since the exchange's start. */
  step(untilNs: number): void {
    this.exchange.step(untilNs);
    this.walk(untilNs);
  }

  /** What the exchange has made already is read too; then the books at the end, if they are asked. */
  finish(): void {
    this.walk(Number.MAX_VALUE);
    if (!this.choice.final) return;
    for (const walk of this.walks) this.wholeStream(walk);
  }

  private walk(untilNs: number): void {
    for (;;) {
      let next: Walk | undefined;
      for (const walk of this.walks) {
        if (walk.nextNs <= untilNs && (next === undefined || walk.nextNs < next.nextNs))
          next = walk;
      }
      if (next === undefined) return;
      if (!next.advance()) continue;
      this.messages++;
      this.report(next);
    }
  }

  private report(walk: Walk): void {
    const { at, every, tokens } = this.choice;
    const { sequence } = walk;
    const { id } = walk.stream;
    if (at.some((one) => one.stream === id && one.sequence === sequence)) this.wholeStream(walk);
    else if (every > 0 && sequence % every === 0) {
      const token = walk.judge.tokenOf(walk.message);
      if (token !== "" && (tokens.size === 0 || tokens.has(token))) {
        this.take(walk.row(token, walk.judge.book(token)));
      }
    }
  }

  private wholeStream(walk: Walk): void {
    const { tokens } = this.choice;
    const books = walk.judge.books();
    for (const { name } of walk.stream.instruments) {
      const isWanted = tokens.size === 0 || tokens.has(name);
      if (isWanted) this.take(walk.row(name, books.get(name) ?? EMPTY_BOOK));
    }
  }
}

/** The auditor on its way along one stream's log. */
class Walk {
  readonly stream: StreamEngine;
  readonly judge: Judge;
  sequence = 0;
  message: Uint8Array = new Uint8Array(0);
  private tsEvent = 0n;
  private position = 0;
  private epoch = 0;

  constructor(stream: StreamEngine, { options }: Exchange) {
    this.stream = stream;
    const { segment, midnightSec } = options;
    this.judge =
      segment === "nasdaq-itch50"
        ? new ItchJudge(midnightSec)
        : new NseJudge(unixSeconds(0), segment === "nse-cm");
  }

  /** Time of the next message since the exchange's start; infinite where there is none. */
  get nextNs(): number {
    const { log } = this.stream;
    if (this.position >= log.end) return Number.POSITIVE_INFINITY;
    return log.at(this.position).timeNs[log.slot(this.position)]!;
  }

  /** Reads the next message; false of a heartbeat. */
  advance(): boolean {
    const { log } = this.stream;
    const { position } = this;
    this.position++;
    const slot = log.slot(position);
    const block = log.at(position);
    if (log.epochAt(position) !== this.epoch) {
      this.epoch = log.epochAt(position);
      this.judge.auditor.clear();
    }
    if (block.numbered[slot] === 0) return false;
    this.sequence = block.sequence[slot]!;
    this.message = log.datagram(position);
    this.judge.auditor.apply(this.message);
    this.tsEvent = this.judge.timeOf(this.message);
    return true;
  }

  row(token: string, book: ExpectedBook): ExpectedRow {
    const { stream, sequence, tsEvent } = this;
    return { tsEvent, stream: stream.id, sequence, token, ...book };
  }
}

interface Judge {
  readonly auditor: { apply(message: Uint8Array): void; clear(): void };
  book(token: string): ExpectedBook;
  /** Every book in which an order stands, in one walk. */
  books(): ReadonlyMap<string, ExpectedBook>;
  /** The instrument that a message is about; empty if none. */
  tokenOf(message: Uint8Array): string;
  /** Nanoseconds since 1970 UTC. */
  timeOf(message: Uint8Array): bigint;
}

class NseJudge implements Judge {
  readonly auditor: Auditor;
  private readonly epochNs: bigint;

  /** @param epochSec of 1980 in Indian local time, in seconds since 1970 UTC */
  constructor(epochSec: number, hasClosingAuction: boolean) {
    this.auditor = new Auditor(hasClosingAuction);
    this.epochNs = BigInt(epochSec) * 1_000_000_000n;
  }

  book(token: string): ExpectedBook {
    return wideIds(this.auditor.book(token));
  }

  books(): Map<string, ExpectedBook> {
    return new Map([...this.auditor.books()].map(([name, book]) => [name, wideIds(book)]));
  }

  tokenOf(message: Uint8Array): string {
    const type = String.fromCharCode(message[8]!);
    const at = "TKC".includes(type) ? 33 : 25;
    const token = viewOf(message).getInt32(at, true);
    return "GHJK".includes(type) ? `S${token}` : `${token}`;
  }

  timeOf(message: Uint8Array): bigint {
    return viewOf(message).getBigInt64(9, true) + this.epochNs;
  }
}

function wideIds({ bids, asks }: BookImage): ExpectedBook {
  const wide = (levels: typeof bids): ExpectedLevel[] =>
    levels.map(({ price, orders }) => ({
      price,
      orders: orders.map(({ id, quantity }) => ({ id: BigInt(id), quantity })),
    }));
  return { bids: wide(bids), asks: wide(asks) };
}

class ItchJudge implements Judge {
  readonly auditor = new ItchAuditor();
  private readonly midnightNs: bigint;

  constructor(midnightSec: number) {
    this.midnightNs = BigInt(midnightSec) * 1_000_000_000n;
  }

  book(token: string): ExpectedBook {
    return this.auditor.book(token);
  }

  books(): Map<string, ExpectedBook> {
    return this.auditor.books();
  }

  /** Directory and day messages change no book and have no row. */
  tokenOf(message: Uint8Array): string {
    const isAboutOrders = "AFECXDUPQB".includes(String.fromCharCode(message[0]!));
    return isAboutOrders ? this.auditor.nameOf(message) : "";
  }

  timeOf(message: Uint8Array): bigint {
    const view = viewOf(message);
    return this.midnightNs + (BigInt(view.getUint16(5)) << 32n) + BigInt(view.getUint32(7));
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
