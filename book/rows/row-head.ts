/**
 * What every row begins with (times, stream, sequence, instrument) and its flags: looked up from the
 * message behind an op. One for each stream and output; all of them fill the same batch.
 */
import type { EventTime, Feed } from "../../feed/feed.ts";
import type { Instruments } from "../../feed/instruments.ts";
import { type MessageBatch, RowFlag } from "../../feed/message-batch.ts";
import { type OpBatch, OpFlag, OpKind } from "../../feed/op-batch.ts";
import type { NameTable } from "./name-table.ts";
import type {
  ByteColumn,
  NameColumn,
  NumberColumn,
  RowBatch,
  RowSink,
  TimeColumn,
} from "./row-batch.ts";

/** The stream that rows are of. */
export interface RowStream {
  readonly feed: Feed;
  /** The exchange's number. */
  readonly id: number;
  readonly instruments: Instruments;
  /** Its `messages` are those whose ops are being applied; an op is at its message's index. */
  readonly source: { readonly messages: MessageBatch; readonly epoch: number };
}

/** Where rows go and which of them are wanted; shared by all streams of an output. */
export interface RowTarget {
  readonly batch: RowBatch;
  readonly sink: RowSink;
  /** Only instruments of these names; absent: all. */
  readonly tokens?: ReadonlySet<string>;
  /** Midnight at the exchange, seconds since 1970 UTC; NaN if the date is unknown. */
  readonly midnightSec: number;
  /** False for the exchange's own files, whose messages have no capture time. */
  readonly captured: boolean;
}

/** Hands the rows that are left to the sink. */
export function flushRows(target: RowTarget): void {
  if (target.batch.count > 0) target.sink.write(target.batch);
  target.batch.count = 0;
}

export class RowHead {
  private readonly target: RowTarget;
  private readonly stream: RowStream;
  private readonly recv: TimeColumn;
  private readonly event: TimeColumn;
  private readonly streamColumn: NumberColumn;
  private readonly sequence: NumberColumn;
  private readonly token: NameColumn;
  private readonly flags: ByteColumn | undefined;
  /** Which of a message's rows, and of which epoch: where rows must be told apart for good. */
  private readonly row: NumberColumn | undefined;
  private readonly epoch: NumberColumn | undefined;
  private lastEpoch = -1;
  private lastSequence = Number.NaN;
  private rowOfMessage = 0;
  private readonly time: EventTime = { sec: 0, nsec: 0 };
  private readonly names: InstrumentNames;

  constructor(target: RowTarget, stream: RowStream) {
    const { batch } = target;
    this.target = target;
    this.stream = stream;
    this.recv = batch.time("ts_recv");
    this.event = batch.time("ts_event");
    this.streamColumn = batch.number("stream");
    this.sequence = batch.number("sequence");
    this.token = batch.name("token");
    const has = (name: string) => batch.columns.some((column) => column.name === name);
    this.flags = has("flags") ? batch.bytes("flags") : undefined;
    this.row = has("row") ? batch.number("row") : undefined;
    this.epoch = has("epoch") ? batch.number("epoch") : undefined;
    this.names = new InstrumentNames(stream.instruments, batch.names, target.tokens);
  }

  /** The messages whose ops are being applied. */
  get messages(): MessageBatch {
    return this.stream.source.messages;
  }

  wants(instrument: number): boolean {
    return this.names.wanted(instrument);
  }

  /** Opens a row for op `at` and fills its head; the caller fills the rest. Returns its index. */
  open(ops: OpBatch, at: number, instrument: number, crossed: boolean): number {
    const { target, messages } = this;
    if (target.batch.count === target.batch.capacity) flushRows(target);
    const row = target.batch.count++;
    this.recv.sec[row] = target.captured ? messages.recvSec[at] : Number.NaN;
    this.recv.nsec[row] = messages.recvNsec[at];
    this.fillEventTime(ops, at, row);
    this.streamColumn.value[row] = this.stream.id;
    this.sequence.value[row] = messages.sequence[at];
    this.token.value[row] = this.names.index(instrument);
    if (this.row !== undefined) this.fillPlace(row);
    if (this.flags !== undefined) {
      let flags = messages.flags[at];
      if (crossed) flags |= RowFlag.Crossed;
      if (ops.flags[at] & OpFlag.EventEnd) flags |= RowFlag.Last;
      this.flags.value[row] = flags;
    }
    return row;
  }

  /** What a new epoch, a snapshot or a clear does has a message's number too: they are counted on. */
  private fillPlace(row: number): void {
    const sequence = this.sequence.value[row];
    const { epoch } = this.stream.source;
    const isSame = sequence === this.lastSequence && epoch === this.lastEpoch;
    this.rowOfMessage = isSame ? this.rowOfMessage + 1 : 0;
    this.lastEpoch = epoch;
    this.lastSequence = sequence;
    if (this.row !== undefined) this.row.value[row] = this.rowOfMessage;
    if (this.epoch !== undefined) this.epoch.value[row] = epoch;
  }

  private fillEventTime(ops: OpBatch, at: number, row: number): void {
    const kind = ops.kind[at];
    if (kind === OpKind.Clear || kind === OpKind.SnapshotBegin) {
      this.event.sec[row] = Number.NaN;
      return;
    }
    const { time, event } = this;
    this.stream.feed.eventTime(ops.timeHi[at], ops.timeLo[at], this.target.midnightSec, time);
    event.sec[row] = time.sec;
    event.nsec[row] = time.nsec;
  }
}

/** From a stream's instruments to the output's names; follows a name that becomes known later. */
class InstrumentNames {
  private readonly instruments: Instruments;
  private readonly table: NameTable;
  private readonly tokens: ReadonlySet<string> | undefined;
  private readonly known: string[] = [];
  private readonly indices: number[] = [];
  private readonly chosen: boolean[] = [];

  constructor(instruments: Instruments, table: NameTable, tokens: ReadonlySet<string> | undefined) {
    this.instruments = instruments;
    this.table = table;
    this.tokens = tokens;
  }

  index(instrument: number): number {
    if (instrument < 0) return -1;
    this.learn(instrument);
    return this.indices[instrument];
  }

  wanted(instrument: number): boolean {
    if (this.tokens === undefined) return true;
    if (instrument < 0) return false;
    this.learn(instrument);
    return this.chosen[instrument];
  }

  private learn(instrument: number): void {
    const name = this.instruments.names[instrument];
    if (this.known[instrument] === name) return;
    this.known[instrument] = name;
    this.indices[instrument] = name === "" ? -1 : this.table.indexOf(name);
    this.chosen[instrument] = this.tokens?.has(name) ?? true;
  }
}
