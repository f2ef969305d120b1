/**
 * A 32-bit hash to tell whether two copies of a message have the same bytes.
 *
 * Multilinear with odd multipliers: two messages of one length that differ inside one word of four
 * bytes, counted from the message's start and before the last word, never collide; any other
 * difference goes unseen about once in 2^32. It is no defence against somebody who wants a
 * collision. 0 is kept for "not comparable".
 */
const K0 = 0x9e3779b1 | 0;
const K1 = 0x85ebca77 | 0;
const K2 = 0xc2b2ae3d | 0;
const K3 = 0x27d4eb2f;
const STEP = 0x165667b1;

/** Never 0. `offset` and `length` in bytes, inside `view`. */
export function hashOf(view: DataView, offset: number, length: number): number {
  const end = offset + length;
  let at = offset;
  let hash = Math.imul(length, K0);
  for (; at + 16 <= end; at += 16) {
    hash =
      (Math.imul(hash, STEP) +
        Math.imul(view.getInt32(at, true), K0) +
        Math.imul(view.getInt32(at + 4, true), K1) +
        Math.imul(view.getInt32(at + 8, true), K2) +
        Math.imul(view.getInt32(at + 12, true), K3)) |
      0;
  }
  for (; at + 4 <= end; at += 4) {
    hash = (Math.imul(hash, STEP) + Math.imul(view.getInt32(at, true), K0)) | 0;
  }
  if (at < end) {
    // The last word overlaps the one before: quicker than byte by byte.
    if (length >= 4)
      hash = (Math.imul(hash, STEP) + Math.imul(view.getInt32(end - 4, true), K1)) | 0;
    else for (; at < end; at++) hash = (Math.imul(hash, STEP) + view.getUint8(at)) | 0;
  }
  return hash === 0 ? 1 : hash;
}
