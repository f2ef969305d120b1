/**
 * Datagrams of any exchange, told only where their sequence number stands: enough to arbitrate, to
 * count gaps, to replay and to certify. A datagram is one opaque message that covers as many
 * numbers as its count field says (1 where it has none).
 *
 * What a number means is fixed, for want of anybody to ask: it is that of the datagram's first
 * message; with a count of 0 it is a heartbeat's, the *next* number, as MoldUDP64 and its kin have
 * it. Number 0 on a message, numbers from 2^53 on, and a count beyond the datagram's bytes, cannot
 * be.
 * Narrow numbers that wrap within a day look like an exchange that starts again.
 */
import type { ChannelContext, Framing } from "../feed.ts";
import { Fault, type PacketBatch, PacketKind } from "../packet-batch.ts";

const TWO_32 = 4_294_967_296;

export class SequencedFraming implements Framing {
  readonly sessions: readonly string[] = [""];

  read(
    view: DataView,
    offset: number,
    length: number,
    frame: number,
    channel: ChannelContext,
    out: PacketBatch,
  ): Fault {
    const field = channel.sequenceField;
    if (field === undefined) return Fault.WrongProtocol;
    const { count, littleEndian } = field;
    if (field.offset + field.width > length) return Fault.Truncated;
    if (count !== undefined && count.offset + count.width > length) return Fault.Truncated;
    const sequence = unsigned(view, offset + field.offset, field.width, littleEndian);
    const numbers =
      count === undefined ? 1 : unsigned(view, offset + count.offset, count.width, littleEndian);
    if (numbers > length) return Fault.BadLength;
    if (!(sequence + (numbers - 1) <= Number.MAX_SAFE_INTEGER)) return Fault.BadSequence;
    const stream = channel.stream || 1;
    if (numbers === 0) {
      // Before its first message an exchange that counts from 0 has nothing to name.
      const last = Math.max(0, sequence - 1);
      out.addPacket(frame, PacketKind.Heartbeat, stream, 0, last, 0);
      return Fault.None;
    }
    if (sequence === 0) return Fault.BadSequence;
    out.addPacket(frame, PacketKind.Messages, stream, 0, sequence, numbers);
    out.addMessage(offset, length);
    return Fault.None;
  }

  messageTime(): number {
    return Number.NaN;
  }
}

/** Unsigned number of 1, 2, 4 or 8 bytes; from 2^53 on, and of any other width, NaN. */
function unsigned(view: DataView, at: number, width: number, little: boolean): number {
  switch (width) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, little);
    case 4:
      return view.getUint32(at, little);
    case 8: {
      const hi = view.getUint32(little ? at + 4 : at, little);
      const lo = view.getUint32(little ? at : at + 4, little);
      return hi >>> 21 === 0 ? hi * TWO_32 + lo : Number.NaN;
    }
    default:
      return Number.NaN;
  }
}
