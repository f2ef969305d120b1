/** Edge: whether a spool holds what was sent: every payload byte for byte, each once, in order. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Channels } from "../frames/channels.ts";
import { ChunkFault, ChunkUnpacker } from "../frames/chunk.ts";
import { ChunkSplitter } from "../frames/chunk-stream.ts";
import { openZstd } from "../frames/zstd.ts";
import { NUMBER_BYTES, PAYLOADS, payloads } from "./receive-payloads.ts";

export interface SpoolCheck {
  readonly frames: number;
  readonly bytes: number;
  /** Numbers that step back or come again. */
  readonly misplaced: number;
  /** Payloads whose bytes are not those sent. */
  readonly different: number;
  /** Chunks that cannot be read. */
  readonly damaged: number;
  /** FNV-1a over the low words of the numbers, as they lie in the spool. */
  readonly digest: string;
}

export async function checkSpool(folder: string, size: number): Promise<SpoolCheck> {
  const expected = Buffer.from(payloads(size).buffer);
  const unpacker = new ChunkUnpacker(new Channels(), openZstd());
  let [frames, bytes, misplaced, different, damaged] = [0, 0, 0, 0, 0];
  let next = 0;
  let digest = 0x811c9dc5;
  const take = (chunk: Uint8Array) => {
    bytes += chunk.length;
    const unpacked = unpacker.unpack(chunk);
    if (unpacked instanceof ChunkFault) {
      damaged++;
      return;
    }
    const batch = unpacked.frames;
    const payload = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.length);
    for (let i = 0; i < batch.count; i++, frames++) {
      const at = batch.offset[i];
      const low = batch.view.getUint32(at, true);
      const number = low + batch.view.getUint32(at + 4, true) * 0x1_0000_0000;
      if (number < next) misplaced++;
      next = number + 1;
      digest = Math.imul(digest ^ low, 0x01000193);
      const from = (number % PAYLOADS) * size + NUMBER_BYTES;
      const [start, end] = [at + NUMBER_BYTES, at + batch.length[i]];
      if (end - start !== size - NUMBER_BYTES) different++;
      else if (expected.compare(payload, start, end, from, from + end - start) !== 0) different++;
    }
  };
  // Names begin with the boot and the padded number of their first chunk.
  const names = readdirSync(folder).filter((name) => name.endsWith(".ebch"));
  for (const name of names.sort()) {
    const splitter = new ChunkSplitter(take);
    for await (const block of Bun.file(join(folder, name)).stream()) splitter.push(block);
    splitter.finish();
    damaged += splitter.damages;
  }
  const hex = (digest >>> 0).toString(16).padStart(8, "0");
  return { frames, bytes, misplaced, different, damaged, digest: hex };
}

/** The digest of a spool that lacks nothing. */
export function wholeDigest(count: number): string {
  let digest = 0x811c9dc5;
  for (let i = 0; i < count; i++) digest = Math.imul(digest ^ i, 0x01000193);
  return (digest >>> 0).toString(16).padStart(8, "0");
}
