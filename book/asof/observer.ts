/**
 * Feeds a join from the books of one stream: settled quotes as they change, trades as events, and
 * what becomes of the stream (epochs, lost gaps, snapshots).
 *
 * A snapshot's quotes are told when it is whole, all of them: they are in force from then on, also
 * those that it only confirms. The stream's time is told at the end of each run of messages, so that
 * a stream whose best prices rest does not hold up others.
 */
import type { EventTime, Feed } from "../../feed/feed.ts";
import type { Instruments } from "../../feed/instruments.ts";
import { type MessageBatch, MessageKind, RowFlag } from "../../feed/message-batch.ts";
import { type OpBatch, OpFlag, OpKind } from "../../feed/op-batch.ts";
import type { BookObserver, Books } from "../books.ts";
import { Action } from "../effects.ts";
import type { AsOfJoin } from "./asof-join.ts";
import { InstrumentKeys } from "./instrument-keys.ts";
import { AsOfEvent, AsOfQuote } from "./joined-batch.ts";
import type { AsOfRoutes } from "./routes.ts";
import { SettledQuotes } from "./settled-quotes.ts";

export interface ObservedStream {
  readonly feed: Feed;
  readonly instruments: Instruments;
  /** Its `messages` are those whose ops are being applied; an op is at its message's index. */
  readonly source: { readonly messages: MessageBatch };
  /** Midnight at the exchange, seconds since 1970 UTC, from a capture time; NaN: not known. */
  readonly midnightOf: (captureSec: number) => number;
}

const HOUR_SEC = 3600;

export class AsOfObserver implements BookObserver {
  private readonly join: AsOfJoin;
  private readonly stream: ObservedStream;
  private readonly keys: InstrumentKeys;
  private readonly quotes = new SettledQuotes();
  private readonly quote = new AsOfQuote();
  private readonly event = new AsOfEvent();
  private readonly time: EventTime = { sec: 0, nsec: 0 };
  private midnightSec = Number.NaN;
  private midnightHour = -1;
  private isLoading = false;

  /**
   * @param number what `AsOfJoin.addStream` gave for the stream
   * @param routes null: each trade is joined with the quotes of its own instrument
   */
  constructor(join: AsOfJoin, number: number, stream: ObservedStream, routes: AsOfRoutes | null) {
    this.join = join;
    this.stream = stream;
    this.keys = new InstrumentKeys(join, routes, stream.feed.id, stream.instruments, number);
    this.quote.stream = number;
    this.event.stream = number;
  }

  after(ops: OpBatch, at: number, books: Books): void {
    const kind = ops.kind[at];
    if (ops.instrument[at] >= 0 && kind !== OpKind.Clear && kind !== OpKind.SnapshotBegin) {
      if (books.effects.count > 0) this.tellTrades(ops, at, books);
      if (!this.isLoading && this.quotes.moves(ops, at, books)) {
        this.readTime(ops, at);
        this.tellQuote(ops, at, ops.instrument[at]);
      }
    } else this.tellOfStream(ops, at, books);
    if (at === ops.count - 1) this.tellTime(ops, at);
  }

  private tellTrades(ops: OpBatch, at: number, books: Books): void {
    const { effects } = books;
    for (let row = 0; row < effects.count; row++) {
      const action = effects.action[row];
      if (action !== Action.Trade && action !== Action.Break) continue;
      const { event } = this;
      const { messages } = this.stream.source;
      event.instrument = effects.instrument[row];
      event.key = this.keys.ofEvents(event.instrument);
      if (event.key < 0) continue;
      this.readTime(ops, at);
      event.sec = this.time.sec;
      event.nsec = this.time.nsec;
      event.sequence = messages.sequence[at];
      event.recvSec = messages.recvSec[at];
      event.recvNsec = messages.recvNsec[at];
      event.price = effects.price[row];
      event.size = effects.size[row];
      event.side = effects.side[row];
      event.action = action;
      event.tradeIdLo = ops.tradeIdLo[at];
      event.tradeIdHi = ops.tradeIdHi[at];
      event.flags = messages.flags[at];
      if (ops.flags[at] & OpFlag.EventEnd) event.flags |= RowFlag.Last;
      if (event.instrument >= 0 && books.isCrossed(event.instrument)) {
        event.flags |= RowFlag.Crossed;
      }
      this.join.event(event);
    }
  }

  /** Tells the quote in `quotes.best`, in force from `time`. */
  private tellQuote(ops: OpBatch, at: number, instrument: number): void {
    const { quote, time } = this;
    quote.key = this.keys.ofQuotes(instrument);
    if (quote.key < 0) return;
    const { best } = this.quotes;
    const { messages } = this.stream.source;
    quote.sec = time.sec;
    quote.nsec = time.nsec;
    quote.sequence = messages.sequence[at];
    quote.bidPrice = best.bidPrice;
    quote.bidSize = best.bidSize;
    quote.bidOrders = best.bidOrders;
    quote.askPrice = best.askPrice;
    quote.askSize = best.askSize;
    quote.askOrders = best.askOrders;
    quote.flags = messages.flags[at];
    if (ops.flags[at] & OpFlag.EventEnd) quote.flags |= RowFlag.Last;
    this.join.quote(quote);
  }

  /** What happens to the whole stream; these have no exchange time, so the stream's last counts. */
  private tellOfStream(ops: OpBatch, at: number, books: Books): void {
    const { messages } = this.stream.source;
    const { stream } = this.quote;
    const kind = ops.kind[at];
    if (messages.kind[at] === MessageKind.Lost) this.join.gap(stream);
    if (messages.kind[at] === MessageKind.Epoch) this.join.epoch(stream);
    if (kind === OpKind.SnapshotBegin) this.isLoading = true;
    else if (kind === OpKind.Clear || (kind === OpKind.SnapshotEnd && this.isLoading)) {
      this.isLoading = false;
      this.quotes.leaveEvents();
      this.time.sec = Number.NaN;
      const isImage = kind === OpKind.SnapshotEnd;
      const count = isImage ? this.stream.instruments.count : this.quotes.count;
      for (let instrument = 0; instrument < count; instrument++) {
        const moved = this.quotes.tell(instrument, books);
        if (isImage || moved) this.tellQuote(ops, at, instrument);
      }
    }
  }

  private tellTime(ops: OpBatch, at: number): void {
    const { kind } = this.stream.source.messages;
    if (kind[at] !== MessageKind.Message || ops.kind[at] === OpKind.None) {
      this.join.alive(this.quote.stream);
      return;
    }
    const { time } = this;
    this.readTime(ops, at);
    if (Number.isNaN(time.sec)) this.join.alive(this.quote.stream);
    else this.join.watermark(this.quote.stream, time.sec, time.nsec);
  }

  private readTime(ops: OpBatch, at: number): void {
    const { feed, source, midnightOf } = this.stream;
    const captureSec = source.messages.recvSec[at];
    const hour = Math.floor(captureSec / HOUR_SEC);
    if (hour !== this.midnightHour) {
      this.midnightHour = hour;
      this.midnightSec = midnightOf(captureSec);
    }
    feed.eventTime(ops.timeHi[at], ops.timeLo[at], this.midnightSec, this.time);
  }
}
