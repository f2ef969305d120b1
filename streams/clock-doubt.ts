/**
 * Says of which frames the capture's clock is doubtful (flag `T`): those whose capture time stepped
 * back beyond the window against the latest of their own channel, and those so far ahead that the
 * clock of the windows (`clock.ts`) waits for a second frame to agree.
 *
 * By channel, because only there do frames come in the order of capture: a chunk of one stream may
 * reach the centre long after later frames of another, and no clock stepped then. Small steps back
 * are how capture hosts and lines reorder, and mean nothing. Doubt ends when time has caught up, or
 * when `clock.ts` sees that it was wrong before. Memory: one number for each channel.
 */
import type { Channels } from "../frames/channels.ts";

/** Where the window is none: what is behind by less is ordinary reordering all the same. */
const LEAST_STEP_NS = 100e6;

export class ClockDoubt {
  /** Of the frame in hand. */
  isDoubtful = false;
  /** By channel: latest believed capture time, ns since 1970. The fast path moves it on itself. */
  latestNs = new Float64Array(0);
  private readonly stepNs: number;

  constructor(windowNs: number) {
    this.stepNs = windowNs > 0 ? windowNs : LEAST_STEP_NS;
  }

  /** Makes room for channels that were found since. */
  growTo({ list }: Channels): void {
    const { latestNs } = this;
    if (list.length <= latestNs.length) return;
    const size = Math.max(list.length, 2 * latestNs.length);
    this.latestNs = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
    this.latestNs.set(latestNs);
  }

  /** Takes a frame's capture time and what the clock of the windows says of it. */
  observe(channel: number, ns: number, isFarAhead: boolean): void {
    const latest = this.latestNs[channel] ?? Number.NEGATIVE_INFINITY;
    this.isDoubtful = isFarAhead || ns < latest - this.stepNs;
    if (!isFarAhead && ns > latest) this.latestNs[channel] = ns;
  }

  /** The times before were wrong, and this frame's is right. */
  startAfresh(): void {
    this.latestNs.fill(Number.NEGATIVE_INFINITY);
    this.isDoubtful = false;
  }
}
