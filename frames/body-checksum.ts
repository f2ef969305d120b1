/**
 * The checksum of a chunk's body, by the runtime's own code: twenty times as fast as what can be
 * written here, and a thread that receives may have to compute it. The one thing that a core asks of
 * the runtime: the same bytes give the same number anywhere.
 *
 * Bodies of version 2 have CRC-32, as zlib, Ethernet and `gzip` compute it; those of version 1 have
 * CRC-32C. Both find every error of up to 32 neighbouring bits.
 */
import { crc32 } from "node:zlib";
import { crc32c } from "./chunk-checksum.ts";

/** The checksum of a body under a header of that version, as an unsigned 32-bit number. */
export function bodyChecksum(version: number, body: Uint8Array): number {
  return version === 1 ? crc32c(body) : crc32(body);
}
