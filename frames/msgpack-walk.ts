/**
 * A look over MessagePack from elsewhere before it is decoded. The decoder makes room for as many elements
 * as an array says, before it has seen one of them: a nest of arrays in 128 KiB could ask for gigabytes.
 * Linear in the bytes, and makes nothing.
 */

/** A chunk's header has 5: fields, channels, a channel, its sequence field, the count in that. */
const DEPTH_LIMIT = 8;
/** Of the kinds of values from 0xc0 to 0xdf: bytes that say a length or a number of elements. */
const COUNT_BYTES = [
  ...[0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4],
];
/** And bytes besides, which are the same in all of a kind. */
const OTHER_BYTES = [
  ...[0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 4, 8, 1, 2, 4, 8],
  ...[1, 2, 4, 8, 2, 3, 5, 9, 17, 0, 0, 0, 0, 0, 0, 0],
];
const isContainer = (head: number) => head >= 0xdc && head <= 0xdf;

/** Is it one value, whole, no deeper than the limit, with no more elements than it has bytes? */
export function isSoundMsgpack(bytes: Uint8Array): boolean {
  /** Of the value itself and of each open array or map: how many elements are still to come. */
  const left = [1];
  let declared = 1;
  let at = 0;
  while (left.length > 0) {
    if (left[left.length - 1]-- === 0) {
      left.pop();
      continue;
    }
    if (at >= bytes.length) return false;
    const elements = elementsAt(bytes, at);
    if (elements > 0) {
      declared += elements;
      if (declared > bytes.length || left.length > DEPTH_LIMIT) return false;
      left.push(elements);
    }
    at += bytesAt(bytes, at);
  }
  return at === bytes.length;
}

/** Of an array or a map, keys included; 0 of all else. */
function elementsAt(bytes: Uint8Array, at: number): number {
  const head = bytes[at];
  if (head >= 0x80 && head < 0x90) return 2 * (head - 0x80);
  if (head >= 0x90 && head < 0xa0) return head - 0x90;
  return isContainer(head) ? countAt(bytes, at) * (head >= 0xde ? 2 : 1) : 0;
}

/** What it takes up, elements of an array or a map not counted. */
function bytesAt(bytes: Uint8Array, at: number): number {
  const head = bytes[at];
  if (head < 0xa0 || head >= 0xe0) return 1;
  if (head < 0xc0) return 1 + head - 0xa0;
  const said = isContainer(head) ? 0 : countAt(bytes, at);
  return 1 + COUNT_BYTES[head - 0xc0] + OTHER_BYTES[head - 0xc0] + said;
}

/** What lies behind the end counts as nothing: the value is then found to be cut short. */
function countAt(bytes: Uint8Array, at: number): number {
  const width = COUNT_BYTES[bytes[at] - 0xc0];
  let value = 0;
  for (let i = at + 1; i <= at + width; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}
