/**
 * When each frame is due, in ns from the start of the replay. Every due time is counted from one
 * fixed anchor and never from the frame before, so that being late once makes nothing later.
 *
 * Capture times may step back (CME's do, two lines do): such a frame is due at once. A capture that
 * begins again (`--loop`) goes on where the last pass ended.
 */
import type { Pace } from "./pace.ts";

export class Schedule {
  private pace: Pace;
  private readonly maxSleepNs: number;
  private anchored = false;
  private anchorSec = 0;
  private anchorNsec = 0;
  /** Due time of a frame captured at the anchor. */
  private anchorDueNs = 0;
  private lastDueNs = 0;
  /** Frames since the anchor. */
  private frames = 0;

  /**
   * @param maxSleepNs longest wait between two frames; what a gap has beyond it is left out
   * @param firstDueNs when the first frame is due; may be negative where a replay joins midway
   */
  constructor(pace: Pace, maxSleepNs = Number.POSITIVE_INFINITY, firstDueNs = 0) {
    this.pace = pace;
    this.maxSleepNs = maxSleepNs;
    this.anchorDueNs = firstDueNs;
    this.lastDueNs = firstDueNs;
  }

  /** When the next frame is due, given its capture time. */
  next(sec: number, nsec: number): number {
    const { pace } = this;
    if (pace.kind === "max") return 0;
    if (pace.kind === "rate") {
      this.lastDueNs = this.anchorDueNs + (this.frames++ * 1e9) / pace.perSecond;
      return this.lastDueNs;
    }
    if (!this.anchored) this.anchor(sec, nsec);
    const sinceNs = (sec - this.anchorSec) * 1e9 + (nsec - this.anchorNsec);
    let dueNs = this.anchorDueNs + sinceNs / pace.factor;
    const beyond = dueNs - this.lastDueNs - this.maxSleepNs;
    if (beyond > 0) {
      this.anchorDueNs -= beyond;
      dueNs -= beyond;
    }
    if (dueNs > this.lastDueNs) this.lastDueNs = dueNs;
    return this.lastDueNs;
  }

  /** The capture begins again: its first frame is due right after the last. */
  rewind(): void {
    if (this.pace.kind !== "captured") return;
    this.anchored = false;
    this.anchorDueNs = this.lastDueNs;
  }

  /** The next frame, whatever its capture time, is due then; those after it are counted from it. */
  restart(pace: Pace, dueNs: number): void {
    this.pace = pace;
    this.anchored = false;
    this.anchorDueNs = dueNs;
    this.lastDueNs = dueNs;
    this.frames = 0;
  }

  private anchor(sec: number, nsec: number): void {
    this.anchored = true;
    this.anchorSec = sec;
    this.anchorNsec = nsec;
  }
}
