/**
 * Order ids travel as doubles that hold whole numbers; books want two words of 32 bits. By
 * arithmetic, since a bigint or a look at the bits costs more:
 *
 *     hi = idHigh(id)    shifted = idShifted(id, hi)    lo = idLow(shifted)
 *
 * and the id is a whole number from 0 to 2^53 - 1 if and only if `isOrderId(hi, shifted)`.
 */
const TWO_31 = 2_147_483_648;
const TWO_32 = 4_294_967_296;
const PER_TWO_32 = 1 / TWO_32;
const SIGN_BIT = 0x80000000;

export function idHigh(id: number): number {
  return (id * PER_TWO_32) | 0;
}

/** The low word less 2^31: in the signed range, so that it becomes a word in one instruction. */
export function idShifted(id: number, hi: number): number {
  return id - hi * TWO_32 - TWO_31;
}

export function idLow(shifted: number): number {
  return (shifted | 0) ^ SIGN_BIT;
}

/** NaN, fractions, negative numbers and those from 2^53 on are none; 0 is one: no order. */
export function isOrderId(hi: number, shifted: number): boolean {
  return (shifted | 0) === shifted && hi >>> 21 === 0;
}
