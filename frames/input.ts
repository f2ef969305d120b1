/**
 * Edge: opens a file or standard input, unpacks it, and says by its content what it is. The same
 * door for captures, chunk files and an exchange's own files.
 */
import { ByteSource } from "./input-source.ts";
import { type InputDamage, Unpack } from "./input-unpack.ts";
import {
  type Compression,
  type InputKind,
  SNIFF_BYTES,
  sniffCompression,
  sniffKind,
} from "./sniff.ts";

/** Enough of an unknown file for its feed to be recognised. */
const HEAD_BYTES = 4096;
const BLOCK_BYTES = 1 << 20;
const PACKED_BYTES = 65_536;

export interface Input {
  /** As it was given; `-` is standard input. */
  readonly path: string;
  readonly kind: InputKind;
  readonly compression: Compression;
  /** The first bytes, unpacked: up to 4,096 of a file that is no capture, at least 12 of others. */
  readonly head: Uint8Array;
  /** Size of the (packed) file in bytes; undefined for a pipe. */
  readonly sizeBytes: number | undefined;
  /** Bytes of the (packed) file read so far, for a progress line. */
  readonly readBytes: number;
  /** What was wrong with the packing, once `blocks` has come to its end. */
  readonly damage: InputDamage | undefined;
  /** The whole content, unpacked, from its first byte; once only. A block is valid until the next. */
  blocks(): AsyncIterable<Uint8Array>;
  close(): void;
}

/** Opens FILE or `-`; throws `InputError` where there is nothing to read. */
export async function openInput(path: string): Promise<Input> {
  const source = new ByteSource(path);
  try {
    const raw = new Peeked(source.pieces(source.rereadable ? BLOCK_BYTES : PACKED_BYTES));
    const compression = sniffCompression(await raw.peek(SNIFF_BYTES));
    return compression === "none"
      ? await described(source, compression, raw, undefined)
      : await unpacked(source, compression, raw);
  } catch (cause) {
    source.close();
    throw cause;
  }
}

async function unpacked(source: ByteSource, compression: Compression, raw: Peeked): Promise<Input> {
  const unpack = new Unpack(source, compression);
  const packed = source.rereadable ? source.pieces(PACKED_BYTES) : raw.rest();
  return described(source, compression, new Peeked(unpack.blocks(packed)), unpack);
}

async function described(
  source: ByteSource,
  compression: Compression,
  content: Peeked,
  unpack: Unpack | undefined,
): Promise<Input> {
  const kind = sniffKind(await content.peek(SNIFF_BYTES));
  const first = kind === "other" ? await content.peek(HEAD_BYTES) : await content.peek(SNIFF_BYTES);
  const head = first.slice(0, HEAD_BYTES);
  return {
    path: source.path,
    kind,
    compression,
    head,
    sizeBytes: source.sizeBytes,
    get readBytes() {
      return source.readBytes;
    },
    get damage() {
      return unpack?.damage;
    },
    blocks: () => content.rest(),
    close: () => source.close(),
  };
}

/** Pieces of a stream, the first of which can be looked at before they are taken. */
class Peeked {
  private readonly pieces: AsyncGenerator<Uint8Array>;
  private first: Uint8Array = new Uint8Array(0);
  private ended = false;

  constructor(pieces: AsyncGenerator<Uint8Array>) {
    this.pieces = pieces;
  }

  /** At least `length` bytes from the start, fewer only where the stream is shorter. */
  async peek(length: number): Promise<Uint8Array> {
    while (this.first.length < length && !this.ended) {
      // A piece is gone when the next is asked for, so what is kept is copied first.
      const kept = this.first.slice();
      const next = await this.pieces.next();
      this.ended = next.done === true;
      this.first = next.done === true ? kept : joined(kept, next.value);
    }
    return this.first;
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    if (this.first.length > 0) yield this.first;
    this.first = new Uint8Array(0);
    yield* this.pieces;
  }
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  if (head.length === 0) return tail;
  const both = new Uint8Array(head.length + tail.length);
  both.set(head);
  both.set(tail, head.length);
  return both;
}
