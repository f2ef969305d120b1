/**
 * Walks the frames and blocks of a zstd stream (RFC 8878) without unpacking them. The runtime's own
 * stream ends in silence when a zstd file is cut or followed by something else; this says so, and
 * where. Memory: a few header bytes; a block is only counted off.
 */

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

type State = "magic" | "skip size" | "header" | "block" | "checksum";

export class ZstdFrames {
  /** Offset of the first byte that is no part of a zstd frame; -1 while there is none. */
  strayAt = -1;
  private state: State = "magic";
  private readonly pending = new Uint8Array(16);
  private held = 0;
  private wanted = 4;
  private toSkip = 0;
  private lastBlock = false;
  private checksum = false;
  private offset = 0;

  /** Whether the stream may end here: a frame is complete and no other has begun. */
  get complete(): boolean {
    return this.state === "magic" && this.held === 0 && this.toSkip === 0;
  }

  /** Takes the next bytes of the file; returns how many of them belong to zstd frames. */
  push(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.strayAt < 0) {
      if (this.toSkip > 0) {
        const step = Math.min(this.toSkip, bytes.length - at);
        this.toSkip -= step;
        at += step;
        continue;
      }
      this.pending[this.held++] = bytes[at++];
      if (this.held === this.wanted) this.step(this.offset + at);
    }
    this.offset += bytes.length;
    if (this.strayAt < 0) return bytes.length;
    return Math.max(0, this.strayAt - (this.offset - bytes.length));
  }

  private expect(state: State, bytes: number): void {
    this.state = state;
    this.wanted = bytes;
    this.held = 0;
  }

  private step(end: number): void {
    switch (this.state) {
      case "magic":
        this.readMagic(end);
        break;
      case "skip size":
        this.toSkip = this.word();
        this.expect("magic", 4);
        break;
      case "header":
        this.readHeader();
        break;
      case "block":
        this.readBlock(end);
        break;
      default:
        this.expect("magic", 4);
    }
  }

  private readMagic(end: number): void {
    const magic = this.word();
    if (magic === MAGIC) this.expect("header", 1);
    else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) this.expect("skip size", 4);
    else this.strayAt = end - 4;
  }

  /** The first byte says how long the header is; the second, if it is one, the window. */
  private readHeader(): void {
    const descriptor = this.pending[0];
    const single = (descriptor & 0x20) !== 0;
    const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6];
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
    const length = 1 + (single ? 0 : 1) + dictionaryBytes + sizeBytes;
    if (this.held < length) {
      this.wanted = length;
      return;
    }
    this.checksum = (descriptor & 4) !== 0;
    this.expect("block", 3);
  }

  private readBlock(end: number): void {
    const header = this.pending[0] | (this.pending[1] << 8) | (this.pending[2] << 16);
    const type = (header >> 1) & 3;
    if (type === 3) {
      this.strayAt = end - 3;
      return;
    }
    this.lastBlock = (header & 1) !== 0;
    // A block of one repeated byte holds that byte, whatever its size.
    this.toSkip = type === 1 ? 1 : header >> 3;
    if (!this.lastBlock) this.expect("block", 3);
    else if (this.checksum) this.expect("checksum", 4);
    else this.expect("magic", 4);
  }

  private word(): number {
    const p = this.pending;
    return (p[0] | (p[1] << 8) | (p[2] << 16) | (p[3] << 24)) >>> 0;
  }
}
