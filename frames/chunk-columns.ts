/**
 * The `columns` body of a chunk before compression: messages taken apart by their feed's layout
 * table, each value told from what the chunk said before, and like put to like so that zstd makes
 * it small. Any frames come back byte for byte: what the table does not read exactly travels raw in
 * the same body.
 *
 *     varint   seconds that capture times count from
 *     varint   grain of the capture times, in nanoseconds
 *     varint   bytes of all payloads
 *     columns  see `columns/column-pack.ts`; which there are, `columns/plan.ts` says
 *     bytes    payloads of raw frames, one after another
 *
 * A body stands alone. Worst case of reading a hostile one: its payload bytes, which the chunk's
 * limit bounds, and 4 bytes for each value of its columns, which have a limit too.
 */
import type { FeedTable } from "../feed/layout.ts";
import { CHUNK_RAW_BYTES_LIMIT } from "./chunk-header.ts";
import { ByteSink } from "./columns/bit-stream.ts";
import { CaptureClock } from "./columns/capture-clock.ts";
import { ColumnPack } from "./columns/column-pack.ts";
import { ColumnCursors, ColumnSet } from "./columns/column-set.ts";
import { CHUNK_VALUES_LIMIT, COLUMN_VALUES_LIMIT, ColumnUnpack } from "./columns/column-unpack.ts";
import { FrameParser } from "./columns/frame-parser.ts";
import { Model } from "./columns/model.ts";
import { ESCAPE } from "./columns/number-class.ts";
import { Column, type FeedPlan, planOf } from "./columns/plan.ts";
import { PackPort, UnpackPort } from "./columns/port.ts";
import type { FrameBatch } from "./frame-batch.ts";

/** Clocks tick in one of these; the largest that divides every capture time is taken. */
const GRAINS_NS = [1_000_000, 1000, 100, 1];
const NOTHING: DataView = new DataView(new ArrayBuffer(0));

/** True if the feed's frames can travel in columns. */
export function hasColumns(table: FeedTable): boolean {
  return planOf(table) !== undefined;
}

/** Packs frames of one feed; keeps its buffers from chunk to chunk. */
export class ColumnsPacker {
  /** Ends of the parts of the last body that are best compressed apart. */
  readonly cuts: number[] = [];
  private readonly plan: FeedPlan;
  private readonly columns: ColumnSet;
  private readonly port: PackPort;
  private readonly model: Model;
  private readonly parser: FrameParser;
  private readonly clock = new CaptureClock();
  private readonly packer = new ColumnPack();
  private readonly body = new ByteSink(1 << 16);
  private readonly raw = new ByteSink();

  constructor(plan: FeedPlan) {
    this.plan = plan;
    this.columns = new ColumnSet(plan.columns);
    this.port = new PackPort(this.columns, plan.littleEndian);
    this.model = new Model(plan, this.port);
    this.parser = new FrameParser(plan);
  }

  /**
   * The body of all frames, valid until the next call; `null` where they are too many values.
   * @param channelMap index in the chunk's channels for each channel of the batch
   */
  pack(frames: FrameBatch, channelMap: Int32Array): Uint8Array | null {
    const { columns, port, model, body, clock, raw } = this;
    columns.clear();
    port.clear();
    model.clear();
    raw.length = body.length = this.cuts.length = 0;
    port.view = frames.view;
    clock.clear(frames.count === 0 ? 0 : frames.sec[0], grainOf(frames));
    let payloadBytes = 0;
    let channelBefore = 0;
    for (let i = 0; i < frames.count; i++) {
      payloadBytes += frames.length[i];
      const channel = channelMap[frames.channel[i]];
      columns.push(Column.FrameChannel, channel - channelBefore);
      channelBefore = channel;
      this.frame(frames, i, channel);
      this.captureTime(frames.sec[i], frames.nsec[i]);
    }
    if (!withinLimits(columns)) return null;
    body.varint(clock.baseSec);
    body.varint(clock.grainNs);
    body.varint(payloadBytes);
    this.packer.pack(columns, body, this.cuts);
    body.append(raw.bytes, 0, raw.length);
    this.cuts.push(body.length);
    port.view = NOTHING;
    return body.bytes.subarray(0, body.length);
  }

  private frame(frames: FrameBatch, i: number, channel: number): void {
    const { columns, model, parser, plan } = this;
    const start = frames.offset[i];
    const length = frames.length[i];
    const count = parser.parse(frames.view, start, length);
    model.begin();
    columns.push(Column.FrameMessages, count + 1);
    if (count < 0) {
      columns.push(Column.FrameLength, length);
      this.raw.append(frames.bytes, start, start + length);
      return;
    }
    model.header(start, channel, count);
    for (let m = 0; m < count; m++) {
      const index = model.type(parser.layout[m]);
      model.message(parser.at[m], plan.layouts[index], m === 0, channel);
    }
    model.headerLength(start, channel, length - plan.shape.headerBytes);
  }

  private captureTime(sec: number, nsec: number): void {
    const { columns, model, clock } = this;
    const exchangeNs = clock.exchangeNs(model);
    const difference = clock.difference(sec, nsec, exchangeNs);
    columns.push(model.isTimed ? Column.CaptureTimed : Column.CaptureUntimed, difference);
    if (difference !== ESCAPE) return;
    columns.push(Column.Wide, sec);
    columns.push(Column.Wide, nsec);
  }
}

/** Unpacks what `ColumnsPacker` made; keeps its buffers from chunk to chunk. */
export class ColumnsUnpacker {
  private readonly plan: FeedPlan;
  private readonly columns: ColumnCursors;
  private readonly port: UnpackPort;
  private readonly model: Model;
  private readonly clock = new CaptureClock();
  private readonly unpacker = new ColumnUnpack();
  private bytes = new Uint8Array(1 << 16);
  private payloadBytes = 0;
  private body: Uint8Array = new Uint8Array(0);
  private rawAt = 0;

  constructor(plan: FeedPlan) {
    this.plan = plan;
    this.columns = new ColumnCursors(plan.columns);
    this.port = new UnpackPort(this.columns, plan.littleEndian);
    this.model = new Model(plan, this.port);
  }

  /**
   * Reads `count` frames of a body; the batch lies over a buffer of this unpacker's until the next
   * call.
   * @param channelMap index in the reader's channels for each channel of the chunk
   * @returns false if the body does not hold exactly these frames
   */
  unpack(body: Uint8Array, count: number, channelMap: Int32Array, out: FrameBatch): boolean {
    if (count > out.capacity || !this.open(body)) return false;
    const { columns, port } = this;
    out.reset(this.bytes.subarray(0, this.payloadBytes));
    port.view = out.view;
    let at = 0;
    let channel = 0;
    for (let i = 0; i < count; i++) {
      channel += columns.next(Column.FrameChannel);
      if (!(channel >= 0 && channel < channelMap.length)) return false;
      const end = this.frame(at, channel);
      if (end < 0 || !port.sound || !columns.sound || !this.captureTime()) return false;
      out.add(at, end - at, this.clock.sec, this.clock.nsec, channelMap[channel]);
      at = end;
    }
    return at === this.payloadBytes && this.rawAt === body.length && columns.exact;
  }

  /** Reads the head and the columns. */
  private open(body: Uint8Array): boolean {
    const head = [0, 0, 0];
    let at = 0;
    for (let i = 0; i < head.length; i++) {
      let byte = 128;
      for (let shift = 0; byte > 127 && shift < 35; shift += 7) {
        if (at === body.length) return false;
        byte = body[at++];
        head[i] = (head[i] | ((byte & 127) << shift)) >>> 0;
      }
    }
    const [baseSec, grainNs, payloadBytes] = head;
    if (payloadBytes > CHUNK_RAW_BYTES_LIMIT || !GRAINS_NS.includes(grainNs)) return false;
    if (!this.unpacker.unpack(body, at, this.columns)) return false;
    if (this.bytes.length < payloadBytes) this.bytes = new Uint8Array(payloadBytes * 2);
    this.payloadBytes = payloadBytes;
    this.body = body;
    this.rawAt = this.unpacker.end;
    this.clock.clear(baseSec, grainNs);
    this.model.clear();
    this.port.clear();
    return true;
  }

  /** Builds the frame at `start`; returns its end, or -1 if there is no such frame. */
  private frame(start: number, channel: number): number {
    const { columns, model, port, plan } = this;
    const messages = columns.next(Column.FrameMessages) - 1;
    model.begin();
    if (messages < 0) return this.rawFrame(start);
    const { headerBytes, lengthBytes, littleEndian } = plan.shape;
    let at = start + headerBytes;
    if (at > this.payloadBytes) return -1;
    model.header(start, channel, messages);
    for (let m = 0; m < messages; m++) {
      const index = model.type(0);
      if (index < 0) return -1;
      const layout = plan.layouts[index];
      const message = at + lengthBytes;
      at = message + layout.length;
      if (at > this.payloadBytes) return -1;
      if (lengthBytes === 2) port.view.setUint16(message - 2, layout.length, littleEndian);
      port.view.setUint8(message + plan.typeOffset, layout.type);
      model.message(message, layout, m === 0, channel);
      if (!port.sound) return -1;
    }
    model.headerLength(start, channel, at - start - headerBytes);
    return at;
  }

  private rawFrame(start: number): number {
    const length = this.columns.next(Column.FrameLength);
    const end = start + length;
    const rawEnd = this.rawAt + length;
    if (length < 0 || end > this.payloadBytes || rawEnd > this.body.length) return -1;
    this.bytes.set(this.body.subarray(this.rawAt, rawEnd), start);
    this.rawAt = rawEnd;
    return end;
  }

  private captureTime(): boolean {
    const { columns, model, clock } = this;
    const exchangeNs = clock.exchangeNs(model);
    const difference = columns.next(model.isTimed ? Column.CaptureTimed : Column.CaptureUntimed);
    if (difference !== ESCAPE) return clock.read(difference, exchangeNs);
    const sec = columns.next(Column.Wide) >>> 0;
    clock.readEscaped(sec, columns.next(Column.Wide) >>> 0, exchangeNs);
    return true;
  }
}

function grainOf(frames: FrameBatch): number {
  let grain = 0;
  for (let i = 0; i < frames.count; i++) {
    while (frames.nsec[i] % GRAINS_NS[grain] !== 0) grain++;
  }
  return GRAINS_NS[grain];
}

function withinLimits(columns: ColumnSet): boolean {
  let total = 0;
  for (const count of columns.counts) {
    if (count > COLUMN_VALUES_LIMIT) return false;
    total += count;
  }
  return total <= CHUNK_VALUES_LIMIT;
}
