/**
 * A real Kafka stands still for a minute, is killed and started again: no chunk is lost and memory keeps its bound.
 *
 *   npm run prove -- kafka-stall [STALL_SECONDS [ROUNDS [LIMIT_MIB]]]
 */
import { stallRun } from "../../tests/kafka-stall-run.ts";
import { startKafka } from "../kafka/broker.ts";

const [stallSeconds = 60, rounds = 4, limitMib = 2] = process.argv.slice(2).map(Number);
const MIB = 2 ** 20;
const broker = await startKafka();
const run = await stallRun(broker, {
  stallMs: stallSeconds * 1000,
  rounds,
  bytesLimit: limitMib * MIB,
  chunksPerSecond: 20,
  messagesPerChunk: 16_000,
  onSaid: (text) => console.log(text),
});
await broker.stop();
const mib = (bytes: number) => (bytes / MIB).toFixed(1);
console.log(
  `${run.chunks} chunks, ${mib(run.bytes)} MiB; ${run.lost} lost, ${run.repeated} came again; ` +
    `under way at most ${mib(run.usedMost)} MiB of ${limitMib} allowed; at most ${run.waitingMost} ` +
    `chunks behind, which the spool held; this process ${mib(run.residentBefore)} MiB before, at most ` +
    `${mib(run.residentMost)} MiB; all there ${(run.drainedMs / 1000).toFixed(1)} s after the last start`,
);
const isBound = run.usedMost <= limitMib * MIB;
process.exit(run.lost === 0 && isBound ? 0 : 1);
