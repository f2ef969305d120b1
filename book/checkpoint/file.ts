/**
 * A checkpoint as bytes: a mark, then pieces, each with its length and checksum, so that damage
 * anywhere is found and a file cut short is no checkpoint.
 *
 *   mark (8 bytes) | piece | piece | … | end piece
 *   piece: kind u32 | raw bytes u32 | packed bytes u32 | CRC-32C of the packed bytes u32 | packed
 *
 * First the head (MessagePack), then the buffers one behind the other in pieces of 1 MiB, then the
 * nodes, then the end with the number of pieces. Every piece but the end is zstd. Written piece by
 * piece, so that whoever writes can do something else in between.
 */
import { decode, encode } from "@msgpack/msgpack";
import { crc32c } from "../../frames/chunk-checksum.ts";
import type { Zstd } from "../../frames/zstd-port.ts";
import type { GraphNode } from "./graph.ts";
import type { Outline, StoredLive } from "./live-state.ts";

const MARK = Uint8Array.from("EBCKPT1\n", (letter) => letter.charCodeAt(0));
const HEAD_BYTES = 16;
const PIECE_BYTES = 1 << 20;
/** Nodes in one piece: a piece is then a few milliseconds of work. */
const NODES_AT_ONCE = 2000;

const Kind = { Head: 1, Buffers: 2, Nodes: 3, End: 4 } as const;

/** A record of a shard's mailbox: a number, within one life of the process that gave it. */
export interface RecordPlace {
  readonly session: number;
  readonly number: number;
}

/** What a checkpoint says of itself. */
export interface CheckpointHead {
  /** Of the program and the options that wrote it: another one does not read it. */
  readonly key: string;
  /** Running number of the checkpoint. */
  readonly number: number;
  /** When it was taken, ns since 1970. */
  readonly takenNs: number;
  /** How far every collector's chunks were taken then; more exactly so in the state itself. */
  readonly positions: readonly {
    readonly collector: string;
    readonly boot: number;
    readonly chunk: number;
  }[];
  /** The last of its owner's records that is in it (`shards/shard-log.ts`). */
  readonly record: RecordPlace;
  readonly outline: readonly Outline[];
  /** Length of each buffer, bytes. */
  readonly buffers: readonly number[];
  readonly nodes: number;
}

/** Why a file is no good checkpoint. */
export const CHECKPOINT_FAULTS = {
  not_a_checkpoint: "it does not begin as a checkpoint does",
  truncated: "it is cut short",
  bad_checksum: "a checksum does not match",
  bad_content: "it does not hold what it says",
  other_key: "another version or other options wrote it",
} as const;

export class CheckpointFault {
  readonly code: keyof typeof CHECKPOINT_FAULTS;

  constructor(code: keyof typeof CHECKPOINT_FAULTS) {
    this.code = code;
  }

  get message(): string {
    return CHECKPOINT_FAULTS[this.code];
  }
}

/** The file's bytes from its start to its end; each is valid until the next is asked for. */
export function* checkpointPieces(
  head: CheckpointHead,
  buffers: readonly Uint8Array[],
  nodes: readonly GraphNode[],
  zstd: Zstd,
): Generator<Uint8Array> {
  yield MARK;
  let pieces = 1;
  yield piece(Kind.Head, encode(head), zstd);
  for (const part of partsOf(buffers)) {
    pieces++;
    yield piece(Kind.Buffers, part, zstd);
  }
  for (let from = 0; from < nodes.length; from += NODES_AT_ONCE) {
    pieces++;
    yield piece(Kind.Nodes, encode(nodes.slice(from, from + NODES_AT_ONCE)), zstd);
  }
  yield piece(Kind.End, encode(pieces), null);
}

/** The buffers one behind the other, cut anew every `PIECE_BYTES`; reuses its bytes. */
function* partsOf(buffers: readonly Uint8Array[]): Generator<Uint8Array> {
  const part = new Uint8Array(PIECE_BYTES);
  let used = 0;
  for (const buffer of buffers) {
    for (let at = 0; at < buffer.length; ) {
      const take = Math.min(PIECE_BYTES - used, buffer.length - at);
      part.set(buffer.subarray(at, at + take), used);
      used += take;
      at += take;
      if (used < PIECE_BYTES) continue;
      yield part;
      used = 0;
    }
  }
  if (used > 0) yield part.subarray(0, used);
}

function piece(kind: number, raw: Uint8Array, zstd: Zstd | null): Uint8Array {
  const packed = zstd === null ? raw : zstd.compress(raw);
  const bytes = new Uint8Array(HEAD_BYTES + packed.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, kind, true);
  view.setUint32(4, raw.length, true);
  view.setUint32(8, packed.length, true);
  view.setUint32(12, crc32c(packed), true);
  bytes.set(packed, HEAD_BYTES);
  return bytes;
}

export interface ReadCheckpoint {
  readonly head: CheckpointHead;
  readonly state: StoredLive;
}

/** @param key what the head must have */
export function readCheckpoint(
  bytes: Uint8Array,
  key: string,
  zstd: Zstd,
): ReadCheckpoint | CheckpointFault {
  if (bytes.length < MARK.length || MARK.some((letter, at) => bytes[at] !== letter)) {
    return new CheckpointFault("not_a_checkpoint");
  }
  const reader = new Reader(zstd);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = MARK.length; ; ) {
    if (at + HEAD_BYTES > bytes.length) return new CheckpointFault("truncated");
    const [kind, raw, packed, crc] = [0, 4, 8, 12].map((word) => view.getUint32(at + word, true));
    const from = at + HEAD_BYTES;
    if (from + packed > bytes.length) return new CheckpointFault("truncated");
    if (crc32c(bytes, from, from + packed) !== crc) return new CheckpointFault("bad_checksum");
    const fault = taken(reader, kind, bytes.subarray(from, from + packed), raw, key);
    if (fault !== undefined) return fault;
    if (kind === Kind.End) return reader.result();
    at = from + packed;
  }
}

/** A piece whose checksum is right may still hold anything: then nothing of it can be read. */
function taken(reader: Reader, ...piece: Parameters<Reader["take"]>): CheckpointFault | undefined {
  try {
    return reader.take(...piece);
  } catch {
    return new CheckpointFault("bad_content");
  }
}

/** Gathers what the pieces say. */
class Reader {
  private readonly zstd: Zstd;
  private head: CheckpointHead | undefined;
  private readonly buffers: Uint8Array<ArrayBuffer>[] = [];
  private buffer = 0;
  private used = 0;
  private readonly nodes: GraphNode[] = [];
  private pieces = 0;
  private said = -1;

  constructor(zstd: Zstd) {
    this.zstd = zstd;
  }

  take(
    kind: number,
    packed: Uint8Array,
    rawBytes: number,
    key: string,
  ): CheckpointFault | undefined {
    const bad = new CheckpointFault("bad_content");
    if (kind === Kind.End) {
      this.said = Number(decode(packed));
      return undefined;
    }
    this.pieces++;
    const raw = this.zstd.decompress(packed, rawBytes);
    if (raw === null || (this.head === undefined) !== (kind === Kind.Head)) return bad;
    if (kind === Kind.Head) return this.begin(decode(raw) as CheckpointHead, key);
    if (kind === Kind.Nodes) {
      for (const node of decode(raw) as GraphNode[]) this.nodes.push(node);
      return undefined;
    }
    return kind === Kind.Buffers && this.spread(raw) ? undefined : bad;
  }

  result(): ReadCheckpoint | CheckpointFault {
    const { head, nodes } = this;
    const isWhole = head !== undefined && this.buffer === this.buffers.length;
    if (!isWhole || this.said !== this.pieces || nodes.length !== head.nodes) {
      return new CheckpointFault("bad_content");
    }
    const buffers = this.buffers.map(({ buffer }) => buffer);
    return { head, state: { outline: head.outline, graph: { nodes, buffers } } };
  }

  private begin(head: CheckpointHead, key: string): CheckpointFault | undefined {
    if (head.key !== key) return new CheckpointFault("other_key");
    this.head = head;
    for (const length of head.buffers) this.buffers.push(new Uint8Array(length));
    this.skipFull();
    return undefined;
  }

  private spread(raw: Uint8Array): boolean {
    for (let at = 0; at < raw.length; ) {
      const buffer = this.buffers[this.buffer];
      if (buffer === undefined) return false;
      const take = Math.min(raw.length - at, buffer.length - this.used);
      buffer.set(raw.subarray(at, at + take), this.used);
      this.used += take;
      at += take;
      this.skipFull();
    }
    return true;
  }

  private skipFull(): void {
    while (this.buffers[this.buffer]?.length === this.used) {
      this.buffer++;
      this.used = 0;
    }
  }
}
