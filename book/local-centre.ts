/**
 * Edge: the books of a service in this very thread: one `Live`, and its checkpoints where a directory
 * for them was named. A crash ends all of it; `shards/` is for whoever wants more.
 */

import type { Position } from "../frames/transport.ts";
import { openZstd } from "../frames/zstd.ts";
import type { Centre, Client, ClientPort } from "./centre.ts";
import { type CheckpointCopy, CheckpointFolder } from "./checkpoint/folder.ts";
import { openLive } from "./checkpoint/opening.ts";
import { CheckpointSaver } from "./checkpoint/saver.ts";
import type { Live } from "./live.ts";
import { LiveApi } from "./live-api.ts";
import { Subscriber } from "./live-subscriber.ts";

export interface LocalOptions {
  readonly newLive: () => Live;
  readonly tool: string;
  /** Directory of checkpoints; undefined: nothing is saved. */
  readonly state: string | undefined;
  /** Where checkpoints go besides. */
  readonly copy?: CheckpointCopy | undefined;
  /** Version and options: a checkpoint of others is not read. */
  readonly key: string;
  readonly saveNs: number;
  /** Where rows of events go; a checkpoint is none before all rows up to it are there. */
  readonly events?: EventsPort | undefined;
  readonly onStatus: (text: string) => void;
}

/** Rows that `Live` makes, on their way out. */
export interface EventsPort {
  readonly rows: { flush(): void };
  /** Resolves when more may be made; undefined: at once. */
  room(): Promise<void> | undefined;
  /** Resolves when all that was made so far has arrived. */
  settled(): Promise<void>;
}

const RATE_NS = 1e9;
/** A checkpoint under way gets so much time of every pause between chunks. */
const WORK_MS = 5;
const PAUSE_MS = 5;
/** How long the end waits for the last checkpoint. */
const CLOSE_MS = 10_000;

export class LocalCentre implements Centre {
  readonly api: LiveApi;
  readonly live: Live;
  private readonly options: LocalOptions;
  private readonly saver: CheckpointSaver | undefined;
  private readonly isRestored: boolean;
  private readonly told = new Set<string>();
  private sealing: Promise<void> = Promise.resolve();
  private worker: ReturnType<typeof setInterval> | undefined;
  private sampledNs = 0;
  private savedNs = clockNs();
  /** Checkpoints that are written and have no name yet. */
  private unsealed = 0;

  constructor(options: LocalOptions) {
    this.options = options;
    const { state, newLive, key, onStatus } = options;
    const folder = state === undefined ? undefined : new CheckpointFolder(state, options.copy);
    const opened = folder && openLive(folder, key, openZstd(), newLive);
    for (const { number, why } of opened?.refused ?? []) {
      onStatus(`checkpoint ${number} is not used: ${why}`);
    }
    this.live = opened?.live ?? newLive();
    this.isRestored = opened?.head !== undefined;
    this.api = new LiveApi(this.live, options.tool);
    this.saver = folder && this.newSaver(folder, opened?.newest ?? 0);
  }

  begin(): void {
    if (this.isRestored) this.live.resume(clockNs());
  }

  push(bytes: Uint8Array): Promise<void> | void {
    this.live.push(bytes, clockNs());
    return this.options.events?.room();
  }

  tick(): void {
    const nowNs = clockNs();
    this.live.advance(nowNs);
    this.options.events?.rows.flush();
    for (const notice of this.live.dayNotices.take()) this.options.onStatus(notice);
    tellValid(this.live, this.told, this.options.onStatus);
    if (nowNs - this.sampledNs >= RATE_NS) {
      this.sampledNs = nowNs;
      this.api.rates.sample(this.live, nowNs);
    }
    if (this.saver === undefined || nowNs - this.savedNs < this.options.saveNs) return;
    // One waits for its rows to arrive: more of them would only fill the disk.
    if (this.unsealed > 0) return;
    this.savedNs = nowNs;
    this.saver.begin(nowNs);
    this.worker ??= setInterval(() => this.work(), PAUSE_MS);
  }

  finish(): void {
    this.live.finish(clockNs());
    this.options.events?.rows.flush();
  }

  positions(consumer: string): Position[] {
    return this.live.intake.positions(consumer);
  }

  connect(port: ClientPort): Client {
    return new Subscriber(this.api, port);
  }

  async close(): Promise<void> {
    clearInterval(this.worker);
    this.saver?.saveNow(clockNs());
    // Without its rows the last checkpoint stays unfinished: the next life makes them again.
    await Promise.race([this.sealing, Bun.sleep(CLOSE_MS)]);
  }

  private work(): void {
    const until = performance.now() + WORK_MS;
    while (this.saver?.step() === true && performance.now() < until);
    if (this.saver?.isBusy === true) return;
    clearInterval(this.worker);
    this.worker = undefined;
  }

  private newSaver(folder: CheckpointFolder, newest: number): CheckpointSaver {
    const { key, events, onStatus } = this.options;
    let settled: Promise<void> = Promise.resolve();
    const lost = (text: string) => onStatus(`a checkpoint could not be saved: ${text}`);
    return new CheckpointSaver(this.live, key, openZstd(), newest, {
      open: (number) => folder.writer(number, () => {}),
      clockNs: () => performance.now() * 1e6,
      record: () => {
        settled = events?.settled() ?? Promise.resolve();
        return { session: 0, number: 0 };
      },
      saved: ({ number }) => {
        const rows = settled;
        this.unsealed++;
        this.sealing = this.sealing
          .then(() => rows)
          .then(() => folder.seal(number))
          .finally(() => this.unsealed--)
          .catch((error: Error) => lost(error.message));
      },
      failed: ({ message }) => lost(message),
    });
  }
}

/** Says once for each feed how long it took until every book of it could be trusted. */
function tellValid(live: Live, told: Set<string>, onStatus: (text: string) => void): void {
  for (const [id, { repairs }] of live.feeds) {
    if (told.has(id) || Number.isNaN(repairs.validAfterNs)) continue;
    told.add(id);
    const seconds = (repairs.validAfterNs / 1e9).toFixed(1);
    onStatus(`every book of ${id} is valid, ${seconds} s after its first chunk`);
  }
}

/** Nanoseconds since 1970 as a double: exact enough for time-outs. */
function clockNs(): number {
  return (performance.timeOrigin + performance.now()) * 1e6;
}
