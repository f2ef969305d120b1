/**
 * Integers of the wire as decimal text, exactly: prices with their fixed number of places, 64-bit
 * numbers from two words. No double ever rounds a digit here.
 */

const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
const BILLION = 1_000_000_000;
const TWO_32 = 4_294_967_296;
const TWO_53 = 9_007_199_254_740_992;

/** `.00` to `.99`: most prices have two places. */
const HUNDREDTHS = Array.from({ length: 100 }, (_, i) => `.${i < 10 ? "0" : ""}${i}`);

/**
 * An integer of the feed's price unit as a decimal with exactly `decimals` places: (7020, 2) is
 * "70.20", (-5, 2) is "-0.05".
 * @param integer a whole number of magnitude below 2^53
 * @param decimals 0 to 12
 */
export function exactDecimal(integer: number, decimals: number): string {
  if (integer < 0) return `-${exactDecimal(-integer, decimals)}`;
  if (decimals === 0) return String(integer);
  const power = POWERS[decimals];
  // Below 2^53 the distance of a quotient to the next whole number is more than half its last bit,
  // so that the floor is the true one and the rest is exact.
  const whole = Math.floor(integer / power);
  const rest = integer - whole * power;
  if (decimals === 2) return whole + HUNDREDTHS[rest];
  return `${whole}.${String(power + rest).slice(1)}`;
}

/** Puts the point into decimal digits (a sign may stand before them): ("7020", 2) is "70.20". */
export function placePoint(digits: string, decimals: number): string {
  if (decimals === 0) return digits;
  const sign = digits.startsWith("-") ? "-" : "";
  const bare = digits.slice(sign.length).padStart(decimals + 1, "0");
  const at = bare.length - decimals;
  return `${sign}${bare.slice(0, at)}.${bare.slice(at)}`;
}

/** Decimal digits of the unsigned 64 bits in two words. */
export function u64Text(hi: number, lo: number): string {
  const approximate = (hi >>> 0) * TWO_32 + (lo >>> 0);
  return approximate < TWO_53 ? String(approximate) : largeText(approximate, lo);
}

/** Decimal digits of the signed 64 bits in two words. */
export function i64Text(hi: number, lo: number): string {
  if ((hi | 0) >= 0) return u64Text(hi, lo);
  // The magnitude in two's complement: complement both words and carry the one.
  const low = -lo | 0;
  return `-${u64Text(low === 0 ? -hi | 0 : ~hi, low)}`;
}

/**
 * Splits at 10^9. The double is off by at most 1,024, hence the quotient by at most one, and the
 * rest is known exactly from the low words alone; it tells which way to mend the quotient.
 */
function largeText(approximate: number, lo: number): string {
  let quotient = Math.floor(approximate / BILLION);
  let rest = (lo - Math.imul(quotient, BILLION)) | 0;
  if (rest < 0) {
    quotient--;
    rest += BILLION;
  } else if (rest >= BILLION) {
    quotient++;
    rest -= BILLION;
  }
  return String(quotient) + String(BILLION + rest).slice(1);
}
