/**
 * Edge: the books of one stream for a member of a group: a `Live` of their own with checkpoints of their
 * own, so that a stream can move between processes. Chunk numbers that are not the stream's are nobody's
 * here: a chunk names its predecessor, so what lies between the two is left out.
 */
import type { ChunkHeader } from "../../frames/chunk.ts";
import { openZstd } from "../../frames/zstd.ts";
import { type CheckpointCopy, CheckpointFolder } from "../checkpoint/folder.ts";
import { openLive } from "../checkpoint/opening.ts";
import { CheckpointSaver } from "../checkpoint/saver.ts";
import type { Live } from "../live.ts";
import { LiveApi } from "../live-api.ts";
import type { EventRows } from "./event-rows.ts";

export interface StreamBooksOptions {
  readonly folder: string;
  /** Where checkpoints go besides. */
  readonly copy: CheckpointCopy | undefined;
  /** Version and options: a checkpoint of others is not read. */
  readonly key: string;
  readonly tool: string;
  readonly rows: EventRows | undefined;
  readonly newLive: (rows: EventRows | undefined) => Live;
  readonly onStatus: (text: string) => void;
}

export class StreamBooks {
  readonly live: Live;
  readonly api: LiveApi;
  readonly rows: EventRows | undefined;
  /** Everything of the partition below it is in the checkpoint; -1: there was none. */
  readonly savedOffset: number;
  private readonly folder: CheckpointFolder;
  private readonly saver: CheckpointSaver;
  /** Of the checkpoint in hand. */
  offset = 0;
  private offsetNow: () => number = () => 0;
  private unsealed = 0;

  constructor({ folder, copy, key, tool, rows, newLive, onStatus }: StreamBooksOptions) {
    this.folder = new CheckpointFolder(folder, copy);
    this.rows = rows;
    const opened = openLive(this.folder, key, openZstd(), () => newLive(rows));
    for (const { number, why } of opened.refused) {
      onStatus(`checkpoint ${number} in ${folder} is not used: ${why}`);
    }
    this.live = opened.live;
    this.savedOffset = opened.head?.record.number ?? -1;
    this.api = new LiveApi(this.live, tool);
    this.saver = new CheckpointSaver(this.live, key, openZstd(), opened.newest, {
      open: (number) => this.folder.writer(number, () => {}),
      record: () => {
        this.offset = this.offsetNow();
        return { session: 0, number: this.offset };
      },
      // Members write to one place in turns, and the one who has the stream shall be the newest.
      numberAfter: (last) => Math.max(last + 1, Math.floor(Date.now() / 1000)),
      clockNs: () => performance.now() * 1e6,
      saved: ({ number }) => {
        this.unsealed = number;
      },
      failed: ({ message }) => onStatus(`a checkpoint could not be saved: ${message}`),
    });
    this.live.resume(clockNs(), false);
  }

  take(header: ChunkHeader, bytes: Uint8Array): void {
    const { collector, boot, oldest, number, previous, former } = header;
    const { intake } = this.live;
    const nowNs = clockNs();
    if (former !== undefined) {
      // What of a former life is not here by now was of other streams, or comes by itself.
      const last = intake.positions("").find((one) => one.collector === collector);
      const from = (last?.boot === former.boot ? last.chunk : 0) + 1;
      const life = { collector, boot: former.boot, oldest: former.oldest };
      if (from <= former.newest) intake.leaveOut({ ...life, from, to: former.newest }, nowNs);
    }
    const between = { collector, boot, oldest, from: previous + 1, to: number - 1 };
    if (between.from <= between.to) intake.leaveOut(between, nowNs);
    this.live.push(bytes, nowNs);
  }

  /**
   * Writes a checkpoint a few milliseconds at a time.
   * @param offset asked in the stop: all of the partition below it was taken
   * @returns false if it could not be written
   */
  async save(offset: () => number): Promise<boolean> {
    this.unsealed = 0;
    this.offsetNow = offset;
    this.saver.begin(clockNs());
    while (this.saver.step()) await Bun.sleep(0);
    return this.unsealed > 0;
  }

  /** Gives the checkpoint its name. */
  async seal(): Promise<void> {
    if (this.unsealed > 0) await this.folder.seal(this.unsealed);
    this.unsealed = 0;
  }
}

/** Nanoseconds since 1970 as a double. */
export function clockNs(): number {
  return (performance.timeOrigin + performance.now()) * 1e6;
}
