/**
 * What was sent to a shard since its last checkpoint but one, in memory: its mailbox before the ring,
 * and what a new life is given again. Bounded by bytes: beyond the bound the oldest that was sent
 * already is forgotten, and a new life has to ask collectors for it.
 */
export class ShardLog {
  /** Number of the record that was added last; the first is 1. */
  newest = 0;
  bytes = 0;
  bytesMax = 0;
  /** Bytes that have not been sent in this life. */
  unsentBytes = 0;
  /** Records forgotten that no checkpoint contained. */
  forgotten = 0;
  private readonly records: Uint8Array[] = [];
  /** Index of the next record to be sent. */
  private next = 0;
  private readonly bytesLimit: number;

  constructor(bytesLimit: number) {
    this.bytesLimit = bytesLimit;
  }

  /** Number of the oldest record that is still there. */
  get oldest(): number {
    return this.newest - this.records.length + 1;
  }

  /** Number of the record that was sent last in this life, or that it had from its checkpoint. */
  get sent(): number {
    return this.oldest + this.next - 1;
  }

  get hasUnsent(): boolean {
    return this.next < this.records.length;
  }

  /** @param make gives the record that has this number */
  add(make: (number: number) => Uint8Array): void {
    const record = make(++this.newest);
    this.records.push(record);
    this.bytes += record.length;
    this.unsentBytes += record.length;
    while (this.bytes > this.bytesLimit && this.next > 0) this.forget();
    this.bytesMax = Math.max(this.bytesMax, this.bytes);
  }

  /** The next record to send; it counts as sent. */
  take(): Uint8Array | undefined {
    const record = this.records[this.next];
    if (record === undefined) return undefined;
    this.next++;
    this.unsentBytes -= record.length;
    return record;
  }

  /** A checkpoint contains everything up to `number`: those before it are no longer needed. */
  trim(number: number): void {
    while (this.records.length > 0 && this.next > 0 && this.oldest <= number) {
      this.forget();
      this.forgotten--;
    }
  }

  /**
   * A new life contains everything up to `number`: what follows is sent again.
   * @returns false if some of it is no longer here
   */
  rewind(number: number): boolean {
    const isWhole = this.oldest <= number + 1;
    this.next = Math.max(0, number + 1 - this.oldest);
    this.unsentBytes = 0;
    for (let at = this.next; at < this.records.length; at++) {
      this.unsentBytes += this.records[at].length;
    }
    return isWhole;
  }

  /** A record is not to be sent again: `instead` is. */
  replace(number: number, instead: Uint8Array): void {
    const at = number - this.oldest;
    const old = this.records[at];
    if (old === undefined) return;
    this.records[at] = instead;
    this.bytes += instead.length - old.length;
    if (at >= this.next) this.unsentBytes += instead.length - old.length;
  }

  private forget(): void {
    const record = this.records.shift();
    this.bytes -= record?.length ?? 0;
    this.next--;
    this.forgotten++;
  }
}
