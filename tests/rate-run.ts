/**
 * Edge: chunks at a rate over the broker that a book service embeds, and how it keeps up: chunks
 * behind, time from capture to book, memory. Serves the small test and the full proof.
 */
import { Forwarder } from "../collector/forwarder.ts";
import { MqttChunkSink } from "../frames/transport-mqtt.ts";
import { quantileOf } from "../metrics/page.ts";
import { startFor } from "./live-run.ts";
import { LoadMaker } from "./load-chunks.ts";

export interface RateOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly messagesPerSecond: number;
  readonly messagesPerChunk: number;
  readonly liveOrders: number;
  readonly instruments: number;
  readonly shards: number | undefined;
  readonly onSecond?: (sample: RateSample) => void;
}

export interface RateSample {
  readonly second: number;
  readonly messages: number;
  /** Chunks that no book has yet. */
  readonly behind: number;
  readonly memoryMiB: number;
}

export interface RateRun {
  readonly messages: number;
  readonly messagesPerSecond: number;
  readonly samples: readonly RateSample[];
  readonly lost: number;
  readonly position: number;
  /** From capture to book, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const MIB = 2 ** 20;
const DRAIN_MS = 60_000;

export async function rateRun(options: RateOptions): Promise<RateRun> {
  const { seed, seconds, messagesPerSecond, messagesPerChunk, shards } = options;
  const { liveOrders, instruments } = options;
  const words = ["book", "--broker", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  if (shards !== undefined) words.push("--shards", String(shards));
  const service = startFor((seconds + 180) * 1000, ...words);
  const broker = await service.hears(/broker at (\S+)/);
  const url = await service.hears(/books at (\S+)/);
  const boot = Date.now();
  const made = { seed, liveOrders, instruments, messagesPerChunk };
  const maker = new LoadMaker({ ...made, streams: 2, collector: "rate", boot, codec: "raw" });
  const sink = new MqttChunkSink(broker, { clientName: "rate", onStatus() {} });
  const forwarder = new Forwarder(sink, boot, undefined);
  const metrics = async () => (await fetch(`${url}/metrics`)).text();
  const samples: RateSample[] = [];
  try {
    const everyMs = (messagesPerChunk / messagesPerSecond) * 1000;
    const begun = performance.now();
    let sampled = 0;
    for (let number = 0; performance.now() - begun < seconds * 1000; number++) {
      const ns = (performance.timeOrigin + performance.now()) * 1e6;
      forwarder.offer(maker.next(Math.floor(ns / 1e9), Math.floor(ns % 1e9)));
      await Bun.sleep(Math.max(0, begun + (number + 1) * everyMs - performance.now()));
      const second = Math.floor((performance.now() - begun) / 1000);
      if (second === sampled) continue;
      sampled = second;
      const memoryMiB = rowOf(await metrics(), "edgebook_memory_bytes") / MIB;
      const sample = { second, messages: maker.messages, behind: forwarder.unconfirmed, memoryMiB };
      samples.push(sample);
      options.onSecond?.(sample);
    }
    const took = (performance.now() - begun) / 1000;
    for (const end = performance.now() + DRAIN_MS; forwarder.unconfirmed > 0; ) {
      if (performance.now() > end) break;
      await Bun.sleep(50);
    }
    const page = await metrics();
    const delay = (share: number) =>
      quantileOf(page, "capture_to_book_seconds", 'feed="nse-fo"', share) * 1000;
    const sum = (name: string) =>
      [1, 2].reduce((all, stream) => {
        return all + rowOf(page, `edgebook_${name}{feed="nse-fo",stream="${stream}"}`);
      }, 0);
    return {
      messages: maker.messages,
      messagesPerSecond: Math.round(maker.messages / took),
      samples,
      lost: sum("stream_lost_total"),
      position: sum("stream_position"),
      p50Ms: delay(0.5),
      p99Ms: delay(0.99),
      maxMs: delay(1),
    };
  } finally {
    await forwarder.close(0);
    await service.interrupt();
  }
}

/** A row of a Prometheus page; NaN where it is not there. */
function rowOf(page: string, row: string): number {
  const line = page.split("\n").find((each) => each.startsWith(`${row} `));
  return line === undefined ? Number.NaN : Number(line.slice(row.length + 1));
}
