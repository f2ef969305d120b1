/**
 * Capture times, told from the exchange's: the way from the exchange to the host takes nearly the
 * same time from frame to frame. Frames without an exchange time are told from the frame before.
 * Times are counted in the grain of the capture's clock; those beyond a second's nanoseconds, or
 * far from the chunk's first, travel as they are.
 */
import { distance, type Model } from "./model.ts";
import { ESCAPE } from "./number-class.ts";

const SECONDS_NEAR = 4_000_000;
const NS = 1_000_000_000;
/** Part of a new delay in the expected one: the rest is what was expected before. */
const NEW_SHARE = 0.25;
/** A delay that changed by more is a new one, not noise. */
const JUMP_NS = 1e6;

export class CaptureClock {
  /** Seconds that times count from. */
  baseSec = 0;
  grainNs = 1;
  /** What `read` found. */
  sec = 0;
  nsec = 0;
  private originLo = 0;
  private originHi = 0;
  private hasOrigin = false;
  private lastNs = 0;
  private delayNs = 0;

  clear(baseSec: number, grainNs: number): void {
    this.baseSec = baseSec;
    this.grainNs = grainNs;
    this.hasOrigin = false;
    this.lastNs = 0;
    this.delayNs = 0;
  }

  /** The exchange time of the model's frame, from that of the first one; NaN if it has none. */
  exchangeNs(model: Model): number {
    if (!model.isTimed) return Number.NaN;
    if (!this.hasOrigin) {
      this.hasOrigin = true;
      this.originLo = model.timeLo;
      this.originHi = model.timeHi;
    }
    return distance(model.timeLo, model.timeHi, this.originLo, this.originHi);
  }

  /**
   * The difference to what is expected, or `ESCAPE`.
   * @param exchangeNs what `exchangeNs` gave for the frame
   */
  difference(sec: number, nsec: number, exchangeNs: number): number {
    if (!this.isNear(sec, nsec)) return ESCAPE;
    const ns = (sec - this.baseSec) * NS + nsec;
    const difference = ns / this.grainNs - this.expected(exchangeNs);
    this.learn(ns, exchangeNs);
    return Math.abs(difference) < -ESCAPE ? difference : ESCAPE;
  }

  /** Sets `sec` and `nsec` from a difference that is no escape; false if there is no such time. */
  read(difference: number, exchangeNs: number): boolean {
    const ns = (this.expected(exchangeNs) + difference) * this.grainNs;
    const seconds = Math.floor(ns / NS);
    this.sec = this.baseSec + seconds;
    this.nsec = ns - seconds * NS;
    if (!this.isNear(this.sec, this.nsec)) return false;
    this.learn(ns, exchangeNs);
    return true;
  }

  /** Learns from a time that travelled as it is. */
  readEscaped(sec: number, nsec: number, exchangeNs: number): void {
    this.sec = sec;
    this.nsec = nsec;
    if (this.isNear(sec, nsec)) this.learn((sec - this.baseSec) * NS + nsec, exchangeNs);
  }

  private isNear(sec: number, nsec: number): boolean {
    return nsec < NS && Math.abs(sec - this.baseSec) < SECONDS_NEAR;
  }

  /** In grains. */
  private expected(exchangeNs: number): number {
    const ns = Number.isNaN(exchangeNs) ? this.lastNs : exchangeNs + this.delayNs;
    return Math.floor(ns / this.grainNs);
  }

  private learn(ns: number, exchangeNs: number): void {
    this.lastNs = ns;
    if (Number.isNaN(exchangeNs)) return;
    const delay = ns - exchangeNs;
    const change = delay - this.delayNs;
    this.delayNs = Math.abs(change) > JUMP_NS ? delay : this.delayNs + change * NEW_SHARE;
  }
}
