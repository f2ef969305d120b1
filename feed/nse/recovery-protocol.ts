/**
 * NSE's tick recovery and order book snapshot as `RecoveryProtocol`: one request a connection, the
 * reply first, then messages as they were multicast, or the image.
 *
 * An answer is believed message by message: stream, number and length must be what comes next. A
 * short one leaves the rest missing; one that holds anything else ends where it went wrong.
 */
import type {
  RecoveryLimits,
  RecoveryProtocol,
  RecoveryReply,
  ReplyState,
  SnapshotProtocol,
  SnapshotReply,
  TakeFrame,
} from "../recovery.ts";
import { MOST_RECOVERED, readReply, readSnapshotHeader, writeRequest } from "./recovery.ts";
import {
  REPLY_LENGTH,
  REQUEST_LENGTH,
  SNAPSHOT_HEADER_LENGTH,
  SNAPSHOT_RECORD_LENGTH,
} from "./recovery-table.ts";
import { HEADER_LENGTH, NSE_MESSAGES } from "./table.ts";

/** The largest snapshot that the exchange sends. */
const SNAPSHOT_BYTES_LIMIT = 75 << 20;
const TWO_32 = 4_294_967_296;
const HEARTBEAT = 0x5a;

/** Length by type's byte; 0 for what no answer may hold. */
const LENGTHS = new Uint8Array(256);
for (const { type, length } of NSE_MESSAGES) LENGTHS[type.charCodeAt(0)] = length;
LENGTHS[HEARTBEAT] = 0;

export const NSE_LIMITS: RecoveryLimits = {
  messagesPerRequest: MOST_RECOVERED,
  connections: 13,
  // The exchange wants 10 ms; the network may bring two requests nearer together than they left.
  spacingNs: 12e6,
  requestWithinNs: 1e9,
};

class TickReply implements RecoveryReply {
  next: number;
  private readonly stream: number;
  private readonly last: number;
  private readonly pieces = new Pieces();
  private replied = false;

  constructor(stream: number, first: number, last: number) {
    this.stream = stream;
    this.next = first;
    this.last = last;
  }

  push(bytes: Uint8Array, take: TakeFrame): ReplyState {
    this.pieces.add(bytes);
    const state = this.read(take);
    this.pieces.keep();
    return state;
  }

  private read(take: TakeFrame): ReplyState {
    const { pieces } = this;
    if (!this.replied) {
      const state = readHead(pieces, "recovery", this.stream);
      if (state !== "done") return state;
      this.replied = true;
    }
    while (this.next <= this.last && pieces.left > HEADER_LENGTH) {
      const { view, at } = pieces;
      const length = view.getInt16(at, true);
      if (length < 1 || length !== LENGTHS[view.getUint8(at + HEADER_LENGTH)]) return "wrong";
      const isNext = view.getUint32(at + 4, true) === this.next;
      if (!isNext || view.getInt16(at + 2, true) !== this.stream) return "wrong";
      if (pieces.left < length) return "more";
      take(pieces.bytes, at, length);
      pieces.at += length;
      this.next++;
    }
    if (this.next <= this.last) return "more";
    return pieces.left === 0 ? "done" : "wrong";
  }
}

class ImageReply implements SnapshotReply {
  bytesExpected = 0;
  lastSequence = 0;
  records = new Uint8Array(0);
  private readonly stream: number;
  private readonly pieces = new Pieces();
  private replied = false;
  private filled = 0;

  constructor(stream: number) {
    this.stream = stream;
  }

  push(bytes: Uint8Array): ReplyState {
    if (this.bytesExpected > 0) return this.fill(bytes);
    this.pieces.add(bytes);
    const state = this.readHeader();
    this.pieces.keep();
    return state;
  }

  private readHeader(): ReplyState {
    const { pieces } = this;
    if (!this.replied) {
      const state = readHead(pieces, "snapshot", this.stream);
      if (state !== "done") return state;
      this.replied = true;
    }
    if (pieces.left < SNAPSHOT_HEADER_LENGTH) return "more";
    const header = readSnapshotHeader(pieces.view, pieces.at, pieces.left);
    if (header === undefined || header.stream !== this.stream) return "wrong";
    const size = header.orders * SNAPSHOT_RECORD_LENGTH;
    if (size + SNAPSHOT_HEADER_LENGTH > SNAPSHOT_BYTES_LIMIT) return "wrong";
    this.bytesExpected = SNAPSHOT_HEADER_LENGTH + size;
    this.lastSequence = header.lastSequence;
    // Grows with what really comes: a header alone must not take 75 MB.
    this.records = new Uint8Array(Math.min(size, 1 << 16));
    return this.fill(pieces.bytes.subarray(pieces.at + SNAPSHOT_HEADER_LENGTH, pieces.end));
  }

  private fill(bytes: Uint8Array): ReplyState {
    const size = this.bytesExpected - SNAPSHOT_HEADER_LENGTH;
    const filled = this.filled + bytes.length;
    if (filled > size) return "wrong";
    if (filled > this.records.length) {
      const grown = new Uint8Array(Math.min(size, Math.max(filled, this.records.length * 2)));
      grown.set(this.records.subarray(0, this.filled));
      this.records = grown;
    }
    this.records.set(bytes, this.filled);
    this.filled = filled;
    if (filled < size) return "more";
    this.records = this.records.subarray(0, size);
    return areRecords(this.records) ? "done" : "wrong";
  }
}

/** Each record is an N or a G: anything else is no image. */
function areRecords(records: Uint8Array): boolean {
  for (let at = 0; at < records.length; at += SNAPSHOT_RECORD_LENGTH) {
    if (records[at] !== 0x4e && records[at] !== 0x47) return false;
  }
  return true;
}

const snapshots: SnapshotProtocol = {
  recordBytes: SNAPSHOT_RECORD_LENGTH,
  bytesLimit: SNAPSHOT_BYTES_LIMIT,
  request: (stream) => request("snapshot", stream, 0, 0),
  reply: (stream) => new ImageReply(stream),
  /** By time, then by id: the exchange does not say in which order the records stand. */
  compare(view, a, b) {
    const high = view.getInt32(a + 5, true) - view.getInt32(b + 5, true);
    if (high !== 0) return high;
    const low = view.getUint32(a + 1, true) - view.getUint32(b + 1, true);
    return low !== 0 ? low : view.getFloat64(a + 9, true) - view.getFloat64(b + 9, true);
  },
  recordTime: (view, at) => view.getInt32(at + 5, true) * TWO_32 + view.getUint32(at + 1, true),
};

/** @param hasSnapshots CM, FO and CD; no endpoint is known for commodities */
export function nseRecovery(hasSnapshots: boolean): RecoveryProtocol {
  return {
    transport: "tcp",
    limits: NSE_LIMITS,
    request: (stream, _session, first, last) => request("recovery", stream, first, last),
    reply: (stream, _session, first, last) => new TickReply(stream, first, last),
    ...(hasSnapshots ? { snapshots } : {}),
  };
}

function request(kind: "recovery" | "snapshot", stream: number, first: number, last: number) {
  const bytes = new Uint8Array(REQUEST_LENGTH);
  writeRequest({ kind, stream, first, last }, new DataView(bytes.buffer), 0);
  return bytes;
}

/** The ten bytes that every answer begins with. */
function readHead(pieces: Pieces, kind: "recovery" | "snapshot", stream: number): ReplyState {
  if (pieces.left < REPLY_LENGTH) return "more";
  const reply = readReply(pieces.view, pieces.at, pieces.left);
  if (reply === undefined || reply.kind !== kind || reply.stream !== stream) return "wrong";
  pieces.at += REPLY_LENGTH;
  return reply.success ? "done" : "refused";
}

/** What came and was not read yet, in one run of bytes. */
class Pieces {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  at = 0;
  end = 0;

  get left(): number {
    return this.end - this.at;
  }

  add(piece: Uint8Array): void {
    const { left } = this;
    if (left === 0) this.lieOver(piece);
    else {
      const joined = new Uint8Array(left + piece.length);
      joined.set(this.bytes.subarray(this.at, this.end));
      joined.set(piece, left);
      this.lieOver(joined);
    }
  }

  /** The bytes that were lent go back: what is left of them is copied. */
  keep(): void {
    this.lieOver(this.bytes.slice(this.at, this.end));
  }

  private lieOver(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.end = bytes.length;
  }
}
