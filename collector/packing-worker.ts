/**
 * Edge: the thread that packs closed chunks, so that receiving does not. It takes records
 * (`packing-record.ts`) from one ring and gives chunks into another. It runs at the lowest priority:
 * where cores are short, receiving has them, and the other side stores what waits too long.
 */
import { ByteRing } from "../actors/byte-ring.ts";
import { serveChunks } from "../actors/worker-loop.ts";
import { Channels } from "../frames/channels.ts";
import { ChunkPacker } from "../frames/chunk.ts";
import { openZstd } from "../frames/zstd.ts";
import { lowerPriority } from "./low-priority.ts";
import { type PackingSetup, RESULT_HEAD_BYTES, RecordReader } from "./packing-record.ts";

const WAIT_MS = 50;

serveChunks<PackingSetup>((setup, self) => {
  lowerPriority();
  const channels = new Channels();
  for (const channel of setup.channels) channels.add(channel);
  const packer = new ChunkPacker(channels, openZstd(), setup.codec);
  const reader = new RecordReader();
  const results = new ByteRing(setup.results);
  const abandoned = new Int32Array(setup.abandoned);
  let result = new Uint8Array(1 << 16);
  const isAbandoned = (number: number) => ((Atomics.load(abandoned, 0) - number) | 0) >= 0;
  return {
    take(record) {
      const { title, frames } = reader.read(record);
      if (isAbandoned(title.number)) return;
      const { bytes } = packer.pack(title, frames);
      const length = RESULT_HEAD_BYTES + bytes.length;
      if (result.length < length) result = new Uint8Array(length * 2);
      new DataView(result.buffer).setFloat64(0, title.number, true);
      result.set(bytes, RESULT_HEAD_BYTES);
      while (!results.offer(result.subarray(0, length))) {
        if (isAbandoned(title.number)) return;
        results.waitForRoom(length, WAIT_MS);
        self.beat();
      }
    },
  };
});
