/**
 * Retransmission in MoldUDP64: a request packet to a UDP server, ordinary packets back.
 *
 * | offset | bytes | what                                  |
 * |--------|-------|---------------------------------------|
 * | 0      | 10    | session, text                         |
 * | 10     | 8     | sequence of the first message wanted  |
 * | 18     | 2     | messages wanted                       |
 *
 * All big-endian. A server sends what fits in one packet, some send several: whatever is missing
 * when nothing more comes is asked for again. There is no refusal; silence is one.
 */
import type { RecoveryProtocol, RecoveryReply, ReplyState, TakeFrame } from "../recovery.ts";

const HEADER_BYTES = 20;
/** 0xffff would be the end of the session. */
const MOST_MESSAGES = 0xfffe;
const TWO_32 = 4_294_967_296;
const END_OF_SESSION = 0xffff;

export function moldRequest(session: string, first: number, messages: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 10; i++) bytes[i] = i < session.length ? session.charCodeAt(i) : 0x20;
  view.setUint32(10, Math.floor(first / TWO_32));
  view.setUint32(14, first % TWO_32);
  view.setUint16(18, messages);
  return bytes;
}

/** What a request packet asks for; undefined for bytes that are none. */
export function readMoldRequest(
  bytes: Uint8Array,
): { session: string; first: number; messages: number } | undefined {
  if (bytes.length !== HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint32(10) * TWO_32 + view.getUint32(14);
  return { session: sessionOf(bytes), first, messages: view.getUint16(18) };
}

class MoldReply implements RecoveryReply {
  next: number;
  private readonly session: string;
  private readonly last: number;

  constructor(session: string, first: number, last: number) {
    this.session = session;
    this.next = first;
    this.last = last;
  }

  /** One datagram; it may begin before what is next, and end after what was asked for. */
  push(bytes: Uint8Array, take: TakeFrame): ReplyState {
    if (bytes.length < HEADER_BYTES || sessionOf(bytes) !== this.session) return "wrong";
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const first = view.getUint32(10) * TWO_32 + view.getUint32(14);
    const count = view.getUint16(18);
    if (count === 0 || count === END_OF_SESSION) return "more";
    if (first > this.next || !holds(view, bytes.length, count)) return "wrong";
    const end = first + count;
    if (end <= this.next) return "more";
    take(bytes, 0, bytes.length);
    this.next = end;
    return this.next > this.last ? "done" : "more";
  }
}

/** The lengths of its messages fill the datagram exactly. */
function holds(view: DataView, length: number, count: number): boolean {
  let at = HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    if (at + 2 > length) return false;
    at += 2 + view.getUint16(at);
  }
  return at === length;
}

function sessionOf(bytes: Uint8Array): string {
  let letters = "";
  for (let i = 0; i < 10; i++) letters += String.fromCharCode(bytes[i]);
  return letters.replace(/[\0 ]+$/, "");
}

export const MOLD_RECOVERY: RecoveryProtocol = {
  transport: "udp",
  limits: {
    messagesPerRequest: MOST_MESSAGES,
    connections: 4,
    spacingNs: 1e6,
    requestWithinNs: 1e9,
  },
  quietNs: 20e6,
  request: (_stream, session, first, last) => moldRequest(session, first, last - first + 1),
  reply: (_stream, session, first, last) => new MoldReply(session, first, last),
};
