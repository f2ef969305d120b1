/**
 * A collector's way out to a real Kafka that stands still, is killed and comes again: spool, forwarder
 * and sink as in production, and a reader that counts what arrives. For a test and for
 * `npm run prove -- kafka-stall`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Forwarder } from "../collector/forwarder.ts";
import { ChunkFault, readChunkHeader } from "../frames/chunk.ts";
import { Spool } from "../frames/spool.ts";
import { KafkaChunkSink, KafkaChunkSource } from "../frames/transport-kafka.ts";
import type { KafkaBroker } from "../scripts/kafka/broker.ts";
import { LoadMaker } from "./load-chunks.ts";
import { until } from "./until.ts";

export interface StallOptions {
  /** How long the broker stands still each time. */
  readonly stallMs: number;
  /** How often it stands still and is then killed and started again. */
  readonly rounds: number;
  /** Bound of the sink. */
  readonly bytesLimit: number;
  readonly chunksPerSecond: number;
  readonly messagesPerChunk: number;
  readonly onSaid: (text: string) => void;
}

export interface StallResult {
  readonly chunks: number;
  readonly bytes: number;
  /** Chunks that never came, and deliveries beyond the first. */
  readonly lost: number;
  readonly repeated: number;
  /** Most bytes under way in the sink; most chunks that were not yet with the broker. */
  readonly usedMost: number;
  readonly waitingMost: number;
  /** Of this process: before the broker stood still, and the most while it did. */
  readonly residentBefore: number;
  readonly residentMost: number;
  /** From the last start of the broker to the last chunk. */
  readonly drainedMs: number;
}

const ARRIVE_MS = 120_000;
const BOOT = 1;

/** @param broker ours, to be stopped and killed; it runs afterwards */
export async function stallRun(broker: KafkaBroker, options: StallOptions): Promise<StallResult> {
  const scratch = mkdtempSync(join(tmpdir(), "edgebook-stall-"));
  const spool = new Spool(join(scratch, "spool"));
  const url = `kafka://${broker.brokers}/stall`;
  const { bytesLimit, onSaid } = options;
  const onStatus = onSaid;
  const sink = new KafkaChunkSink(url, { clientName: "stall", kafka: { bytesLimit }, onStatus });
  const source = new KafkaChunkSource(url, { clientName: "reader" });
  const forwarder = new Forwarder(sink, BOOT, spool);
  const load = new Load(options, spool, forwarder);
  const came = new Map<number, number>();
  const reading = source.run((bytes) => {
    const read = readChunkHeader(bytes);
    if (read instanceof ChunkFault) throw new Error(`a record is no chunk: ${read.code}`);
    const { number } = read.header;
    came.set(number, (came.get(number) ?? 0) + 1);
  });
  try {
    await until(() => came.size >= options.chunksPerSecond, "the first chunks");
    load.residentBefore = process.memoryUsage.rss();
    let restartedMs = performance.now();
    for (let round = 0; round < options.rounds; round++) {
      if (broker.pid === undefined)
        throw new Error("a broker of somebody else is not ours to stop");
      onSaid(`the broker stands still for ${options.stallMs / 1000} s`);
      process.kill(broker.pid, "SIGSTOP");
      await Bun.sleep(options.stallMs);
      // Half of the rounds it goes on where it was, half it is killed as it stands.
      if (round % 2 === 0) process.kill(broker.pid, "SIGCONT");
      else await broker.kill().then(() => broker.restart());
      restartedMs = performance.now();
      await until(() => forwarder.behind < load.chunks, "the broker to take chunks again");
      await Bun.sleep(1000);
    }
    load.stop();
    await until(() => came.size >= load.chunks, "every chunk", ARRIVE_MS);
    const drainedMs = performance.now() - restartedMs;
    const deliveries = [...came.values()].reduce((sum, times) => sum + times, 0);
    return {
      chunks: load.chunks,
      bytes: load.bytes,
      lost: load.chunks - came.size,
      repeated: deliveries - came.size,
      usedMost: sink.budget.usedMost,
      waitingMost: load.waitingMost,
      residentBefore: load.residentBefore,
      residentMost: load.residentMost,
      drainedMs,
    };
  } finally {
    load.stop();
    await forwarder.close(0);
    await source.close();
    await reading;
    spool.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Chunks into spool and forwarder at a steady pace, whatever the broker does. */
class Load {
  chunks = 0;
  bytes = 0;
  waitingMost = 0;
  residentBefore = 0;
  residentMost = 0;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(options: StallOptions, spool: Spool, forwarder: Forwarder) {
    const { chunksPerSecond, messagesPerChunk } = options;
    const maker = new LoadMaker({
      seed: 7,
      streams: 4,
      instruments: 100,
      liveOrders: 20_000,
      messagesPerChunk,
      collector: "stall",
      boot: BOOT,
    });
    this.timer = setInterval(() => {
      const chunk = maker.next(Math.floor(Date.now() / 1000), 0);
      this.chunks++;
      this.bytes += chunk.bytes.length;
      spool.append(chunk);
      forwarder.offer(chunk);
      this.waitingMost = Math.max(this.waitingMost, forwarder.behind);
      this.residentMost = Math.max(this.residentMost, process.memoryUsage.rss());
    }, 1000 / chunksPerSecond);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
