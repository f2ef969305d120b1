/**
 * Holds 2.5 million live orders of 100,000 instruments on one stream: memory, time to apply, a checkpoint's stop.
 *
 *   npm run prove -- live-orders [LIVE_ORDERS [INSTRUMENTS [CHUNKS]]]
 *
 * Applied by the service's core, certificates included, 8,000 messages a chunk. `tests/live-orders.test.ts` is
 * the small size.
 */
import { cpus, loadavg } from "node:os";
import { runLiveOrders } from "../../tests/live-orders-run.ts";

const [liveOrders = 2_500_000, instruments = 100_000, chunks = 250] = process.argv
  .slice(2)
  .map(Number);
const MIB = 2 ** 20;
const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} processors, Bun ${Bun.version}`);
const result = runLiveOrders({ liveOrders, instruments, chunks, messagesPerChunk: 8000 });
const { perMessageNs, firstNs, meanwhileNs, stopsMs } = result;
const quantile = (share: number, of = perMessageNs) =>
  Math.round(of[Math.min(of.length - 1, Math.floor(of.length * share))]);
console.log(
  `${result.standing} live orders, ${result.instruments} instruments, ` +
    `${mib(result.memoryBytes)}; a message takes ${quantile(0.5)} ns (p50), ` +
    `${quantile(0.99)} ns (p99), ${quantile(1)} ns (most), by the chunk; load average ` +
    `${loadavg()[0].toFixed(1)}`,
);
console.log(
  `a checkpoint: ${mb(result.stateBytes)}, ${mb(result.fileBytes)} as a file; ` +
    `stops of ${stopsMs.map((ms) => ms.toFixed(1)).join(", ")} ms; a message of the chunk after it takes ` +
    `${quantile(0.5, firstNs)} ns (p50), of those until orders are copied ${quantile(0.5, meanwhileNs)}, ` +
    `${quantile(1, meanwhileNs)} at most; put back in ` +
    `${result.restoreSeconds.toFixed(2)} s; ` +
    `${mib(process.memoryUsage.rss())} with its copy`,
);
if (result.before !== result.after) {
  console.log("NOT the same books after the state was put back");
  process.exitCode = 1;
}
