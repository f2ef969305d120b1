/**
 * The time that windows are measured in: the running maximum of the capture times.
 *
 * Capture times come from outside, so one of them may be garbage. A time more than an hour ahead
 * moves the clock only when the next frame agrees with it; until then what that frame reveals is
 * stamped with its own time. A clock that stands more than a second ahead of 64 frames in a row was
 * wrong, and steps back. After a step back, or a garbage time, open windows must be cut to the
 * clock (`stepped` says so).
 */
const FAR_AHEAD_NS = 3_600e9;
const BEHIND_NS = 1e9;
const BEHIND_FRAMES = 64;

export class CaptureClock {
  /** ns since 1970 as a double; -Infinity before the first frame. */
  nowNs = Number.NEGATIVE_INFINITY;
  /** Set when windows have to be cut to `nowNs`; whoever does it clears it. */
  stepped = false;
  /** Capture times that were not believed. */
  doubtful = 0;
  /** The time observed last is too far ahead to be believed yet. */
  isFarAhead = false;
  /** The time observed last showed that those before it were wrong. */
  wentBack = false;
  private aheadNs = Number.NaN;
  private behind = 0;

  /** Up to this time a frame that is not behind `nowNs` only moves it; -Infinity: none is. */
  get calmUntilNs(): number {
    const calm = this.behind === 0 && Number.isNaN(this.aheadNs);
    return calm ? this.nowNs + FAR_AHEAD_NS : Number.NEGATIVE_INFINITY;
  }

  /** Takes a frame's capture time; returns the time to stamp with what this frame reveals. */
  observe(ns: number): number {
    this.isFarAhead = false;
    this.wentBack = false;
    if (ns >= this.nowNs && ns - this.nowNs <= FAR_AHEAD_NS) {
      this.nowNs = ns;
      this.behind = 0;
      if (!Number.isNaN(this.aheadNs)) this.disbelieve();
      return ns;
    }
    return this.observeOdd(ns);
  }

  /** Time from a clock that is known to be good (live): only forward. */
  advance(ns: number): void {
    if (ns > this.nowNs) this.nowNs = ns;
  }

  private observeOdd(ns: number): number {
    if (this.nowNs === Number.NEGATIVE_INFINITY) {
      this.nowNs = ns;
      return ns;
    }
    if (ns > this.nowNs) {
      const agrees = Math.abs(ns - this.aheadNs) <= FAR_AHEAD_NS;
      if (agrees) {
        this.nowNs = Math.max(ns, this.aheadNs);
        this.aheadNs = Number.NaN;
        this.behind = 0;
        return this.nowNs;
      }
      this.aheadNs = ns;
      this.isFarAhead = true;
      return ns;
    }
    if (!Number.isNaN(this.aheadNs)) this.disbelieve();
    if (ns >= this.nowNs - BEHIND_NS) this.behind = 0;
    else if (++this.behind === BEHIND_FRAMES) {
      this.behind = 0;
      this.doubtful++;
      this.nowNs = ns;
      this.stepped = true;
      this.wentBack = true;
    }
    return this.nowNs;
  }

  private disbelieve(): void {
    this.aheadNs = Number.NaN;
    this.doubtful++;
    this.stepped = true;
  }
}
