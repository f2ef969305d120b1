/**
 * Edge: a shard in its worker: checkpoints from and to the disk, the clock, and the mailbox in shared
 * memory. A worker's module calls `serveShard` once.
 */
import { drainMicrotasks } from "bun:jsc";
import { serveChunks, type WorkerSelf } from "../../actors/worker-loop.ts";
import type { Dictionary } from "../../frames/dictionary.ts";
import { openZstd } from "../../frames/zstd.ts";
import { CheckpointFolder } from "../checkpoint/folder.ts";
import { openLive } from "../checkpoint/opening.ts";
import { CheckpointSaver } from "../checkpoint/saver.ts";
import { EventRows } from "../kafka/event-rows.ts";
import { Live, type LiveOptions } from "../live.ts";
import { Shard } from "./shard.ts";
import type { ShardWord } from "./word.ts";

/** What a shard's life is begun with. */
export interface ShardSetup<S> {
  /** Directory of its checkpoints. */
  readonly folder: string;
  readonly key: string;
  readonly tool: string;
  readonly saveNs: number;
  readonly session: number;
  /** Somebody can be asked for chunks again. */
  readonly canAsk: boolean;
  /** The owner takes rows of everything that happens to the books. */
  readonly wantsRows: boolean;
  /** Those that came before this life began; later ones come as records. */
  readonly dictionaries: readonly Dictionary[];
  /** What `optionsOf` is given. */
  readonly rest: S;
}

export type ShardLiveOptions = Omit<LiveOptions, "zstd" | "ask" | "intake" | "rows">;

/** @param optionsOf makes in the worker what cannot be sent to it: functions */
export function serveShard<S>(optionsOf: (rest: S) => Promise<ShardLiveOptions>): void {
  serveChunks<ShardSetup<S>>(async (setup, self) => {
    const options = await optionsOf(setup.rest);
    const shard = openShard(setup, options, self);
    return {
      take(record) {
        shard.take(record, clockNs());
        drainMicrotasks();
      },
      idle() {
        // A checkpoint under way gets what time there is, but never so long that a chunk waits.
        const until = performance.now() + IDLE_WORK_MS;
        do shard.turn(clockNs());
        while (shard.isSaving && performance.now() < until);
        drainMicrotasks();
      },
      stopped: () => shard.stop(clockNs()),
    };
  });
}

const IDLE_WORK_MS = 20;

function openShard<S>(setup: ShardSetup<S>, options: ShardLiveOptions, self: WorkerSelf): Shard {
  const say = (word: ShardWord) => self.say(word);
  const zstd = openZstd();
  for (const { name, bytes } of setup.dictionaries) zstd.dictionaries.learn(name, bytes);
  const folder = new CheckpointFolder(setup.folder);
  const rows = setup.wantsRows
    ? new EventRows((batch) => say({ say: "events", batch }))
    : undefined;
  const newLive = () =>
    new Live({
      ...options,
      ...(rows === undefined ? {} : { rows }),
      zstd,
      intake: { canAsk: setup.canAsk },
      clockNs,
      // A worker that has just begun compiles nothing yet: a chunk takes it fifty times as long, and on
      // a crowded host no single one of its batches must look like a hang.
      onRun: (...run) => {
        self.beat();
        options.onRun?.(...run);
      },
      ask: (collector, request) => say({ say: "ask", collector, request }),
      tell: (text, event, place) => say({ say: "news", text, event, place }),
    });
  const { live, head, newest, refused } = openLive(folder, setup.key, zstd, newLive);
  const saver = new CheckpointSaver(live, setup.key, zstd, newest, {
    open: (number) => folder.writer(number, () => {}),
    record: () => {
      // What the checkpoint contains is told before it: only what nobody has told is made again.
      rows?.flush();
      return shard.place;
    },
    clockNs: () => performance.now() * 1e6,
    saved: ({ number, record }, bytes) => {
      const { pauseNs, stateBytes } = saver;
      say({ say: "written", number, record, bytes, pauseNs, stateBytes });
    },
    failed: ({ message }) => say({ say: "save_failed", text: message }),
  });
  const { tool, saveNs, session } = setup;
  const ports = { say, flushRows: () => rows?.flush() };
  const shard = new Shard(live, saver, { tool, saveNs, session }, ports, clockNs());
  shard.taken = head?.record.session === session ? head.record.number : 0;
  say({
    say: "begun",
    record: head?.record ?? { session, number: 0 },
    isFromCheckpoint: head !== undefined,
    refused: refused.map(({ number, why }) => `checkpoint ${number}: ${why}`),
  });
  return shard;
}

/** Nanoseconds since 1970 as a double. */
function clockNs(): number {
  return (performance.timeOrigin + performance.now()) * 1e6;
}
