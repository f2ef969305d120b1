/**
 * Many live orders on one stream, applied by the service's core with certificates: what a message
 * costs, what a checkpoint's stop costs, and that the state put back is the same.
 */

import { restoreLive, wholeState } from "../book/checkpoint/live-state.ts";
import { CheckpointSaver } from "../book/checkpoint/saver.ts";
import { Live } from "../book/live.ts";
import { LiveApi } from "../book/live-api.ts";
import { openZstd } from "../frames/zstd.ts";
import { LoadMaker } from "./load-chunks.ts";

export interface LiveOrdersSize {
  readonly liveOrders: number;
  readonly instruments: number;
  /** That are timed, after those that build the books up. */
  readonly chunks: number;
  readonly messagesPerChunk: number;
}

export interface LiveOrdersResult {
  /** Orders in all books, and instruments that the stream has named. */
  readonly standing: number;
  readonly instruments: number;
  /** What a message takes, ns, by the chunk: ascending. */
  readonly perMessageNs: readonly number[];
  /** Stops of checkpoints, ms: ascending. */
  readonly stopsMs: readonly number[];
  readonly stateBytes: number;
  readonly fileBytes: number;
  readonly restoreSeconds: number;
  /** Resident bytes before the first checkpoint. */
  readonly memoryBytes: number;
  /** Live orders, positions and the best books, before and after the state was put back. */
  readonly before: string;
  readonly after: string;
}

const SEC = 1_790_000_000;
const STOPS = 5;
const BOOKS_COMPARED = 50;

export function runLiveOrders(size: LiveOrdersSize): LiveOrdersResult {
  const newLive = () => new Live({ zstd: openZstd(), ask() {} });
  const live = newLive();
  const perMessageNs = applied(live, size).sort((a, b) => a - b);
  const memoryBytes = process.memoryUsage.rss();
  const stopsMs: number[] = [];
  let fileBytes = 0;
  const saver = new CheckpointSaver(live, "", openZstd(), 0, {
    open: () => ({ write() {}, commit() {}, abort() {} }),
    clockNs: () => performance.now() * 1e6,
    saved: (_head, written) => {
      fileBytes = written;
      stopsMs.push(saver.pauseNs / 1e6);
    },
    failed: (error) => {
      throw error;
    },
  });
  for (let round = 0; round < STOPS; round++) saver.saveNow(SEC * 1e9);
  stopsMs.sort((a, b) => a - b);
  const { outline, graph } = wholeState(live);
  const buffers = graph.buffers.map((buffer) => buffer.slice().buffer);
  const begun = performance.now();
  const restored = newLive();
  restoreLive(restored, { outline, graph: { nodes: graph.nodes, buffers } });
  const restoreSeconds = (performance.now() - begun) / 1000;
  return {
    standing: ordersOf(live),
    instruments: [...live.feeds.values()][0].pipeline.streams[0]?.decoder.instruments.count ?? 0,
    ...{
      perMessageNs,
      stopsMs,
      stateBytes: saver.stateBytes,
      fileBytes,
      restoreSeconds,
      memoryBytes,
    },
    before: standOf(live),
    after: standOf(restored),
  };
}

/** ns a message, by the chunk. */
function applied(live: Live, { chunks, messagesPerChunk, ...size }: LiveOrdersSize): number[] {
  const maker = new LoadMaker({
    ...{ ...size, seed: 2, streams: 1, messagesPerChunk },
    ...{ collector: "orders", boot: 1, codec: "raw" as const },
  });
  const times: number[] = [];
  for (let made = 0; made < maker.buildUp + chunks; made++) {
    const { bytes } = maker.next(SEC + Math.floor(made / 1000), (made % 1000) * 1e6);
    const begun = performance.now();
    live.push(bytes, SEC * 1e9);
    const ns = ((performance.now() - begun) * 1e6) / messagesPerChunk;
    if (made >= maker.buildUp) times.push(ns);
  }
  return times;
}

function ordersOf(live: Live): number {
  const streams = [...live.feeds.values()].flatMap(({ pipeline }) => pipeline.streams);
  return streams.reduce((sum, stream) => sum + (stream?.books?.liveOrders ?? 0), 0);
}

function standOf(live: Live): string {
  const api = new LiveApi(live);
  const [feed] = live.feeds.values();
  const names = feed.pipeline.streams[0]?.decoder.instruments.names ?? [];
  const books = names.slice(0, BOOKS_COMPARED).map((name) => api.book(feed.feed.id, name, "50"));
  const positions = api.streams().streams.map(({ position, messages }) => [position, messages]);
  return JSON.stringify([ordersOf(live), positions, books]);
}
