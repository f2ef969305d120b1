/**
 * Edge: frames of captures and chunks out again, each when it is due. Sleeps by the event loop where
 * there is time, by the kernel for the last milliseconds, and not at all at full speed.
 */
import { FrameBatch } from "../frames/frame-batch.ts";
import { openLibc } from "../frames/multicast-libc.ts";
import type { Selection } from "./filter.ts";
import type { Impairment } from "./impairment.ts";
import { Lateness } from "./lateness.ts";
import type { Pace } from "./pace.ts";
import { Schedule } from "./schedule.ts";

/** Where frames go: sockets, or a chunk builder. */
export interface ReplayTarget {
  /** Frames `from` up to, not including, `to`; the batch is valid until the promise is kept. */
  send(frames: FrameBatch, from: number, to: number): Promise<void> | void;
}

export interface ReplayOptions {
  readonly pace: Pace;
  readonly maxSleepNs?: number;
  /** When the first frame is due, from its capture time; negative: frames before now are left out. */
  readonly firstDueNs?: (sec: number, nsec: number) => number;
  /** Passes over the input; 0: until the signal. */
  readonly passes?: number;
  /** Frames at most, over all passes. */
  readonly limit?: number;
  readonly selection?: Selection;
  readonly impairment?: Impairment;
}

export interface ReplayReport {
  sent: number;
  bytes: number;
  /** Frames that were due before the replay began (`--align wall`). */
  skipped: number;
  /** From the first frame to the last, as they went out. */
  seconds: number;
  /** Rate that the capture and the pace ask for over these frames; 0: none (`max`). */
  askedPerSecond: number;
  reachedPerSecond: number;
  readonly lateness: Lateness;
}

/** Frames of one call to the target, so that lateness is measured close to the sending. */
const BURST = 256;
/** Below this the kernel sleeps for us: timers of the event loop are a millisecond coarse. */
const FINE_NS = 4e6;
/** A sleep of the kernel is late by about this much. */
const SLACK_NS = 70e3;
/** How long the event loop may wait for its turn while frames are due without a pause. */
const TURN_MS = 20;

/** Sends until the input, the limit or the signal ends it. */
export async function replay(
  passOf: () => AsyncIterable<FrameBatch>,
  target: ReplayTarget,
  options: ReplayOptions,
  signal: AbortSignal,
): Promise<ReplayReport> {
  const run = new Replay(target, options, signal);
  const passes = options.passes ?? 1;
  for (let pass = 0; (passes === 0 || pass < passes) && !run.isOver; pass++) {
    const before = run.report.sent + run.report.skipped;
    if (pass > 0) run.rewind();
    for await (const batch of passOf()) {
      await run.take(batch);
      if (run.isOver) break;
    }
    // An input without a frame would be read for ever.
    if (run.report.sent + run.report.skipped === before) break;
  }
  await run.finish();
  return run.closed();
}

class Replay {
  readonly report: ReplayReport = {
    sent: 0,
    bytes: 0,
    skipped: 0,
    seconds: 0,
    askedPerSecond: 0,
    reachedPerSecond: 0,
    lateness: new Lateness(),
  };
  private readonly target: ReplayTarget;
  private readonly options: ReplayOptions;
  private readonly signal: AbortSignal;
  private readonly limit: number;
  private selected = new FrameBatch(4096);
  private due = new Float64Array(4096);
  private schedule: Schedule | undefined;
  private startNs = 0;
  private firstSentNs = 0;
  private lastSentNs = 0;
  private firstDueNs = 0;
  private lastDueNs = 0;
  private turnMs = performance.now();

  constructor(target: ReplayTarget, options: ReplayOptions, signal: AbortSignal) {
    this.target = target;
    this.options = options;
    this.signal = signal;
    this.limit = options.limit ?? Number.POSITIVE_INFINITY;
  }

  get isOver(): boolean {
    return this.signal.aborted || this.report.sent >= this.limit;
  }

  rewind(): void {
    this.schedule?.rewind();
  }

  async take(batch: FrameBatch): Promise<void> {
    let frames = batch;
    if (this.options.selection !== undefined) {
      if (this.selected.capacity < batch.count) this.selected = new FrameBatch(batch.count);
      this.options.selection.select(batch, this.selected);
      frames = this.selected;
    }
    if (this.options.impairment !== undefined) frames = this.options.impairment.apply(frames);
    await this.send(frames);
  }

  async finish(): Promise<void> {
    const rest = this.isOver ? undefined : this.options.impairment?.finish();
    if (rest !== undefined) await this.send(rest);
  }

  closed(): ReplayReport {
    const { report } = this;
    const intervals = report.sent - 1;
    report.seconds = (this.lastSentNs - this.firstSentNs) / 1e9;
    const askedNs = this.lastDueNs - this.firstDueNs;
    if (intervals > 0 && askedNs > 0) report.askedPerSecond = (intervals * 1e9) / askedNs;
    if (intervals > 0 && report.seconds > 0) report.reachedPerSecond = intervals / report.seconds;
    return report;
  }

  private async send(frames: FrameBatch): Promise<void> {
    if (frames.count === 0) return;
    let at = this.plan(frames);
    const { due, report } = this;
    while (at < frames.count && !this.isOver) {
      await this.waitFor(due[at]);
      if (this.signal.aborted) return;
      const elapsedNs = performance.now() * 1e6 - this.startNs;
      const most = Math.min(frames.count, at + BURST, at + this.limit - report.sent);
      let to = at + 1;
      while (to < most && due[to] <= elapsedNs) to++;
      const sending = this.target.send(frames, at, to);
      if (sending !== undefined) await sending;
      this.account(frames, at, to, elapsedNs);
      at = to;
    }
  }

  /** Gives every frame its due time; returns the first that is not before the beginning. */
  private plan(frames: FrameBatch): number {
    if (this.due.length < frames.count) this.due = new Float64Array(frames.count);
    const { pace, maxSleepNs, firstDueNs } = this.options;
    if (this.schedule === undefined) {
      const first = firstDueNs?.(frames.sec[0], frames.nsec[0]) ?? 0;
      this.schedule = new Schedule(pace, maxSleepNs, first);
      this.startNs = performance.now() * 1e6;
    }
    let skip = 0;
    for (let i = 0; i < frames.count; i++) {
      this.due[i] = this.schedule.next(frames.sec[i], frames.nsec[i]);
      if (this.due[i] < 0 && skip === i) skip++;
    }
    this.report.skipped += skip;
    return skip;
  }

  private account(frames: FrameBatch, from: number, to: number, elapsedNs: number): void {
    const { report, due, options } = this;
    if (report.sent === 0) {
      this.firstSentNs = elapsedNs;
      this.firstDueNs = due[from];
    }
    this.lastSentNs = elapsedNs;
    this.lastDueNs = due[to - 1];
    for (let i = from; i < to; i++) {
      report.bytes += frames.length[i];
      if (options.pace.kind !== "max") report.lateness.add(elapsedNs - due[i]);
    }
    report.sent += to - from;
  }

  private async waitFor(dueNs: number): Promise<void> {
    for (;;) {
      const leftNs = dueNs - (performance.now() * 1e6 - this.startNs);
      const isTurn = performance.now() - this.turnMs > TURN_MS;
      if (leftNs > FINE_NS || (isTurn && leftNs <= 0)) {
        if (leftNs > FINE_NS) await this.sleep(Math.floor((leftNs - FINE_NS / 2) / 1e6));
        else await new Promise((resume) => setImmediate(resume));
        this.turnMs = performance.now();
        if (this.signal.aborted) return;
        if (leftNs <= 0) return;
        continue;
      }
      if (leftNs <= 0) return;
      if (leftNs > SLACK_NS) openLibc()?.usleep(Math.floor((leftNs - SLACK_NS) / 1e3));
    }
  }

  /** Sleeps, but not beyond the signal. */
  private async sleep(ms: number): Promise<void> {
    if (this.signal.aborted) return;
    await new Promise<void>((resume) => {
      const done = () => {
        clearTimeout(timer);
        this.signal.removeEventListener("abort", done);
        resume();
      };
      const timer = setTimeout(done, ms);
      this.signal.addEventListener("abort", done);
    });
  }
}
