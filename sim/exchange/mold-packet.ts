/**
 * MoldUDP64 datagrams from a stream's log, written by hand: session, number of the first message,
 * how many, then each message behind its length. All big-endian.
 *
 *   0 char[10] session   10 u64 first number, or the next one   18 u16 messages   20 (u16, bytes)…
 */
import type { FeedLog } from "./feed-log.ts";

const HEADER_BYTES = 20;
const LENGTH_BYTES = 2;
const END_OF_SESSION = 0xffff;
const WORD = 4294967296;

/** One session for each epoch of a stream, two digits and five: `SIM0100001`. */
export function moldSession(stream: number, epoch: number): string {
  return `SIM${String(stream).padStart(2, "0")}${String(epoch + 1).padStart(5, "0")}`;
}

export class MoldPacket {
  readonly bytes: Uint8Array;
  length = 0;
  /** Messages in it, and the number of the first. */
  messages = 0;
  first = 0;
  private readonly view: DataView;

  /** @param bytesLimit of a datagram; a message alone must fit */
  constructor(bytesLimit: number) {
    this.bytes = new Uint8Array(bytesLimit);
    this.view = new DataView(this.bytes.buffer);
  }

  /** @param first number of the first message, or the next one of a heartbeat */
  begin(stream: number, epoch: number, first: number): void {
    const session = moldSession(stream, epoch);
    for (let i = 0; i < 10; i++) this.bytes[i] = session.charCodeAt(i);
    this.view.setUint32(10, Math.floor(first / WORD));
    this.view.setUint32(14, first % WORD);
    this.view.setUint16(18, 0);
    this.length = HEADER_BYTES;
    this.messages = 0;
    this.first = first;
  }

  /** Adds the message at a position of the log; false, and nothing, where it does not fit. */
  add(log: FeedLog, position: number): boolean {
    const block = log.at(position);
    const slot = log.slot(position);
    const offset = block.offset[slot]!;
    const length = block.length[slot]!;
    const end = this.length + LENGTH_BYTES + length;
    if (end > this.bytes.length) return false;
    this.view.setUint16(this.length, length);
    this.bytes.set(block.bytes.subarray(offset, offset + length), this.length + LENGTH_BYTES);
    this.length = end;
    this.view.setUint16(18, ++this.messages);
    return true;
  }

  endSession(): void {
    this.view.setUint16(18, END_OF_SESSION);
  }
}
