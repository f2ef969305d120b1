/**
 * 64-bit nanoseconds to seconds and nanoseconds and back, exactly and without bigint. A time is two
 * numbers everywhere (`sec`, `nsec`), since a double of nanoseconds since 1970 is off by up to 256.
 */

export { i64Text, u64Text } from "./decimal.ts";

const BILLION = 1_000_000_000;
const TWO_31 = 2_147_483_648;
const TWO_32 = 4_294_967_296;

/** Seconds and nanoseconds; `nsec` is 0 to 999,999,999, also of a negative time. */
export interface SplitTime {
  sec: number;
  nsec: number;
}

/** Two words of 32 bits, signed. */
export interface Words {
  hi: number;
  lo: number;
}

/**
 * Splits the signed 64-bit nanoseconds in two words. The double is off by at most 512, hence the
 * quotient by at most one; the rest follows exactly from the low words and tells how to mend it.
 */
export function splitNs(hi: number, lo: number, out: SplitTime): void {
  let sec = Math.floor(((hi | 0) * TWO_32 + (lo >>> 0)) / BILLION);
  let nsec = (lo - Math.imul(sec, BILLION)) | 0;
  if (nsec < 0) {
    sec--;
    nsec += BILLION;
  } else if (nsec >= BILLION) {
    sec++;
    nsec -= BILLION;
  }
  out.sec = sec;
  out.nsec = nsec;
}

/** The other way: |sec| below 9.2 * 10^9, nsec 0 to 999,999,999. */
export function joinNs(sec: number, nsec: number, out: Words): void {
  const lo = (Math.imul(sec, BILLION) + nsec) | 0;
  const approximate = sec * BILLION + nsec;
  let hi = Math.floor(approximate / TWO_32);
  // Where the low words are near a carry, the rounded double may stand on its other side.
  const rest = approximate - hi * TWO_32 - (lo >>> 0);
  if (rest > TWO_31) hi++;
  else if (rest < -TWO_31) hi--;
  out.hi = hi | 0;
  out.lo = lo;
}

/** Nanoseconds since 1970 as integer digits; empty where the time is unknown (`sec` NaN). */
export function formatNs(sec: number, nsec: number): string {
  if (sec > 0) return String(sec) + String(BILLION + nsec).slice(1);
  if (sec === 0) return String(nsec);
  if (Number.isNaN(sec)) return "";
  return nsec === 0 ? `-${formatNs(-sec, 0)}` : `-${formatNs(-sec - 1, BILLION - nsec)}`;
}
