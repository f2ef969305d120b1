/**
 * Rows of `decode`: every message of every datagram, each copy on each line, heartbeats too, before
 * any arbitration. `sequence` of a heartbeat is the last number that the exchange has sent.
 */
import { layoutAt } from "../../feed/codec.ts";
import type { ChannelContext, Feed, Framing } from "../../feed/feed.ts";
import type { MessageLayout } from "../../feed/layout.ts";
import { FAULT_NAMES, Fault, PacketBatch, PacketKind } from "../../feed/packet-batch.ts";
import type { Channels } from "../../frames/channels.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import { FieldRows, fieldColumns } from "./field-columns.ts";
import { NameTable } from "./name-table.ts";
import {
  type NumberColumn,
  RowBatch,
  type RowSink,
  type TextColumn,
  type TimeColumn,
} from "./row-batch.ts";
import type { ColumnSpec } from "./schema.ts";

const FIXED: readonly ColumnSpec[] = [
  { name: "ts_recv", kind: "time" },
  { name: "stream", kind: "integer" },
  { name: "line", kind: "text" },
  { name: "sequence", kind: "wide" },
  { name: "type", kind: "text" },
];
const TAKEN = new Set(FIXED.map((column) => column.name));
const BATCH_ROWS = 1024;
const NO_TABLE: ChannelContext = { stream: 0 };
/** Types of packets without a message, where the table has no layout for them. */
const KIND_NAMES = ["message", "heartbeat", "end_of_session"];

export class DecodeRows {
  readonly batch: RowBatch;
  /** Datagrams with a fault, by its name. */
  readonly faults = new Map<string, number>();
  rows = 0;
  private readonly feed: Feed;
  private readonly framing: Framing;
  private readonly channels: Channels;
  private readonly packets = new PacketBatch();
  private readonly fields: FieldRows;
  private readonly heartbeat: MessageLayout | undefined;
  private readonly sink: RowSink;
  private readonly lines = new StreamLines();
  private readonly recvColumn: TimeColumn;
  private readonly streamColumn: NumberColumn;
  private readonly lineColumn: TextColumn;
  private readonly sequenceColumn: NumberColumn;
  private readonly typeColumn: TextColumn;
  private fileSequence = 0;

  /** @param open gives the sink for the rows, once their shape is known */
  constructor(feed: Feed, channels: Channels, open: (shape: RowBatch) => RowSink) {
    const { table } = feed;
    this.feed = feed;
    this.framing = feed.framing();
    this.channels = channels;
    const columns = [...FIXED, ...fieldColumns(table, table.messages, TAKEN)];
    this.batch = new RowBatch(columns, new NameTable(), table.priceDecimals, BATCH_ROWS);
    this.recvColumn = this.batch.time("ts_recv");
    this.streamColumn = this.batch.number("stream");
    this.lineColumn = this.batch.text("line");
    this.sequenceColumn = this.batch.number("sequence");
    this.typeColumn = this.batch.text("type");
    this.fields = new FieldRows(table, table.messages, this.batch, TAKEN);
    this.heartbeat = table.messages.find((layout) => layout.name === "heartbeat");
    this.sink = open(this.batch);
  }

  push(frames: FrameBatch): void {
    const { packets } = this;
    for (let frame = 0; frame < frames.count; frame++) {
      packets.clear();
      const channel = this.channels.list[frames.channel[frame]];
      const fault = this.framing.read(
        frames.view,
        frames.offset[frame],
        frames.length[frame],
        frame,
        channel ?? NO_TABLE,
        packets,
      );
      if (fault !== Fault.None) {
        const name = FAULT_NAMES[fault];
        this.faults.set(name, (this.faults.get(name) ?? 0) + 1);
      }
      this.packetRows(frames, frame);
    }
  }

  /** Messages of the exchange's own file, found by `feed.file.split`. */
  pushFile(view: DataView, packets: PacketBatch): void {
    for (let i = 0; i < packets.messageCount; i++) {
      const row = this.open(1, "", ++this.fileSequence);
      this.fill(row, view, packets.messageOffset[i], packets.messageLength[i]);
    }
  }

  finish(): void {
    this.flush();
  }

  private packetRows(frames: FrameBatch, frame: number): void {
    const { packets } = this;
    let cursor = frames.offset[frame];
    const end = cursor + frames.length[frame];
    for (let packet = 0; packet < packets.count; packet++) {
      const stream = packets.stream[packet];
      const line = this.lines.letter(stream, frames.channel[frame], this.channels);
      const first = packets.firstMessage[packet];
      const last = packets.firstMessage[packet + 1];
      const sequence = packets.sequence[packet];
      for (let i = first; i < last; i++) {
        const row = this.captured(frames, frame, stream, line, sequence + i - first);
        const offset = packets.messageOffset[i];
        this.fill(row, frames.view, offset, packets.messageLength[i]);
        cursor = offset + packets.messageLength[i];
      }
      if (packets.kind[packet] === PacketKind.Messages) continue;
      const row = this.captured(frames, frame, stream, line, sequence);
      cursor += this.fillSilent(row, packets.kind[packet], frames.view, cursor, end);
    }
  }

  /** A packet without a message: by the table's heartbeat, if it has one. Returns its length. */
  private fillSilent(
    row: number,
    kind: number,
    view: DataView,
    cursor: number,
    end: number,
  ): number {
    const { heartbeat, feed } = this;
    this.typeColumn.value[row] = KIND_NAMES[kind];
    if (!heartbeat || kind !== PacketKind.Heartbeat) return 0;
    const found = layoutAt(feed.table, view, cursor, end - cursor);
    if (found !== heartbeat) return 0;
    this.fill(row, view, cursor, heartbeat.length);
    return heartbeat.length;
  }

  private captured(
    frames: FrameBatch,
    frame: number,
    stream: number,
    line: string,
    sequence: number,
  ): number {
    const row = this.open(stream, line, sequence);
    this.recvColumn.sec[row] = frames.sec[frame];
    this.recvColumn.nsec[row] = frames.nsec[frame];
    return row;
  }

  private open(stream: number, line: string, sequence: number): number {
    const { batch } = this;
    if (batch.count === batch.capacity) this.flush();
    const row = batch.count++;
    this.rows++;
    batch.clearRow(row);
    this.streamColumn.value[row] = stream;
    this.lineColumn.value[row] = line;
    this.sequenceColumn.value[row] = sequence;
    return row;
  }

  private fill(row: number, view: DataView, offset: number, length: number): void {
    const { table } = this.feed;
    const layout = layoutAt(table, view, offset, length);
    const type = table.typeOffset < length ? view.getUint8(offset + table.typeOffset) : 0;
    this.typeColumn.value[row] = layout?.type ?? (type > 0 ? printable(type) : "");
    if (layout) this.fields.fill(row, layout, view, offset, length);
  }

  private flush(): void {
    if (this.batch.count > 0) this.sink.write(this.batch);
    this.batch.count = 0;
  }
}

/** Line of a channel: the channel table's, or by order of appearance among those of its stream. */
class StreamLines {
  private readonly channelsOf = new Map<number, number[]>();

  letter(stream: number, channel: number, channels: Channels): string {
    const told = channels.list[channel]?.line ?? -1;
    if (told >= 0) return lineLetter(told);
    let seen = this.channelsOf.get(stream);
    if (!seen) {
      seen = [];
      this.channelsOf.set(stream, seen);
    }
    let line = seen.indexOf(channel);
    if (line < 0) line = seen.push(channel) - 1;
    return lineLetter(line);
  }
}

function lineLetter(line: number): string {
  return line < 26 ? String.fromCharCode(65 + line) : String(line + 1);
}

function printable(code: number): string {
  return code > 0x20 && code < 0x7f ? String.fromCharCode(code) : `0x${code.toString(16)}`;
}
