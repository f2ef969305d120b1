/**
 * Edge: chunks at a rate over the broker that a book service embeds, and how it keeps up: chunks
 * behind, time from capture to book, memory, processor time. The chunks were made before, so that
 * sending them takes little of the machine. Serves the small test and the full proof.
 */
import { Forwarder } from "../collector/forwarder.ts";
import { MqttChunkSink } from "../frames/transport-mqtt.ts";
import { quantileOf } from "../metrics/page.ts";
import { type Running, startFor } from "./live-run.ts";
import { LoadFile, type LoadFileOptions, loadFile } from "./load-file.ts";
import { processSeconds } from "./thread-times.ts";

export interface RateOptions {
  readonly seed: number;
  /** Where the load is kept from one run to the next. */
  readonly folder: string;
  readonly seconds: number;
  readonly messagesPerSecond: number;
  readonly messagesPerChunk: number;
  readonly liveOrders: number;
  readonly instruments: number;
  readonly shards: number | undefined;
  readonly onMade?: (messages: number) => void;
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
  /** From the capture of a chunk's newest message to its book, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Processor time of a message, ns: in the service, all its threads, and in the sender. */
  readonly serviceNs: number;
  readonly senderNs: number;
}

const MIB = 2 ** 20;
const DRAIN_MS = 60_000;
const COLLECTOR = "rate";

export async function rateRun(options: RateOptions): Promise<RateRun> {
  const { folder, seconds, messagesPerSecond, shards } = options;
  const made: LoadFileOptions = {
    ...options,
    ...{ streams: 2, collector: COLLECTOR, messages: seconds * messagesPerSecond },
    ...(options.onMade && { onProgress: options.onMade }),
  };
  const path = loadFile(folder, made);
  const words = ["book", "--broker", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  if (shards !== undefined) words.push("--shards", String(shards));
  const service = startFor((seconds + 180) * 1000, ...words);
  try {
    return await sendAll(service, path, options);
  } finally {
    await service.interrupt();
  }
}

async function sendAll(service: Running, path: string, options: RateOptions): Promise<RateRun> {
  const broker = await service.hears(/broker at (\S+)/);
  const url = await service.hears(/books at (\S+)/);
  const metrics = async () => (await fetch(`${url}/metrics`)).text();
  const boot = Date.now();
  const sink = new MqttChunkSink(broker, { clientName: COLLECTOR, onStatus() {} });
  const forwarder = new Forwarder(sink, boot, undefined);
  const startSec = Math.ceil(boot / 1000) + 1;
  const load = new LoadFile(path, boot, startSec);
  const samples: RateSample[] = [];
  let messages = 0;
  let cpuSeconds = [processSeconds(service.pid), processSeconds()];
  const look = async (second: number) => {
    const page = await metrics();
    const memoryMiB = rowOf(page, "edgebook_memory_bytes") / MIB;
    const sample = { second, messages, behind: forwarder.unconfirmed, memoryMiB };
    samples.push(sample);
    options.onSecond?.(sample);
  };
  let looking: Promise<void> = Promise.resolve();
  let looked = 0;
  try {
    for (let chunk = load.next(); chunk !== undefined; chunk = load.next()) {
      const { lastSec, lastNsec, frames } = chunk.header;
      await Bun.sleep(Math.max(0, lastSec * 1000 + lastNsec / 1e6 - nowMs()));
      forwarder.offer(chunk);
      messages += frames;
      const second = Math.floor(nowMs() / 1000) - startSec;
      if (second > looked) looking = look(second);
      looked = Math.max(looked, second);
    }
    const took = nowMs() / 1000 - startSec;
    await looking;
    for (const end = performance.now() + DRAIN_MS; forwarder.unconfirmed > 0; ) {
      if (performance.now() > end) break;
      await Bun.sleep(50);
    }
    cpuSeconds = [processSeconds(service.pid) - cpuSeconds[0], processSeconds() - cpuSeconds[1]];
    const [serviceNs, senderNs] = cpuSeconds.map((cpu) => (cpu * 1e9) / messages);
    const messagesPerSecond = Math.round(messages / took);
    return { messages, messagesPerSecond, samples, ...told(await metrics()), serviceNs, senderNs };
  } finally {
    load.close();
    await forwarder.close(0);
  }
}

function told(page: string) {
  const delay = (share: number) =>
    quantileOf(page, "capture_to_book_seconds", 'feed="nse-fo"', share) * 1000;
  const sum = (name: string) =>
    [1, 2].reduce((all, stream) => {
      return all + rowOf(page, `edgebook_${name}{feed="nse-fo",stream="${stream}"}`);
    }, 0);
  return {
    lost: sum("stream_lost_total"),
    position: sum("stream_position"),
    p50Ms: delay(0.5),
    p99Ms: delay(0.99),
    maxMs: delay(1),
  };
}

const nowMs = () => performance.timeOrigin + performance.now();

/** A row of a Prometheus page; NaN where it is not there. */
function rowOf(page: string, row: string): number {
  const line = page.split("\n").find((each) => each.startsWith(`${row} `));
  return line === undefined ? Number.NaN : Number(line.slice(row.length + 1));
}
