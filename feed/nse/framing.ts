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
import { OFFSET_BITS } from "../columns.ts";
import type { ChannelContext, Framing } from "../feed.ts";
import { Fault, type PacketBatch, PacketKind } from "../packet-batch.ts";
import { HEADER_LENGTH, NSE_MESSAGES, ORDER_LENGTH } from "./table.ts";

const TWO_32 = 4_294_967_296;
const HEARTBEAT = 0x5a;
/** Header and type: no message is shorter. */
const LEAST = HEADER_LENGTH + 1;
const LENGTH_BITS = 0xffff;
const STREAM_SHIFT = 16;
/** Where the timestamp ends. */
const TIME_END = 17;

/** Length by type's byte; 0 where the type is unknown. */
const LENGTHS = new Uint8Array(256);
for (const layout of NSE_MESSAGES) LENGTHS[layout.type.charCodeAt(0)] = layout.length;
const LONGEST = Math.max(...LENGTHS);

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
      let size = view.getInt16(at, true);
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
        const more = readFollowing(view, at + size, end, sequence + 1, out);
        if (more > 0) {
          const last = out.messageCount - 1;
          at = out.messageOffset[last];
          size = out.messageLength[last];
        }
        next = sequence + 1 + more;
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
 * `count` on; calls nothing, and lets the engine prove that no index is out of bounds (`columns.ts`).
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
  const rows = offsets.length;
  const { stream, sequence, count } = out;
  const room = stream.length;
  // What is larger than a mask can tell, `read` reads as well.
  if (from < 0 || lengths.length !== rows || view.byteLength > OFFSET_BITS) return from;
  if (count < 0 || sequence.length !== room) return from;
  let at = from;
  for (let packet = count; at < rows && packet < room; at++, packet++) {
    if (at >= to) return to;
    const offset = offsets[at] & OFFSET_BITS;
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
  return at;
}

/**
 * Adds to the packet opened last the sound messages that continue it, one behind another from `at` on, as far
 * as there is room for them; calls nothing.
 * @param next number that the first of them would have
 * @returns how many they were
 */
function readFollowing(
  view: DataView,
  at: number,
  end: number,
  next: number,
  out: PacketBatch,
): number {
  const { messageOffset: offsets, messageLength: lengths, messageCount } = out;
  const streamBits = out.stream[out.count - 1] << STREAM_SHIFT;
  const room = offsets.length;
  // What is larger than a mask can tell the caller's loop reads as well.
  if (lengths.length !== room || messageCount < 0 || view.byteLength > OFFSET_BITS) return 0;
  const lastStart = end - LONGEST;
  // No message has the number 0, which would come after the last one.
  const most = Math.min(room, messageCount + TWO_32 - next);
  let number = next | 0;
  let message = messageCount;
  while (message < room) {
    if (message >= most || at > lastStart) break;
    const head = view.getInt32(at, true);
    const type = view.getUint8(at + HEADER_LENGTH);
    const size = head & LENGTH_BITS;
    if (size < ORDER_LENGTH || head !== (streamBits | LENGTHS[type])) break;
    if (view.getInt32(at + 4, true) !== number) break;
    offsets[message] = at;
    lengths[message] = size;
    message++;
    number = (number + 1) | 0;
    at = (at + size) & OFFSET_BITS;
  }
  const added = message - messageCount;
  out.messageCount = message;
  out.numbers[out.count - 1] += added;
  out.firstMessage[out.count] = message;
  return added;
}
