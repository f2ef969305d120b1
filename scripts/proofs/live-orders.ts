/**
 * Holds 2.5 million live orders of 100,000 instruments on one stream: memory, time to apply, a checkpoint's stop.
 *
 *   npm run prove -- live-orders [LIVE_ORDERS [INSTRUMENTS [CHUNKS]]]
 *
 * Applied by the service's core, certificates included, 8,000 messages a chunk.
 */
import { cpus, loadavg } from "node:os";
import { captureLive, restoreLive } from "../../book/checkpoint/live-state.ts";
import { CheckpointSaver } from "../../book/checkpoint/saver.ts";
import { Live } from "../../book/live.ts";
import { openZstd } from "../../frames/zstd.ts";
import { LoadMaker } from "../../tests/load-chunks.ts";

const [liveOrders = 2_500_000, instruments = 100_000, chunks = 250] = process.argv
  .slice(2)
  .map(Number);
const PER_CHUNK = 8000;
const SEC = 1_790_000_000;
const MIB = 2 ** 20;

console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} processors, Bun ${Bun.version}`);
const newLive = () => new Live({ zstd: openZstd(), ask() {} });
const live = newLive();
const maker = new LoadMaker({
  ...{ seed: 2, streams: 1, instruments, liveOrders, messagesPerChunk: PER_CHUNK },
  ...{ collector: "orders", boot: 1, codec: "raw" as const },
});
const perMessageNs: number[] = [];
for (let made = 0; made < maker.buildUp + chunks; made++) {
  const { bytes } = maker.next(SEC + Math.floor(made / 1000), (made % 1000) * 1e6);
  const begun = performance.now();
  live.push(bytes, SEC * 1e9);
  const ns = ((performance.now() - begun) * 1e6) / PER_CHUNK;
  if (made >= maker.buildUp) perMessageNs.push(ns);
}
perMessageNs.sort((a, b) => a - b);
const quantile = (share: number) =>
  Math.round(perMessageNs[Math.min(chunks - 1, Math.floor(chunks * share))]);
const [feed] = live.feeds.values();
const standing = feed.pipeline.streams.reduce(
  (sum, each) => sum + (each?.books?.liveOrders ?? 0),
  0,
);
console.log(
  `${standing} live orders, ${feed.pipeline.streams[0]?.decoder.instruments.count} instruments, ` +
    `${Math.round(process.memoryUsage.rss() / MIB)} MiB; a message takes ${quantile(0.5)} ns (p50), ` +
    `${quantile(0.99)} ns (p99), ${quantile(1)} ns (most), by the chunk; load average ` +
    `${loadavg()[0].toFixed(1)}`,
);
const stops: number[] = [];
let bytes = 0;
const saver = new CheckpointSaver(live, "", openZstd(), 0, {
  open: () => ({ write() {}, commit() {}, abort() {} }),
  clockNs: () => performance.now() * 1e6,
  saved: (_head, written) => {
    bytes = written;
    stops.push(saver.pauseNs / 1e6);
  },
  failed: (error) => {
    throw error;
  },
});
for (let round = 0; round < 5; round++) saver.saveNow(SEC * 1e9);
stops.sort((a, b) => a - b);
const { outline, graph } = captureLive(live);
const buffers = graph.buffers.map((buffer) => buffer.slice().buffer);
const begun = performance.now();
restoreLive(newLive(), { outline, graph: { nodes: graph.nodes, buffers } });
console.log(
  `a checkpoint: ${Math.round(saver.stateBytes / 1e6)} MB, ${Math.round(bytes / 1e6)} MB as a file; ` +
    `stops of ${stops.map((ms) => ms.toFixed(1)).join(", ")} ms; put back in ` +
    `${((performance.now() - begun) / 1000).toFixed(2)} s; ` +
    `${Math.round(process.memoryUsage.rss() / MIB)} MiB with its copy`,
);
