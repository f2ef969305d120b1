/**
 * For tests only: a feed whose packets are easy to write by hand, and a bench to run it on.
 *
 * A packet is stream u8, kind u8, session u8, messages u8, numbers u32, sequence f64 (16 bytes,
 * little endian); then each message: exchange time f64, content u32 (12 bytes).
 */

import type { ChannelContext, Framing } from "../feed/feed.ts";
import type { MessageBatch } from "../feed/message-batch.ts";
import { MessageKind, RowFlag } from "../feed/message-batch.ts";
import { Fault, type PacketBatch, PacketKind } from "../feed/packet-batch.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { Sequencer, type SequencerOptions } from "./sequencer.ts";

const HEAD = 16;
const MESSAGE = 12;
/** So early that a double holds its nanoseconds exactly: windows end where a test says. */
const BASE_SEC = 1_000_000;

export class ToyFraming implements Framing {
  readonly sessions = ["", "monday", "tuesday", "wednesday"];

  read(
    view: DataView,
    offset: number,
    length: number,
    frame: number,
    _channel: ChannelContext,
    out: PacketBatch,
  ): Fault {
    if (length < HEAD) return Fault.Truncated;
    const messages = view.getUint8(offset + 3);
    if (length < HEAD + messages * MESSAGE) return Fault.Truncated;
    const kind = view.getUint8(offset + 1);
    const session = view.getUint8(offset + 2);
    const numbers = view.getUint32(offset + 4, true);
    const sequence = view.getFloat64(offset + 8, true);
    out.addPacket(frame, kind, view.getUint8(offset), session, sequence, numbers);
    for (let i = 0; i < messages; i++) out.addMessage(offset + HEAD + i * MESSAGE, MESSAGE);
    return Fault.None;
  }

  messageTime(view: DataView, offset: number, length: number): number {
    return length < MESSAGE ? Number.NaN : view.getFloat64(offset, true);
  }
}

export interface ToyPacket {
  /** ms of capture time. */
  readonly at: number;
  readonly line?: "A" | "B";
  readonly stream?: number;
  readonly kind?: number;
  readonly session?: number;
  readonly sequence: number;
  /** Messages in the packet; default 1. */
  readonly messages?: number;
  /** Numbers it covers; default its messages. */
  readonly numbers?: number;
  /** Exchange time of the first message; the others follow by 1. Default: the sequence. */
  readonly time?: number;
  /** Content; default the sequence of each message. */
  readonly content?: number;
}

/** The bytes of a toy packet. */
export function toyBytes(packet: ToyPacket): Uint8Array {
  const messages = packet.kind === undefined || packet.kind === 0 ? (packet.messages ?? 1) : 0;
  const bytes = new Uint8Array(HEAD + messages * MESSAGE);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, packet.stream ?? 1);
  view.setUint8(1, packet.kind ?? 0);
  view.setUint8(2, packet.session ?? 0);
  view.setUint8(3, messages);
  view.setUint32(4, packet.numbers ?? messages, true);
  view.setFloat64(8, packet.sequence, true);
  for (let i = 0; i < messages; i++) {
    const at = HEAD + i * MESSAGE;
    view.setFloat64(at, (packet.time ?? packet.sequence) + i, true);
    view.setUint32(at + 8, packet.content ?? packet.sequence + i, true);
  }
  return bytes;
}

/** Lays packets one behind the other; channel 0 is line A, channel 1 line B. */
export function toyFrames(packets: readonly ToyPacket[]): FrameBatch {
  const parts = packets.map(toyBytes);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  const frames = new FrameBatch(Math.max(1, packets.length));
  frames.reset(bytes);
  let position = 0;
  parts.forEach((part, i) => {
    const { at, line } = packets[i];
    bytes.set(part, position);
    const sec = BASE_SEC + Math.floor(at / 1000);
    const nsec = Math.round((at - Math.floor(at / 1000) * 1000) * 1e6);
    frames.add(position, part.length, sec, nsec, line === "B" ? 1 : 0);
    position += part.length;
  });
  return frames;
}

export const toyNs = (ms: number): number => BASE_SEC * 1e9 + ms * 1e6;

/** Two lines of one feed. */
export function toyChannels(): Channels {
  const channels = new Channels();
  const common = { group: "239.0.0.1", feed: "toy", stream: 0 };
  channels.add({ ...common, port: 1, line: 0 });
  channels.add({ ...common, port: 2, line: 1 });
  return channels;
}

export interface Delivered {
  readonly kind: number;
  readonly stream: number;
  readonly sequence: number;
  readonly content: number;
  readonly flags: number;
}

/** A sequencer over the toy feed that keeps what it delivers. */
export class ToyBench {
  readonly sequencer: Sequencer;
  readonly delivered: Delivered[] = [];
  readonly framing = new ToyFraming();

  constructor(options: Partial<SequencerOptions> = {}, channels = toyChannels()) {
    const sink = { deliver: (batch: MessageBatch) => this.keep(batch) };
    this.sequencer = new Sequencer(this.framing, channels, sink, options);
  }

  push(...packets: ToyPacket[]): this {
    this.sequencer.push(toyFrames(packets));
    return this;
  }

  /** An answer to a request, asked in `epoch` of the first stream. */
  recover(epoch: number, ...packets: ToyPacket[]): this {
    this.sequencer.recover(toyFrames(packets), 0, epoch);
    return this;
  }

  finish(): this {
    this.sequencer.finish();
    return this;
  }

  /** The delivery in words: `1 2 lost(3) 4G`, `epoch(1)`; flags behind the number. */
  get words(): string {
    return this.delivered.map(word).join(" ");
  }

  private keep(batch: MessageBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const kind = batch.kind[i];
      const message = kind === MessageKind.Message;
      const content = message ? batch.view.getUint32(batch.offset[i] + 8, true) : 0;
      const { stream, sequence, flags } = batch;
      const row = { stream: stream[i], sequence: sequence[i], flags: flags[i] };
      this.delivered.push({ kind, content, ...row });
    }
  }
}

function word(row: Delivered): string {
  if (row.kind === MessageKind.Epoch) return `epoch(${row.sequence})`;
  if (row.kind === MessageKind.Lost) return `lost(${row.sequence})`;
  if (row.kind === MessageKind.Clear) return `clear(${row.sequence})`;
  let flags = "";
  if (row.flags & RowFlag.Recovered) flags += "V";
  if (row.flags & RowFlag.Gap) flags += "G";
  if (row.flags & RowFlag.JoinedLate) flags += "J";
  return `${row.sequence}${flags}`;
}

/** Heartbeat, for `kind`. */
export const HEARTBEAT = PacketKind.Heartbeat;
