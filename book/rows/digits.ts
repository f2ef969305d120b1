/**
 * Numbers as decimal digits, put into bytes at a place; each function returns the place behind what it
 * wrote. No string, no object, and no checks of room: a number takes at most 27 bytes, and the caller
 * keeps 32 free, since digits go out four at a time and what is too much is written over.
 *
 * Four digits come from a table of 40 kB, cut to their length by a shift: how many there are costs no
 * branch, which would be guessed wrong for every other cell. Quotients by constants are products.
 */
const ZERO = 48;
const MINUS = 45;
const POINT = 46;
const BILLION = 1_000_000_000;
const TWO_16 = 65_536;
const TWO_32 = 4_294_967_296;
const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
const INVERSES = POWERS.map((power) => 1 / power);

/** `0000` to `9999`, the first digit in the lowest byte. */
const FOUR = Uint32Array.from({ length: 10_000 }, (_, value) =>
  [1000, 100, 10, 1].reduce(
    (word, power, at) => word + (ZERO + (Math.floor(value / power) % 10)) * 256 ** at,
    0,
  ),
);
/** Bits of leading zeros in `FOUR`, so 24 of a single digit. */
const LEADING_BITS = Uint8Array.from({ length: 10_000 }, (_, value) =>
  value < 10 ? 24 : value < 100 ? 16 : value < 1000 ? 8 : 0,
);

/** A whole number, below 2^53 in magnitude. */
export function putInteger(out: DataView, at: number, value: number): number {
  if (value >= 0) return putDigits(out, at, value);
  out.setUint8(at, MINUS);
  return putDigits(out, at + 1, -value);
}

/** An integer of the price unit with its point, exactly: (7020, 2) is `70.20`. */
export function putDecimal(out: DataView, at: number, value: number, decimals: number): number {
  if (decimals === 0) return putInteger(out, at, value);
  let to = at;
  let whole = value;
  if (whole < 0) {
    out.setUint8(to++, MINUS);
    whole = -whole;
  }
  const power = POWERS[decimals];
  if (whole < BILLION) {
    const small = ((whole + 0.5) * INVERSES[decimals]) | 0;
    to = putSmall(out, to, small);
    out.setUint8(to, POINT);
    return putPadded(out, to + 1, whole - small * power, decimals);
  }
  const units = Math.floor(whole / power);
  to = putDigits(out, to, units);
  out.setUint8(to, POINT);
  return putPadded(out, to + 1, whole - units * power, decimals);
}

/** Nanoseconds since 1970 of a second and the nanoseconds after it. */
export function putTime(out: DataView, at: number, sec: number, nsec: number): number {
  if (sec > 0) return putPadded(out, putDigits(out, at, sec), nsec, 9);
  if (sec === 0) return putDigits(out, at, nsec);
  out.setUint8(at, MINUS);
  return nsec === 0
    ? putTime(out, at + 1, -sec, 0)
    : putTime(out, at + 1, -sec - 1, BILLION - nsec);
}

/** Unsigned 64 bits in two words. */
export function putUnsigned64(out: DataView, at: number, hi: number, lo: number): number {
  const high = hi >>> 0;
  const low = lo >>> 0;
  if (high < 2_097_152) return putDigits(out, at, high * TWO_32 + low);
  // Long division by 10^9 in steps of 16 bits, so that every rest stays exact.
  const first = Math.floor(high / BILLION);
  const middle = (high - first * BILLION) * TWO_16 + (low >>> 16);
  const second = Math.floor(middle / BILLION);
  const last = (middle - second * BILLION) * TWO_16 + (low & 0xffff);
  const third = Math.floor(last / BILLION);
  const to = putDigits(out, at, first * TWO_32 + second * TWO_16 + third);
  return putPadded(out, to, last - third * BILLION, 9);
}

/** Signed 64 bits in two words. */
export function putSigned64(out: DataView, at: number, hi: number, lo: number): number {
  if ((hi | 0) >= 0) return putUnsigned64(out, at, hi, lo);
  out.setUint8(at, MINUS);
  const low = -lo | 0;
  return putUnsigned64(out, at + 1, low === 0 ? -hi | 0 : ~hi, low);
}

/** Not negative. */
function putDigits(out: DataView, at: number, value: number): number {
  if (value < BILLION) return putSmall(out, at, value | 0);
  const high = Math.floor(value / BILLION);
  const to = putDigits(out, at, high);
  return putPadded(out, to, value - high * BILLION, 9);
}

/** Below 10^9, no leading zeros. */
function putSmall(out: DataView, at: number, value: number): number {
  if (value < 10_000) return putUpToFour(out, at, value);
  // Half a unit more keeps the rounded product on the right side of every whole number.
  const high = ((value + 0.5) * 1e-4) | 0;
  let to = at;
  if (high < 10_000) to = putUpToFour(out, to, high);
  else {
    const first = ((high + 0.5) * 1e-4) | 0;
    to = putUpToFour(out, to, first);
    out.setUint32(to, FOUR[high - first * 10_000], true);
    to += 4;
  }
  out.setUint32(to, FOUR[value - high * 10_000], true);
  return to + 4;
}

/** Below 10^4, no leading zeros. */
function putUpToFour(out: DataView, at: number, value: number): number {
  const leading = LEADING_BITS[value];
  out.setUint32(at, FOUR[value] >>> leading, true);
  return at + 4 - (leading >> 3);
}

/** With leading zeros, up to 12 digits. */
function putPadded(out: DataView, at: number, value: number, width: number): number {
  if (width === 4) {
    out.setUint32(at, FOUR[value], true);
    return at + 4;
  }
  if (width > 8) {
    const high = Math.floor(value / 1e8);
    const to = putPadded(out, at, high, width - 8);
    return putPadded(out, to, value - high * 1e8, 8);
  }
  if (width > 4) {
    const high = ((value + 0.5) * 1e-4) | 0;
    const to = putPadded(out, at, high, width - 4);
    out.setUint32(to, FOUR[value - high * 10_000], true);
    return to + 4;
  }
  out.setUint32(at, FOUR[value] >>> (32 - width * 8), true);
  return at + width;
}
