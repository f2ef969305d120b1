/**
 * MoldUDP64 1.00: the datagrams in which ITCH travels.
 *
 * | offset | bytes | what                                                            |
 * |--------|-------|-----------------------------------------------------------------|
 * | 0      | 10    | session, text                                                   |
 * | 10     | 8     | sequence of the first message, or the next one if there is none |
 * | 18     | 2     | messages; 0 is a heartbeat, 0xffff the end of the session       |
 * | 20     | 2 + n | each message: its length and its bytes                          |
 *
 * All big-endian. A datagram that is cut brings the messages before the cut: their numbers count,
 * those of the rest stay missing until the other line or a recovery brings them.
 */
import type { ChannelContext, Framing } from "../feed.ts";
import { lengthsByType } from "../lengths.ts";
import { readMessageBlocks } from "../message-blocks.ts";
import { Fault, type PacketBatch, PacketKind } from "../packet-batch.ts";
import { NASDAQ_TABLE } from "./table.ts";

const HEADER_BYTES = 20;
const END_OF_SESSION = 0xffff;
/** Two words of a number stay exact as long as the upper one is below this. */
const EXACT_HIGH_WORD = 0x20_0000;
const TWO_32 = 4_294_967_296;
/** Sessions that one framing tells apart: a day has one. More is noise, and noise is bounded. */
const SESSIONS_LIMIT = 4096;

const LENGTHS = lengthsByType(NASDAQ_TABLE);

export class MoldFraming implements Framing {
  readonly sessions: string[] = [""];
  private readonly numberBySession = new Map<string, number>();
  private last0 = 0;
  private last4 = 0;
  private last8 = 0;
  private lastNumber = -1;

  read(
    view: DataView,
    offset: number,
    length: number,
    frame: number,
    channel: ChannelContext,
    out: PacketBatch,
  ): Fault {
    if (length < HEADER_BYTES) return Fault.Truncated;
    const upper = view.getUint32(offset + 10);
    const sequence = upper * TWO_32 + view.getUint32(offset + 14);
    if (sequence === 0 || upper >= EXACT_HIGH_WORD) return Fault.BadSequence;
    const session = this.sessionNumber(view, offset);
    if (session < 0) return Fault.WrongProtocol;
    const stream = channel.stream || 1;
    const count = view.getUint16(offset + 18);
    if (count === 0 || count === END_OF_SESSION) {
      const kind = count === 0 ? PacketKind.Heartbeat : PacketKind.EndOfSession;
      out.addPacket(frame, kind, stream, session, sequence - 1, 0);
      return length > HEADER_BYTES ? Fault.TrailingBytes : Fault.None;
    }
    const packets = out.count;
    out.addPacket(frame, PacketKind.Messages, stream, session, sequence, 0);
    const fault = readMessageBlocks(
      view,
      offset + HEADER_BYTES,
      offset + length,
      count,
      false,
      LENGTHS,
      out,
    );
    const found = out.messageCount - out.firstMessage[packets];
    if (found === 0) out.count = packets;
    else out.numbers[packets] = found;
    return fault;
  }

  messageTime(view: DataView, offset: number, length: number): number {
    if (length < 11) return Number.NaN;
    return view.getUint16(offset + 5) * TWO_32 + view.getUint32(offset + 7);
  }

  /** Index in `sessions` of the ten letters at `at`; -1 when there are too many to keep apart. */
  private sessionNumber(view: DataView, at: number): number {
    const word0 = view.getInt32(at);
    const word4 = view.getInt32(at + 4);
    const word8 = view.getUint16(at + 8);
    const same = word0 === this.last0 && word4 === this.last4 && word8 === this.last8;
    if (same && this.lastNumber >= 0) return this.lastNumber;
    let letters = "";
    for (let i = 0; i < 10; i++) letters += String.fromCharCode(view.getUint8(at + i));
    let number = this.numberBySession.get(letters);
    if (number === undefined) {
      if (this.sessions.length > SESSIONS_LIMIT) return -1;
      number = this.sessions.length;
      this.sessions.push(letters.replace(/[\0 ]+$/, ""));
      this.numberBySession.set(letters, number);
    }
    this.last0 = word0;
    this.last4 = word4;
    this.last8 = word8;
    this.lastNumber = number;
    return number;
  }
}
