/**
 * A piece of text that is written again and again, as words of four bytes: the last of them may write
 * up to three bytes too much, which what follows writes over.
 */
export class JsonKey {
  /** Bytes. */
  readonly length: number;
  /** A string follows, so that its end needs a quote. */
  readonly isQuoted: boolean;
  private readonly words: Uint32Array;

  constructor(text: string, isQuoted: boolean) {
    const bytes = new TextEncoder().encode(text);
    const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    padded.set(bytes);
    const view = new DataView(padded.buffer);
    this.length = bytes.length;
    this.isQuoted = isQuoted;
    this.words = Uint32Array.from({ length: padded.length / 4 }, (_, at) =>
      view.getUint32(at * 4, true),
    );
  }

  /** Returns the place behind it. */
  put(out: DataView, at: number): number {
    const { words } = this;
    for (let i = 0; i < words.length; i++) out.setUint32(at + i * 4, words[i], true);
    return at + this.length;
  }
}
