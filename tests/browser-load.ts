/**
 * Edge: a book service under steady load, for somebody to look at: chunks of many streams at a rate,
 * over the broker that it embeds. What it does not take within the second waits, and is told.
 */
import { Forwarder } from "../collector/forwarder.ts";
import { MqttChunkSink } from "../frames/transport-mqtt.ts";
import { startFor } from "./live-run.ts";
import { LoadMaker } from "./load-chunks.ts";

export interface PageLoad {
  readonly url: string;
  /** Messages that were offered until now. */
  readonly messages: number;
  /** Chunks that no book has yet. */
  readonly behind: number;
  stop(): Promise<void>;
}

export interface PageLoadOptions {
  readonly messagesPerSecond: number;
  readonly streams: number;
  readonly instruments: number;
  /** The service is ended then, whatever happens. */
  readonly lifeSeconds: number;
}

const CHUNKS_PER_SECOND = 60;
const LIVE_ORDERS = 50_000;
/** More chunks than that behind: the load waits, so that memory stays bounded. */
const BEHIND_LIMIT = 2000;

export async function startPageLoad(options: PageLoadOptions): Promise<PageLoad> {
  const { messagesPerSecond, streams, instruments, lifeSeconds } = options;
  const words = ["book", "--broker", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  const service = startFor(lifeSeconds * 1000, ...words);
  const broker = await service.hears(/broker at (\S+)/);
  const url = await service.hears(/books at (\S+)/);
  const boot = Date.now();
  const messagesPerChunk = Math.max(1, Math.round(messagesPerSecond / CHUNKS_PER_SECOND));
  const maker = new LoadMaker({
    ...{ seed: 1, streams, instruments, liveOrders: LIVE_ORDERS, messagesPerChunk },
    ...{ collector: "load", boot, codec: "raw" },
  });
  const sink = new MqttChunkSink(broker, { clientName: "load", onStatus() {} });
  const forwarder = new Forwarder(sink, boot, undefined);
  let isOver = false;
  const feeding = feed();
  return {
    url,
    get messages() {
      return maker.messages;
    },
    get behind() {
      return forwarder.unconfirmed;
    },
    async stop() {
      isOver = true;
      await feeding;
      await forwarder.close(0);
      await service.interrupt();
    },
  };

  async function feed(): Promise<void> {
    const begun = performance.now();
    for (let number = 1; !isOver; number++) {
      const ns = (performance.timeOrigin + performance.now()) * 1e6;
      if (forwarder.unconfirmed < BEHIND_LIMIT) {
        forwarder.offer(maker.next(Math.floor(ns / 1e9), Math.floor(ns % 1e9)));
      }
      const due = begun + (number * 1000) / CHUNKS_PER_SECOND;
      await Bun.sleep(Math.max(0, due - performance.now()));
    }
  }
}
