/**
 * IEX-TP version 1: the datagrams in which DEEP and TOPS travel.
 *
 * | offset | bytes | what                                                   |
 * |--------|-------|--------------------------------------------------------|
 * | 0      | 1     | version, 1                                             |
 * | 2      | 2     | protocol of the messages: 0x8004 DEEP 1, 0x8003 TOPS 1.6 |
 * | 4      | 4     | channel                                                |
 * | 8      | 4     | session                                                |
 * | 12     | 2     | bytes of messages that follow                          |
 * | 14     | 2     | messages; 0 is a heartbeat                             |
 * | 16     | 8     | offset of the payload in the stream of the session     |
 * | 24     | 8     | number of the first message, or of the next one        |
 * | 32     | 8     | time of sending, ns since 1970 UTC                     |
 * | 40     | 2 + n | each message: its length and its bytes                 |
 *
 * All little-endian. A datagram that is cut brings the messages before the cut.
 */
import type { ChannelContext, Framing } from "../feed.ts";
import type { FeedTable } from "../layout.ts";
import { lengthsByType } from "../lengths.ts";
import { readMessageBlocks } from "../message-blocks.ts";
import { Fault, type PacketBatch, PacketKind } from "../packet-batch.ts";

const HEADER_BYTES = 40;
const VERSION = 1;
/** Two words of a number stay exact as long as the upper one is below this. */
const EXACT_HIGH_WORD = 0x20_0000;
const TWO_32 = 4_294_967_296;
/** Sessions that one framing tells apart: a day has one. More is noise, and noise is bounded. */
const SESSIONS_LIMIT = 4096;

export class IexFraming implements Framing {
  readonly sessions: string[] = [""];
  private readonly numberBySession = new Map<number, number>();
  private readonly protocols: readonly number[];
  private readonly lengths: Uint32Array;

  /** @param protocols message protocol ids that the table reads */
  constructor(table: FeedTable, protocols: readonly number[]) {
    this.protocols = protocols;
    this.lengths = lengthsByType(table);
  }

  read(
    view: DataView,
    offset: number,
    length: number,
    frame: number,
    channel: ChannelContext,
    out: PacketBatch,
  ): Fault {
    if (length < 4) return Fault.Truncated;
    const isOurs = this.protocols.includes(view.getUint16(offset + 2, true));
    if (view.getUint8(offset) !== VERSION || !isOurs) return Fault.WrongProtocol;
    if (length < HEADER_BYTES) return Fault.Truncated;
    const upper = view.getUint32(offset + 28, true);
    const sequence = upper * TWO_32 + view.getUint32(offset + 24, true);
    if (sequence === 0 || upper >= EXACT_HIGH_WORD) return Fault.BadSequence;
    const session = this.sessionNumber(view.getUint32(offset + 8, true));
    if (session < 0) return Fault.WrongProtocol;
    const stream = channel.stream || view.getInt32(offset + 4, true);
    const count = view.getUint16(offset + 14, true);
    const end = offset + HEADER_BYTES + view.getUint16(offset + 12, true);
    if (count === 0) {
      out.addPacket(frame, PacketKind.Heartbeat, stream, session, sequence - 1, 0);
      return length > HEADER_BYTES ? Fault.TrailingBytes : Fault.None;
    }
    const packet = out.count;
    out.addPacket(frame, PacketKind.Messages, stream, session, sequence, 0);
    const start = offset + HEADER_BYTES;
    const cut = Math.min(end, offset + length);
    const fault = readMessageBlocks(view, start, cut, count, true, this.lengths, out);
    const found = out.messageCount - out.firstMessage[packet];
    if (found === 0) out.count = packet;
    else out.numbers[packet] = found;
    const isLonger = offset + length > end && (fault === Fault.None || fault === Fault.UnknownType);
    return isLonger ? Fault.TrailingBytes : fault;
  }

  messageTime(view: DataView, offset: number, length: number): number {
    if (length < 10) return Number.NaN;
    return view.getInt32(offset + 6, true) * TWO_32 + view.getUint32(offset + 2, true);
  }

  /** Index in `sessions`; -1 when there are too many to keep apart. */
  private sessionNumber(session: number): number {
    const known = this.numberBySession.get(session);
    if (known !== undefined) return known;
    if (this.sessions.length > SESSIONS_LIMIT) return -1;
    this.numberBySession.set(session, this.sessions.length);
    return this.sessions.push(String(session)) - 1;
  }
}
