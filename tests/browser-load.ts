/**
 * Edge: a book service under steady load, for somebody to look at: chunks of many streams at a rate,
 * over the broker that it embeds. The chunks were made before, so that sending them takes next to
 * nothing of the machine; what the service does not take in time waits, and is told.
 */
import { Forwarder } from "../collector/forwarder.ts";
import { MqttChunkSink } from "../frames/transport-mqtt.ts";
import { startFor } from "./live-run.ts";
import { LoadFile, loadFile } from "./load-file.ts";

export interface PageLoad {
  readonly url: string;
  /** Messages that were offered until now. */
  readonly messages: number;
  /** Chunks that no book has yet. */
  readonly behind: number;
  /** There is no more to offer. */
  readonly isOver: boolean;
  stop(): Promise<void>;
}

export interface PageLoadOptions {
  /** Where the chunks are kept from one run to the next. */
  readonly folder: string;
  readonly messagesPerSecond: number;
  readonly streams: number;
  readonly instruments: number;
  readonly seconds: number;
  readonly onMade?: (messages: number) => void;
}

const CHUNKS_PER_SECOND = 60;
const LIVE_ORDERS = 50_000;
/** More chunks than that behind: the load waits, so that memory stays bounded. */
const BEHIND_LIMIT = 2000;
const WAIT_MS = 20;
/** The service is ended so long after the load, whatever happens. */
const REST_SECONDS = 120;

export async function startPageLoad(options: PageLoadOptions): Promise<PageLoad> {
  const { folder, messagesPerSecond, streams, instruments, seconds, onMade } = options;
  const path = loadFile(folder, {
    ...{ seed: 1, streams, instruments, liveOrders: LIVE_ORDERS, collector: "load" },
    ...{ messagesPerSecond, messages: messagesPerSecond * seconds },
    messagesPerChunk: Math.max(1, Math.round(messagesPerSecond / CHUNKS_PER_SECOND)),
    ...(onMade && { onProgress: onMade }),
  });
  const words = ["book", "--broker", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  const service = startFor((seconds + REST_SECONDS) * 1000, ...words);
  const broker = await service.hears(/broker at (\S+)/);
  const url = await service.hears(/books at (\S+)/);
  const boot = Date.now();
  const load = new LoadFile(path, boot, Math.ceil(boot / 1000) + 1);
  const sink = new MqttChunkSink(broker, { clientName: "load", onStatus() {} });
  const forwarder = new Forwarder(sink, boot, undefined);
  let [messages, isOver] = [0, false];
  const feeding = feed();
  return {
    url,
    get messages() {
      return messages;
    },
    get behind() {
      return forwarder.unconfirmed;
    },
    get isOver() {
      return isOver;
    },
    async stop() {
      isOver = true;
      await feeding;
      await forwarder.close(0);
      await service.interrupt();
    },
  };

  async function feed(): Promise<void> {
    for (let chunk = load.next(); chunk !== undefined && !isOver; chunk = load.next()) {
      const { lastSec, lastNsec, frames } = chunk.header;
      await Bun.sleep(Math.max(0, lastSec * 1000 + lastNsec / 1e6 - nowMs()));
      while (forwarder.unconfirmed >= BEHIND_LIMIT && !isOver) await Bun.sleep(WAIT_MS);
      forwarder.offer(chunk);
      messages += frames;
    }
    load.close();
    isOver = true;
  }
}

const nowMs = () => performance.timeOrigin + performance.now();
