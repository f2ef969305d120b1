import { expect, test } from "bun:test";
import fc from "fast-check";
import { crc32c } from "./chunk-checksum.ts";

/** By the definition: one bit a step. */
function slowly(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("the checksum is CRC-32C of any part of any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(99), fc.nat(99), (bytes, a, b) => {
      const from = Math.min(a, b, bytes.length);
      const to = Math.min(Math.max(a, b), bytes.length);
      expect(crc32c(bytes, from, to)).toBe(slowly(bytes.subarray(from, to)));
      expect(crc32c(bytes.subarray(from), 0, to - from)).toBe(slowly(bytes.subarray(from, to)));
    }),
  );
});
