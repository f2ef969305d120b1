/**
 * What somebody outside may ask of a replay while it runs: pause, resume, step, another speed,
 * another place. Wishes are kept here until the replay looks; it is told at once, so that one that
 * sleeps wakes up. Wishes of the same kind replace each other: nothing piles up.
 */
import type { Instant } from "./filter.ts";
import type { Pace } from "./pace.ts";

export type ReplayPhase = "playing" | "paused" | "ended";

export class ReplayControl {
  pace: Pace;
  /** Capture time of the frame sent last. */
  positionSec = 0;
  positionNsec = 0;
  sent = 0;
  ended = false;
  private isPaused = false;
  private stepsLeft = 0;
  private place: Instant | undefined;
  private wake: () => void = () => {};
  /** Counts wishes, so that a replay sees that there was one. */
  wishes = 0;

  constructor(pace: Pace, paused = false) {
    this.pace = pace;
    this.isPaused = paused;
  }

  get phase(): ReplayPhase {
    if (this.ended) return "ended";
    return this.isPaused ? "paused" : "playing";
  }

  pause(): void {
    this.isPaused = true;
    this.changed();
  }

  resume(): void {
    this.isPaused = false;
    this.stepsLeft = 0;
    this.changed();
  }

  /** Pauses, and lets so many more frames go at once. */
  step(frames: number): void {
    this.isPaused = true;
    this.stepsLeft += frames;
    this.changed();
  }

  speed(pace: Pace): void {
    this.pace = pace;
    this.changed();
  }

  /** Goes on with the first frame of that moment or later; a pause stays one. */
  seek(place: Instant): void {
    this.place = place;
    this.changed();
  }

  /** No frame may go now. */
  get isHolding(): boolean {
    return this.isPaused && this.stepsLeft === 0 && this.place === undefined;
  }

  get isStepping(): boolean {
    return this.isPaused && this.stepsLeft > 0;
  }

  get isSeeking(): boolean {
    return this.place !== undefined;
  }

  /** The place wished for, which is then no wish any more. */
  takePlace(): Instant | undefined {
    const { place } = this;
    this.place = undefined;
    return place;
  }

  /** For the replay: so many frames went out, the last one captured then. */
  passed(frames: number, sec: number, nsec: number): void {
    this.sent += frames;
    this.positionSec = sec;
    this.positionNsec = nsec;
    if (this.isPaused) this.stepsLeft = Math.max(0, this.stepsLeft - frames);
  }

  /** For the replay: called at the next wish; one at a time. */
  onWish(wake: () => void): void {
    this.wake = wake;
  }

  private changed(): void {
    this.wishes++;
    this.wake();
  }
}
