/**
 * Many live orders on one stream, applied by the service's core with certificates: what a message costs,
 * also while a checkpoint is made; what its stop costs; and that what was written is the state of the stop.
 */
import { CheckpointFault, readCheckpoint } from "../book/checkpoint/file.ts";
import { restoreLive } from "../book/checkpoint/live-state.ts";
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
  /** See `SaverPorts`. */
  readonly copyStepBytes?: number;
}

export interface LiveOrdersResult {
  /** Orders in all books, and instruments that the stream has named. */
  readonly standing: number;
  readonly instruments: number;
  /** What a message takes, ns, by the chunk: ascending. */
  readonly perMessageNs: readonly number[];
  /** The same of the first chunk after each stop, and of the others until the records are copied. */
  readonly firstNs: readonly number[];
  readonly meanwhileNs: readonly number[];
  /** Stops of checkpoints, ms: ascending. */
  readonly stopsMs: readonly number[];
  readonly stateBytes: number;
  readonly fileBytes: number;
  readonly restoreSeconds: number;
  /** Resident bytes before the first checkpoint. */
  readonly memoryBytes: number;
  /** Live orders, positions, some books and the best levels of all, in the last stop and after its state was put back. */
  readonly before: string;
  readonly after: string;
}

const SEC = 1_790_000_000;
const STOPS = 5;
const BOOKS_COMPARED = 50;

export function runLiveOrders(size: LiveOrdersSize): LiveOrdersResult {
  const newLive = () => new Live({ zstd: openZstd(), ask() {} });
  const live = newLive();
  const load = new Load(live, size);
  const perMessageNs = load.run(size.chunks);
  const memoryBytes = process.memoryUsage.rss();
  const stopsMs: number[] = [];
  const firstNs: number[] = [];
  const meanwhileNs: number[] = [];
  let pieces: Uint8Array[] = [];
  let before = "";
  const saver = new CheckpointSaver(live, "", openZstd(), 0, {
    open: () => ({ write: (piece) => pieces.push(piece.slice()), commit() {}, abort() {} }),
    ...(size.copyStepBytes !== undefined && { copyStepBytes: size.copyStepBytes }),
    clockNs: () => performance.now() * 1e6,
    saved: () => stopsMs.push(saver.pauseNs / 1e6),
    failed: (error) => {
      throw error;
    },
  });
  for (let round = 0; round < STOPS; round++) {
    pieces = [];
    saver.begin(SEC * 1e9);
    for (let isFirst = true; saver.step(); ) {
      if (!saver.isCopying) continue;
      if (isFirst && round === STOPS - 1) before = standOf(live);
      (isFirst ? firstNs : meanwhileNs).push(...load.run(1));
      isFirst = false;
    }
  }
  const fileBytes = saver.bytes;
  const file = new Uint8Array(Buffer.concat(pieces));
  pieces = [];
  const begun = performance.now();
  const read = readCheckpoint(file, "", openZstd());
  if (read instanceof CheckpointFault) throw new Error(read.message);
  const restored = newLive();
  restoreLive(restored, read.state);
  const restoreSeconds = (performance.now() - begun) / 1000;
  return {
    standing: ordersOf(live),
    instruments: [...live.feeds.values()][0].pipeline.streams[0]?.decoder.instruments.count ?? 0,
    perMessageNs: sorted(perMessageNs),
    firstNs: sorted(firstNs),
    meanwhileNs: sorted(meanwhileNs),
    stopsMs: sorted(stopsMs),
    ...{ stateBytes: saver.stateBytes, fileBytes, restoreSeconds, memoryBytes },
    ...{ before, after: standOf(restored) },
  };
}

/** Chunks for the core, the orders that stand built up first. */
class Load {
  private readonly live: Live;
  private readonly maker: LoadMaker;
  private readonly messagesPerChunk: number;
  private made = 0;

  constructor(live: Live, { messagesPerChunk, liveOrders, instruments }: LiveOrdersSize) {
    this.live = live;
    this.messagesPerChunk = messagesPerChunk;
    this.maker = new LoadMaker({
      ...{ liveOrders, instruments, seed: 2, streams: 1, messagesPerChunk },
      ...{ collector: "orders", boot: 1, codec: "raw" as const },
    });
    this.run(this.maker.buildUp);
  }

  /** ns a message, by the chunk. */
  run(chunks: number): number[] {
    const times: number[] = [];
    for (const end = this.made + chunks; this.made < end; this.made++) {
      const { bytes } = this.maker.next(
        SEC + Math.floor(this.made / 1000),
        (this.made % 1000) * 1e6,
      );
      const begun = performance.now();
      this.live.push(bytes, SEC * 1e9);
      times.push(((performance.now() - begun) * 1e6) / this.messagesPerChunk);
    }
    return times;
  }
}

const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

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
  return JSON.stringify([ordersOf(live), positions, books, bestOf(live)]);
}

/** The best levels of all books, folded into a word. */
function bestOf(live: Live): number {
  const words = new Int32Array(4);
  let hash = 0;
  for (const { pipeline } of live.feeds.values()) {
    for (const stream of pipeline.streams) {
      const { count = 0 } = stream?.decoder.instruments ?? {};
      for (let instrument = 0; instrument < count; instrument++) {
        stream?.books?.readBestWords(instrument, words);
        for (const word of words) hash = Math.imul(hash ^ word, 16_777_619);
      }
    }
  }
  return hash;
}
