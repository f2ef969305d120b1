/**
 * The centre's checkpoints on a disk in memory, one life after another: the production saver, format
 * and opening; killed in the middle of a write, the newest damaged or cut short. What the watcher knew
 * at the moment of a checkpoint is kept beside it, so that the next life is judged from there on.
 */
import { openLive } from "../../book/checkpoint/opening.ts";
import { CheckpointSaver } from "../../book/checkpoint/saver.ts";
import { checkpointName, checkpointNumbers } from "../../book/checkpoint/state-store.ts";
import type { Live } from "../../book/live.ts";
import { FaultyDisk } from "../../faults/disk.ts";
import type { Zstd } from "../../frames/zstd-port.ts";
import type { DeliveryWatch } from "./delivery-watch.ts";

const KEY = "world";
const KEPT = 2;
const UNFINISHED = ".part";
/** Steps of a checkpoint between two ticks. */
const STEPS = 4;
/** So little at once that messages come while records are copied. */
const COPY_BYTES = 1024;
/** Bytes of a write that the process dies in, of those it tried. */
const TORN_PART = 0.5;

export interface Resumed {
  readonly live: Live;
  /** As it was when the checkpoint was taken; undefined: it begins with nothing. */
  readonly watch: DeliveryWatch | undefined;
}

export class WorldCheckpoints {
  /** Lives that began from a checkpoint, checkpoints that could not be used, and unfinished ones. */
  resumed = 0;
  refused = 0;
  torn = 0;
  private readonly disk: FaultyDisk;
  private readonly zstd: Zstd;
  private readonly watches = new Map<number, DeliveryWatch>();
  private saver: CheckpointSaver | undefined;

  constructor(zstd: Zstd, seed: number) {
    this.zstd = zstd;
    this.disk = new FaultyDisk({}, seed);
  }

  /** A new life, from the newest good checkpoint where it may. */
  open(newLive: () => Live, mayResume: boolean): Resumed {
    this.disk.restart();
    for (const { name } of this.disk.list()) {
      if (!name.endsWith(UNFINISHED)) continue;
      this.disk.remove(name);
      this.torn++;
    }
    const numbers = () => checkpointNumbers(this.disk.list().map(({ name }) => name));
    if (!mayResume) return { live: newLive(), watch: undefined };
    const read = (number: number) => this.disk.whole(checkpointName(number));
    const { live, head, refused } = openLive({ numbers, read }, KEY, this.zstd, newLive);
    this.refused += refused.length;
    if (head === undefined) return { live, watch: undefined };
    this.resumed++;
    return { live, watch: this.watches.get(head.number)?.copy() };
  }

  /** The life in hand is saved from here on. */
  attend(live: Live, watch: DeliveryWatch): void {
    const { disk } = this;
    const newest = checkpointNumbers(disk.list().map(({ name }) => name))[0] ?? 0;
    let known: DeliveryWatch;
    this.saver = new CheckpointSaver(live, KEY, this.zstd, newest, {
      open: (number) => this.writer(number, () => this.watches.set(number, known)),
      record: () => {
        known = watch.copy();
        return { session: 0, number: 0 };
      },
      copyStepBytes: COPY_BYTES,
      clockNs: () => 0,
      saved() {},
      failed(error) {
        throw error;
      },
    });
  }

  begin(nowNs: number): void {
    this.saver?.begin(nowNs);
  }

  /** Between two ticks. */
  step(): void {
    for (let step = 0; step < STEPS && this.saver?.step(); step++);
  }

  /** The process is gone; a file that it was writing stays as it is. */
  kill(): void {
    this.saver = undefined;
    this.disk.kill();
  }

  /** What a disk, or whoever copied the file, has done to the newest. */
  spoil(how: "damage" | "tear"): void {
    this.disk.restart();
    const [newest] = checkpointNumbers(this.disk.list().map(({ name }) => name));
    if (newest === undefined) return;
    const name = checkpointName(newest);
    const { length } = this.disk.whole(name);
    const at = Math.floor(length * TORN_PART);
    if (how === "tear") this.disk.truncate(name, at);
    else this.disk.write(name, Uint8Array.of(this.disk.whole(name)[at] ^ 0x10), at);
  }

  private writer(number: number, onWhole: () => void) {
    const { disk } = this;
    const whole = checkpointName(number);
    const part = whole + UNFINISHED;
    disk.create(part);
    let at = 0;
    return {
      write(bytes: Uint8Array) {
        disk.write(part, bytes, at);
        at += bytes.length;
      },
      commit: () => {
        disk.sync(part);
        disk.rename(part, whole);
        onWhole();
        const old = checkpointNumbers(disk.list().map(({ name }) => name)).slice(KEPT);
        for (const each of old) {
          disk.remove(checkpointName(each));
          this.watches.delete(each);
        }
      },
      abort: () => disk.remove(part),
    };
  }
}
