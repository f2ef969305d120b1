/**
 * How a signed word becomes a class of one byte and some bits beside it. Near 0 the class says it
 * all; further out four classes share an octave, and the bits say where in it. Classes are uneven,
 * and zstd makes them small; the bits are nearly all chance, and stay as they are.
 *
 *     0 to 7         the number itself
 *     8 to 119       8 * 2^n and up, by quarters of an octave
 *     120 to 239     the same for -1 - value
 *     240            the escape: the smallest word there is, which models give a meaning
 */
export const ESCAPE = -0x8000_0000;
export const NEGATIVE_CLASSES = 120;
export const ESCAPE_CLASS = 240;
const EXACT = 8;

export function classOf(value: number): number {
  if (value === ESCAPE) return ESCAPE_CLASS;
  const isNegative = value < 0;
  const size = isNegative ? ~value : value;
  if (size < EXACT) return isNegative ? size + NEGATIVE_CLASSES : size;
  const top = 31 - Math.clz32(size);
  const step = EXACT + ((top - 3) << 2) + ((size >> (top - 2)) & 3);
  return isNegative ? step + NEGATIVE_CLASSES : step;
}

/** Bits beside each class, 0 to 28. */
export const BITS_OF_CLASS = new Uint8Array(256);
/** The size at which each class begins; of negative ones the size of -1 - value. */
export const BASE_OF_CLASS = new Int32Array(256);
for (let code = 0; code < NEGATIVE_CLASSES; code++) {
  const octave = code < EXACT ? 0 : (code - EXACT) >> 2;
  const bits = code < EXACT ? 0 : octave + 1;
  const base = code < EXACT ? code : (4 + ((code - EXACT) & 3)) << bits;
  BITS_OF_CLASS[code] = bits;
  BITS_OF_CLASS[code + NEGATIVE_CLASSES] = bits;
  BASE_OF_CLASS[code] = base;
  BASE_OF_CLASS[code + NEGATIVE_CLASSES] = base;
}
