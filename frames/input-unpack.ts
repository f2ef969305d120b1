/**
 * Edge: unpacks gzip (several members too) and zstd (several frames, skippable ones too) as a
 * stream. Bytes that do not unpack end it: `damage` says where and why, and all that unpacks
 * before them has been handed out.
 *
 * The runtime's unpackers drop what the last piece of input gave when they fail in the middle of
 * it. So a file that fails is read again, the failing piece in ever smaller ones, down to a byte; a
 * pipe cannot be, and may lose what up to `PIECE_BYTES` of packed input held.
 */
import zlib from "node:zlib";
import type { ByteSource } from "./input-source.ts";
import { ZstdFrames } from "./input-zstd-frames.ts";
import type { Compression } from "./sniff.ts";

const PIECE_BYTES = 65_536;
const BLOCK_BYTES = 1 << 20;
/** Pieces of the second and third reading; a write costs about 15 us, so not bytes at once. */
const FINER_PIECES = [512, 1];

export interface InputDamage {
  /** Offset in the packed file. */
  readonly atByte: number;
  /** For a person. */
  readonly reason: string;
}

type Unpacker = zlib.Gunzip | zlib.ZstdDecompress;

export class Unpack {
  damage: InputDamage | undefined;
  private readonly source: ByteSource;
  private readonly compression: Compression;
  /** Unpacked bytes handed out, over all readings. */
  private given = 0;
  private failed = false;
  /** Packed bytes that the unpacker has taken without complaint. */
  private taken = 0;
  private current: Unpacker | undefined;

  constructor(source: ByteSource, compression: Compression) {
    this.source = source;
    this.compression = compression;
  }

  /** The unpacked bytes of `packed`, which is the source read from its start; once only. */
  async *blocks(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield* this.reading(packed);
    if (!this.failed || !this.source.rereadable) return;
    for (const step of FINER_PIECES) {
      const finer = refined(this.source.pieces(PIECE_BYTES), this.taken, step);
      yield* this.reading(finer);
    }
  }

  /** One reading, as far as it goes: what earlier ones have not given yet. */
  private async *reading(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.taken = 0;
    let at = 0;
    try {
      for await (const block of this.unpack(packed)) {
        const known = Math.min(Math.max(0, this.given - at), block.length);
        at += block.length;
        if (known === block.length) continue;
        this.given = at;
        yield block.subarray(known);
      }
    } catch (cause) {
      this.failed = true;
      this.damage = { atByte: this.taken, reason: this.reason(cause) };
    } finally {
      this.current?.destroy();
    }
  }

  private async *unpack(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const options = { chunkSize: BLOCK_BYTES };
    const stream =
      this.compression === "gzip" ? zlib.createGunzip(options) : zlib.createZstdDecompress(options);
    this.current = stream;
    const feeding = this.feed(stream, packed);
    for await (const block of stream) yield block as Uint8Array;
    await feeding;
  }

  private async feed(stream: Unpacker, packed: AsyncIterable<Uint8Array>): Promise<void> {
    const frames = this.compression === "zstd" ? new ZstdFrames() : undefined;
    // A stream that fails or is closed may never answer the write it is at.
    let closed = () => {};
    stream.once("close", () => closed());
    const written = (piece: Uint8Array) =>
      new Promise<boolean>((resolve) => {
        closed = () => resolve(false);
        stream.write(piece, (error) => resolve(!error));
      });
    try {
      for await (const piece of packed) {
        if (stream.destroyed) return;
        const whole = frames === undefined ? piece.length : frames.push(piece);
        if (whole > 0 && !(await written(piece.subarray(0, whole)))) return;
        this.taken += whole;
        if (whole < piece.length) break;
      }
    } catch (cause) {
      stream.destroy(cause as Error);
      return;
    }
    if (frames !== undefined && !frames.complete) this.damage = this.zstdDamage(frames);
    stream.end();
  }

  private zstdDamage(frames: ZstdFrames): InputDamage {
    if (frames.strayAt >= 0) {
      return { atByte: frames.strayAt, reason: "bytes that are no zstd frame follow" };
    }
    return { atByte: this.taken, reason: "the zstd file ends inside a frame" };
  }

  private reason(cause: unknown): string {
    const { code, message } = cause as { code?: string; message?: string };
    if (code === "Z_BUF_ERROR") return "the gzip file ends before its last member does";
    if (code === "ZSTD_error_frameParameter_windowTooLarge") {
      return "its zstd window is above 128 MiB: unpack it with `zstd -dc --long=31` into `-`";
    }
    return `the ${this.compression} stream does not unpack: ${message ?? String(cause)}`;
  }
}

/** The same bytes: those before `from` in large pieces, those after it in pieces of `step`. */
async function* refined(
  pieces: AsyncIterable<Uint8Array>,
  from: number,
  step: number,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of pieces) {
    const whole = Math.min(Math.max(0, from - at), piece.length);
    if (whole > 0) yield piece.subarray(0, whole);
    for (let i = whole; i < piece.length; i += step) {
      yield piece.subarray(i, Math.min(i + step, piece.length));
    }
    at += piece.length;
  }
}
