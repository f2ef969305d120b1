/**
 * What a file is, by its first bytes and never by its name: published captures are often named for
 * what they are not.
 */
import { pcapMagic } from "./pcap.ts";

export type Compression = "none" | "gzip" | "zstd";
/** `other`: no capture; the caller may know it as an exchange's own file. */
export type InputKind = "pcap" | "pcapng" | "chunks" | "other";

/** Bytes that decide the kind, or that it is none of them. */
export const SNIFF_BYTES = 12;

export function sniffCompression(head: Uint8Array): Compression {
  if (startsWith(head, [0x1f, 0x8b, 0x08])) return "gzip";
  if (startsWith(head, [0x28, 0xb5, 0x2f, 0xfd])) return "zstd";
  // A zstd file may begin with a skippable frame (pzstd and seekable files do).
  const skippable = head.length >= 4 && (head[0] & 0xf0) === 0x50;
  if (skippable && startsWith(head.subarray(1), [0x2a, 0x4d, 0x18])) return "zstd";
  return "none";
}

export function sniffKind(head: Uint8Array): InputKind {
  if (startsWith(head, [0x45, 0x42, 0x43, 0x48])) return "chunks";
  if (pcapMagic(head) !== undefined) return "pcap";
  if (!startsWith(head, [0x0a, 0x0d, 0x0d, 0x0a])) return "other";
  const order = head.subarray(8);
  const little = startsWith(order, [0x4d, 0x3c, 0x2b, 0x1a]);
  return little || startsWith(order, [0x1a, 0x2b, 0x3c, 0x4d]) ? "pcapng" : "other";
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte);
}
