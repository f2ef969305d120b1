/**
 * What the book service remembers of one stream beside its books: when each book was touched last,
 * the newest trades, and the order events of the instruments that somebody watches.
 *
 * Sits on the hot path as the observer of the stream's books: typed arrays only. About 40 bytes an
 * instrument and 2 MiB a stream.
 */
import { type OpBatch, OpKind } from "../feed/op-batch.ts";
import type { BookObserver, Books } from "./books.ts";
import { Action } from "./effects.ts";
import type { PipelineStream } from "./pipeline.ts";
import { RowRing } from "./row-ring.ts";

export class LiveStream implements BookObserver {
  readonly stream: PipelineStream;
  readonly trades = new RowRing();
  /** Made when the first instrument is watched. */
  events: RowRing | null = null;
  /** Flags of the message applied last, as `RowFlag` bits. */
  flags = 0;
  /** The instrument that was touched last; -1: none yet. */
  latest = -1;
  /** Counts what touched an instrument's book: 0, nothing yet. */
  version = new Uint32Array(256);
  /** Of the message that touched it last. */
  sequence = new Float64Array(256);
  recvSec = new Uint32Array(256);
  recvNsec = new Uint32Array(256);
  timeLo = new Int32Array(256);
  timeHi = new Int32Array(256);
  private watchers = new Uint16Array(256);

  constructor(stream: PipelineStream) {
    this.stream = stream;
  }

  after(ops: OpBatch, at: number, books: Books): void {
    const { messages } = this.stream;
    this.flags = messages.flags[at];
    const instrument = ops.instrument[at];
    const kind = ops.kind[at];
    if (kind === OpKind.Clear || kind === OpKind.SnapshotBegin) this.touchAll();
    // Descriptions and states of an instrument leave its book as it is.
    if (instrument < 0 || kind === OpKind.Definition || kind === OpKind.Status) return;
    if (instrument >= this.version.length) this.grow(instrument);
    this.version[instrument]++;
    this.latest = instrument;
    this.sequence[instrument] = messages.sequence[at];
    this.recvSec[instrument] = messages.recvSec[at];
    this.recvNsec[instrument] = messages.recvNsec[at];
    this.timeLo[instrument] = ops.timeLo[at];
    this.timeHi[instrument] = ops.timeHi[at];
    const { effects } = books;
    for (let row = 0; row < effects.count; row++) {
      const action = effects.action[row];
      if (action === Action.Trade || action === Action.Break) {
        this.fill(this.trades, this.trades.add(instrument, effects, row), ops, at);
        this.fillIds(ops, at);
      }
      if (this.watchers[instrument] > 0 && this.events !== null) {
        this.fill(this.events, this.events.add(instrument, effects, row), ops, at);
      }
    }
  }

  /** Of another trading day: its trades are not those of an instrument that has the name today. */
  beginDay(): void {
    this.trades.forget();
    this.events?.forget();
  }

  /** Keeps the instrument's order events from now on, until `unwatch` has been called as often. */
  watch(instrument: number): void {
    this.events ??= new RowRing();
    if (instrument >= this.version.length) this.grow(instrument);
    this.watchers[instrument]++;
  }

  unwatch(instrument: number): void {
    if (this.watchers[instrument] > 0) this.watchers[instrument]--;
  }

  /** Instruments whose book or trades anything has touched. */
  isTouched(instrument: number): boolean {
    return instrument < this.version.length && this.version[instrument] > 0;
  }

  private fill(ring: RowRing, slot: number, ops: OpBatch, at: number): void {
    const { messages } = this.stream;
    ring.epoch[slot] = this.stream.epoch;
    ring.sequence[slot] = messages.sequence[at];
    ring.recvSec[slot] = messages.recvSec[at];
    ring.recvNsec[slot] = messages.recvNsec[at];
    ring.timeLo[slot] = ops.timeLo[at];
    ring.timeHi[slot] = ops.timeHi[at];
    ring.flags[slot] = messages.flags[at];
  }

  /** Both orders of a trade, where the feed names them. */
  private fillIds(ops: OpBatch, at: number): void {
    const { trades } = this;
    const slot = (trades.head - 1) % trades.capacity;
    const named = ops.kind[at] === OpKind.Trade || ops.kind[at] === OpKind.Break;
    trades.idLo[slot] = named ? ops.idLo[at] : 0;
    trades.idHi[slot] = named ? ops.idHi[at] : 0;
    trades.id2Lo[slot] = named ? ops.id2Lo[at] : 0;
    trades.id2Hi[slot] = named ? ops.id2Hi[at] : 0;
    const numbered = hasTradeId(ops.kind[at]);
    trades.tradeIdLo[slot] = numbered ? ops.tradeIdLo[at] : 0;
    trades.tradeIdHi[slot] = numbered ? ops.tradeIdHi[at] : 0;
  }

  private touchAll(): void {
    for (let i = 0; i < this.version.length; i++) if (this.version[i] > 0) this.version[i]++;
  }

  private grow(instrument: number): void {
    const size = Math.max(instrument + 1, this.version.length * 2);
    this.version = wider(this.version, new Uint32Array(size));
    this.sequence = wider(this.sequence, new Float64Array(size));
    this.recvSec = wider(this.recvSec, new Uint32Array(size));
    this.recvNsec = wider(this.recvNsec, new Uint32Array(size));
    this.timeLo = wider(this.timeLo, new Int32Array(size));
    this.timeHi = wider(this.timeHi, new Int32Array(size));
    this.watchers = wider(this.watchers, new Uint16Array(size));
  }
}

function hasTradeId(kind: number): boolean {
  return (
    kind === OpKind.Execute ||
    kind === OpKind.ExecuteAt ||
    kind === OpKind.Print ||
    kind === OpKind.Break
  );
}

function wider<A extends { set(from: A): void }>(from: A, to: A): A {
  to.set(from);
  return to;
}
