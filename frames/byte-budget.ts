/**
 * A bound on bytes that are under way, with a queue of those who wait for room, first come first
 * served. Worst case: who asks for more than the whole budget is let in alone.
 */
export class ByteBudget {
  /** Bytes under way, and the most there ever were. */
  used = 0;
  usedMost = 0;
  private readonly limit: number;
  private readonly waiting: { bytes: number; enter: () => void }[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Resolves when there is room; `give` back the same number. */
  take(bytes: number): Promise<void> | undefined {
    if (this.waiting.length === 0 && this.fits(bytes)) {
      this.enter(bytes);
      return undefined;
    }
    return new Promise((enter) => this.waiting.push({ bytes, enter }));
  }

  give(bytes: number): void {
    this.used -= bytes;
    for (let first = this.waiting[0]; first && this.fits(first.bytes); first = this.waiting[0]) {
      this.waiting.shift();
      this.enter(first.bytes);
      first.enter();
    }
  }

  private fits(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.limit;
  }

  private enter(bytes: number): void {
    this.used += bytes;
    this.usedMost = Math.max(this.usedMost, this.used);
  }
}
