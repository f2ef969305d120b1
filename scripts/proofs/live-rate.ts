/**
 * Sends chunks over the embedded broker at 500,000 messages a second for five minutes: the books keep up, in flat memory.
 *
 *   npm run prove -- live-rate [MESSAGES_PER_SECOND [SECONDS [LIVE_ORDERS [SHARDS]]]]
 *
 * SHARDS 0: the books are in the service's one thread. Prints the time from capture to book, and what a
 * message costs. The load is made before (two minutes for 150 million messages, 1 GB) and kept for the
 * next run.
 */
import { cpus, loadavg } from "node:os";
import { cacheFolder } from "../../bench/cache-folder.ts";
import { type RateSample, rateRun } from "../../tests/rate-run.ts";

const [messagesPerSecond = 500_000, seconds = 300, liveOrders = 500_000, shards = 0] = process.argv
  .slice(2)
  .map(Number);
/** Chunks of a second may be on their way; a lag that grows is more in the end than at first. */
const CHUNKS_PER_SECOND_SHARE = 1;
const MEMORY_GROWTH = 1.15;
const PER_CHUNK = 8000;

console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} processors, Bun ${Bun.version}`);
const run = await rateRun({
  seed: 2,
  folder: cacheFolder(),
  seconds,
  messagesPerSecond,
  messagesPerChunk: PER_CHUNK,
  liveOrders,
  instruments: 10_000,
  shards: shards === 0 ? undefined : shards,
  onMade: (messages) => console.log(`${messages} messages made`),
  onSecond: ({ second, messages, behind, memoryMiB }) => {
    if (second % 10 !== 0) return;
    const load = loadavg()[0].toFixed(1);
    console.log(
      `${second} s: ${messages} messages, ${behind} chunks behind, ${Math.round(memoryMiB)} MiB ` +
        `(load average ${load})`,
    );
  },
});
const third = Math.floor(run.samples.length / 3);
const mean = (samples: readonly RateSample[], of: (sample: RateSample) => number) =>
  samples.reduce((sum, sample) => sum + of(sample), 0) / Math.max(1, samples.length);
const last = run.samples.slice(-third);
const middle = run.samples.slice(third, 2 * third);
const behind = mean(last, (sample) => sample.behind);
const growth =
  mean(last, ({ memoryMiB }) => memoryMiB) / mean(middle, ({ memoryMiB }) => memoryMiB);
console.log(
  `${run.messages} messages at ${run.messagesPerSecond}/s, ${run.lost} lost; ` +
    `${behind.toFixed(1)} chunks behind in the last third; memory ${growth.toFixed(2)} of before; ` +
    `capture to book p50 ${run.p50Ms.toFixed(1)} ms, p99 ${run.p99Ms.toFixed(1)} ms, ` +
    `max ${run.maxMs.toFixed(0)} ms; processor time of a message: service ` +
    `${run.serviceNs.toFixed(0)} ns, sender ${run.senderNs.toFixed(0)} ns`,
);
const keepsUp = behind <= (messagesPerSecond / PER_CHUNK) * CHUNKS_PER_SECOND_SHARE;
const isRight = run.lost === 0 && run.position === run.messages;
const isFast = run.messagesPerSecond >= messagesPerSecond * 0.98;
process.exit(isRight && keepsUp && isFast && growth <= MEMORY_GROWTH ? 0 : 1);
