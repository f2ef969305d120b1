/**
 * NSE datagrams to packets: stream header (8 bytes), type, message, and again while bytes remain.
 * One message a datagram is what the exchange does; several are read all the same, and those of one
 * stream with consecutive numbers make one packet.
 *
 * Lengths are held to the letter (13, 38, 45): layouts have not changed since 5.x, and a damaged
 * type that were read with another type's length would make a book silently wrong. What follows a
 * bad length is given up, since nothing says where it would go on. Unknown types are packets like
 * any other: they have a number, and the decoder counts them.
 */
import type { ChannelContext, Framing } from "../feed.ts";
import { Fault, type PacketBatch, PacketKind } from "../packet-batch.ts";
import { HEADER_LENGTH, NSE_MESSAGES, ORDER_LENGTH } from "./table.ts";

const TWO_32 = 4_294_967_296;
const HEARTBEAT = 0x5a;
/** Header and type: no message is shorter. */
const LEAST = HEADER_LENGTH + 1;
const LENGTH_BITS = 0xffff;
/** Where the timestamp ends. */
const TIME_END = 17;

/** Length by type's byte; 0 where the type is unknown. */
const LENGTHS = new Uint8Array(256);
for (const layout of NSE_MESSAGES) LENGTHS[layout.type.charCodeAt(0)] = layout.length;

export class NseFraming implements Framing {
  readonly sessions: readonly string[] = [""];

  read(
    view: DataView,
    offset: number,
    length: number,
    frame: number,
    _channel: ChannelContext,
    out: PacketBatch,
  ): Fault {
    if (this.readSingle(view, offset, length, frame, out)) return Fault.None;
    const end = offset + length;
    let at = offset;
    let fault: Fault = length < LEAST ? Fault.Truncated : Fault.None;
    // Stream and number that would continue the packet opened last; no stream is -1.
    let stream = -1;
    let next = 0;
    while (end - at >= LEAST) {
      const size = view.getInt16(at, true);
      const type = view.getUint8(at + HEADER_LENGTH);
      const known = LENGTHS[type];
      if (size < LEAST || (known !== 0 && size !== known)) return Fault.BadLength;
      if (size > end - at) return Fault.Truncated;
      const streamId = view.getInt16(at + 2, true);
      if (streamId < 0) return Fault.WrongProtocol;
      const sequence = view.getUint32(at + 4, true);
      if (type === HEARTBEAT) {
        const last = view.getUint32(at + LEAST, true);
        out.addPacket(frame, PacketKind.Heartbeat, streamId, 0, last, 0);
        stream = -1;
      } else if (sequence === 0) {
        fault = Fault.BadSequence;
      } else {
        if (known === 0 && fault === Fault.None) fault = Fault.UnknownType;
        if (streamId === stream && sequence === next) {
          out.numbers[out.count - 1]++;
        } else {
          out.addPacket(frame, PacketKind.Messages, streamId, 0, sequence, 1);
          stream = streamId;
        }
        out.addMessage(at, size);
        next = sequence + 1;
      }
      at += size;
    }
    if (at < end && fault === Fault.None) return Fault.TrailingBytes;
    return fault;
  }

  /** The fast path: one sound message that fills its datagram. False leaves all to the loop. */
  private readSingle(
    view: DataView,
    offset: number,
    length: number,
    frame: number,
    out: PacketBatch,
  ): boolean {
    if (length < ORDER_LENGTH) return false;
    if (view.getInt16(offset, true) !== length) return false;
    if (LENGTHS[view.getUint8(offset + HEADER_LENGTH)] !== length) return false;
    const streamId = view.getInt16(offset + 2, true);
    const sequence = view.getUint32(offset + 4, true);
    if (streamId < 0 || sequence === 0) return false;
    out.addPacket(frame, PacketKind.Messages, streamId, 0, sequence, 1);
    out.addMessage(offset, length);
    return true;
  }

  readRun(
    view: DataView,
    offsets: Int32Array,
    lengths: Int32Array,
    from: number,
    to: number,
    out: PacketBatch,
  ): number {
    out.reserve(to - from);
    const next = readHeaders(view, offsets, lengths, from, to, out);
    if (next > from) out.addSingles(from, next - from, offsets, lengths);
    return next;
  }

  messageTime(view: DataView, offset: number, length: number): number {
    if (length < TIME_END || LENGTHS[view.getUint8(offset + HEADER_LENGTH)] < TIME_END) {
      return Number.NaN;
    }
    return view.getInt32(offset + 13, true) * TWO_32 + view.getUint32(offset + 9, true);
  }
}

/**
 * Stream and number of datagrams that are one sound message each, into the columns of `out` from its
 * `count` on; calls nothing.
 * @returns index of the first datagram that is not such a one, or `to`
 */
function readHeaders(
  view: DataView,
  offsets: Int32Array,
  lengths: Int32Array,
  from: number,
  to: number,
  out: PacketBatch,
): number {
  const { stream, sequence } = out;
  for (let at = from, packet = out.count; at < to; at++, packet++) {
    const offset = offsets[at];
    const length = lengths[at];
    if (length < ORDER_LENGTH || LENGTHS[view.getUint8(offset + HEADER_LENGTH)] !== length) {
      return at;
    }
    // Length and stream together: their halves of one word.
    const head = view.getInt32(offset, true);
    const number = view.getInt32(offset + 4, true);
    if ((head & LENGTH_BITS) !== length || head < 0 || number === 0) return at;
    stream[packet] = head >> 16;
    sequence[packet] = number >>> 0;
  }
  return to;
}
