/**
 * The time stamps of one pcapng interface: 64 bits of units that the interface's description
 * defines (a negative power of ten or of two of a second), plus an offset in seconds. Exact: a
 * nanosecond is floored, never rounded. Units down to 10^-9 and 2^-32 cost three divisions of
 * doubles; finer ones go through BigInt.
 */
const TWO32 = 0x1_0000_0000;

export class PcapngClock {
  /** Result of `set`: seconds since 1970 UTC, and nanoseconds. */
  sec = 0;
  nsec = 0;
  private readonly binary: boolean;
  private readonly exponent: number;
  private readonly offsetSec: number;
  private readonly perSecond: number;
  private readonly nsPerUnit: number;

  /** `resolution` as if_tsresol has it: the exponent, with the top bit set for powers of two. */
  constructor(resolution: number, offsetSec: number) {
    this.binary = (resolution & 0x80) !== 0;
    this.exponent = resolution & 0x7f;
    this.offsetSec = offsetSec;
    this.perSecond = (this.binary ? 2 : 10) ** this.exponent;
    this.nsPerUnit = 10 ** (9 - this.exponent);
  }

  /** Converts a stamp of two words; false when its seconds are beyond 32 bits and were clamped. */
  set(high: number, low: number): boolean {
    if (this.exponent > (this.binary ? 32 : 9)) this.setFine(high, low);
    else this.setCoarse(high, low);
    return this.clamp();
  }

  private setCoarse(high: number, low: number): void {
    const unit = this.perSecond;
    const top = Math.floor(high / unit);
    let rest = (high - top * unit) * 0x10000 + (low >>> 16);
    const middle = Math.floor(rest / unit);
    rest = (rest - middle * unit) * 0x10000 + (low & 0xffff);
    const bottom = Math.floor(rest / unit);
    const fraction = rest - bottom * unit;
    this.sec = top * TWO32 + middle * 0x10000 + bottom + this.offsetSec;
    this.nsec = this.binary ? this.binaryNs(fraction) : fraction * this.nsPerUnit;
  }

  /** floor(fraction * 10^9 / unit), in two steps since the product passes 2^53. */
  private binaryNs(fraction: number): number {
    const scaled = fraction * (TWO32 / this.perSecond);
    const high = Math.floor(scaled / 0x10000);
    const carry = Math.floor(((scaled - high * 0x10000) * 1e9) / 0x10000);
    return Math.floor((high * 1e9 + carry) / 0x10000);
  }

  private setFine(high: number, low: number): void {
    const unit = (this.binary ? 2n : 10n) ** BigInt(this.exponent);
    const stamp = (BigInt(high) << 32n) | BigInt(low);
    this.sec = Number(stamp / unit) + this.offsetSec;
    this.nsec = Number(((stamp % unit) * 1_000_000_000n) / unit);
  }

  private clamp(): boolean {
    if (this.sec >= 0 && this.sec < TWO32) return true;
    this.sec = this.sec < 0 ? 0 : TWO32 - 1;
    return false;
  }
}
