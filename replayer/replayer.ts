/**
 * Edge: frames of captures and chunks out again, each when it is due, as long as nobody wishes for
 * something else (`control.ts`). What is due together goes out together.
 */
import { FrameBatch } from "../frames/frame-batch.ts";
import { ReplayControl } from "./control.ts";
import type { Instant, Selection } from "./filter.ts";
import type { Impairment } from "./impairment.ts";
import { Lateness } from "./lateness.ts";
import type { Pace } from "./pace.ts";
import { Schedule } from "./schedule.ts";
import { Waiter } from "./wait.ts";

/** Where frames go: sockets, or a chunk builder. */
export interface ReplayTarget {
  /** Frames `from` up to, not including, `to`; the batch is valid until the promise is kept. */
  send(frames: FrameBatch, from: number, to: number): Promise<void> | void;
}

export interface ReplayOptions {
  readonly pace: Pace;
  readonly maxSleepNs?: number;
  /**
   * When the first frame is due, from its capture time; negative: frames before now are left out.
   */
  readonly firstDueNs?: (sec: number, nsec: number) => number;
  /** Passes over the input; 0: until the signal. */
  readonly passes?: number;
  /** Frames at most, over all passes. */
  readonly limit?: number;
  readonly selection?: Selection;
  readonly impairment?: Impairment;
  /** Wishes while it runs; its pace counts, not the one above. */
  readonly control?: ReplayControl;
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

/**
 * One pass over the input.
 * @param place where it is to begin; undefined: where the replay began. A pass may begin earlier if
 *   what it gives is selected by that place.
 */
export type ReplayPass = (place: Instant | undefined) => AsyncIterable<FrameBatch>;

/** Frames of one call to the target, so that lateness is measured close to the sending. */
const BURST = 512;

/** Sends until the input, the limit or the signal ends it. */
export async function replay(
  passOf: ReplayPass,
  target: ReplayTarget,
  options: ReplayOptions,
  signal: AbortSignal,
): Promise<ReplayReport> {
  const run = new Replay(target, options, signal);
  const passes = options.passes ?? 1;
  for (let pass = 0; (passes === 0 || pass < passes) && !run.isOver; ) {
    const { seen } = run;
    const place = run.begin();
    for await (const batch of passOf(place)) {
      await run.take(batch);
      if (run.isOver || run.isSeeking) break;
    }
    if (run.isSeeking && !run.isOver) continue;
    await run.endPass();
    pass++;
    // An input without a frame would be read for ever.
    if (run.seen === seen && place === undefined) break;
  }
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
  private readonly control: ReplayControl;
  private readonly waiter: Waiter;
  private readonly limit: number;
  private selected = new FrameBatch(4096);
  private due = new Float64Array(4096);
  private schedule: Schedule | undefined;
  private pace: Pace;
  private wishesSeen = 0;
  private firstSentNs = 0;
  private lastSentNs = 0;
  private firstDueNs = 0;
  private lastDueNs = 0;

  constructor(target: ReplayTarget, options: ReplayOptions, signal: AbortSignal) {
    this.target = target;
    this.options = options;
    this.signal = signal;
    this.control = options.control ?? new ReplayControl(options.pace);
    this.pace = this.control.pace;
    this.waiter = new Waiter(signal, (wake) => this.control.onWish(wake));
    this.limit = options.limit ?? Number.POSITIVE_INFINITY;
  }

  get isOver(): boolean {
    return this.signal.aborted || this.report.sent >= this.limit;
  }

  get isSeeking(): boolean {
    return this.control.isSeeking;
  }

  /** Frames sent, or left out as past. */
  get seen(): number {
    return this.report.sent + this.report.skipped;
  }

  /** A pass begins. @returns where somebody wishes it to */
  begin(): Instant | undefined {
    const place = this.control.takePlace();
    if (place === undefined) this.schedule?.rewind();
    else {
      // What faults have held back belongs to the place that was left.
      this.options.impairment?.finish();
      this.pace = this.control.pace;
      this.schedule?.restart(this.pace, this.waiter.nowNs);
    }
    return place;
  }

  async take(batch: FrameBatch): Promise<void> {
    if (this.waiter.isTurnDue()) await this.waiter.turn();
    let frames = batch;
    if (this.options.selection !== undefined) {
      if (this.selected.capacity < batch.count) this.selected = new FrameBatch(batch.count);
      this.options.selection.select(batch, this.selected);
      frames = this.selected;
    }
    if (this.options.impairment !== undefined) frames = this.options.impairment.apply(frames);
    await this.send(frames);
  }

  /** What faults have held back is sent before the input begins again, or ends. */
  async endPass(): Promise<void> {
    const rest = this.isOver ? undefined : this.options.impairment?.finish();
    if (rest !== undefined) await this.send(rest);
  }

  closed(): ReplayReport {
    const { report } = this;
    this.control.ended = true;
    const intervals = report.sent - 1;
    report.seconds = (this.lastSentNs - this.firstSentNs) / 1e9;
    const askedNs = this.lastDueNs - this.firstDueNs;
    if (intervals > 0 && askedNs > 0) report.askedPerSecond = (intervals * 1e9) / askedNs;
    if (intervals > 0 && report.seconds > 0) report.reachedPerSecond = intervals / report.seconds;
    return report;
  }

  private async send(frames: FrameBatch): Promise<void> {
    if (frames.count === 0) return;
    let at = this.begun(frames);
    const { due, waiter, control } = this;
    while (at < frames.count && !this.isOver) {
      const isNew = control.wishes !== this.wishesSeen;
      if (isNew || control.isHolding) await this.obey(frames, at);
      if (this.isSeeking || this.signal.aborted) return;
      const elapsedNs = waiter.nowNs;
      if ((due[at] > elapsedNs && !control.isStepping) || waiter.isTurnDue()) {
        await waiter.until(control.isStepping ? elapsedNs : due[at]);
        continue;
      }
      const to = this.burstEnd(frames.count, at, elapsedNs);
      const sending = this.target.send(frames, at, to);
      if (sending !== undefined) await sending;
      this.account(frames, at, to, elapsedNs);
      at = to;
    }
  }

  /** Plans the batch; returns the first frame that is not before the beginning. */
  private begun(frames: FrameBatch): number {
    const { maxSleepNs, firstDueNs } = this.options;
    if (this.due.length < frames.count) this.due = new Float64Array(frames.count);
    if (this.schedule === undefined) {
      const first = firstDueNs?.(frames.sec[0], frames.nsec[0]) ?? 0;
      this.schedule = new Schedule(this.pace, maxSleepNs, first);
      this.waiter.begin();
    }
    this.plan(frames, this.schedule, 0);
    let skip = 0;
    while (skip < frames.count && this.due[skip] < 0) skip++;
    this.report.skipped += skip;
    return skip;
  }

  /** Gives every frame from `at` on its due time. */
  private plan(frames: FrameBatch, schedule: Schedule, at: number): void {
    const { sec, nsec, count } = frames;
    for (let i = at; i < count; i++) this.due[i] = schedule.next(sec[i], nsec[i]);
  }

  /** Does what was wished for before frame `at` goes; holds while there is a pause. */
  private async obey(frames: FrameBatch, at: number): Promise<void> {
    const { control, waiter, schedule } = this;
    const leftNs = Math.max(0, this.due[at] - waiter.nowNs);
    while (control.isHolding && !this.signal.aborted) await waiter.forNews();
    this.wishesSeen = control.wishes;
    if (control.isSeeking || schedule === undefined) return;
    const rest = leftNs * (factorOf(this.pace) / factorOf(control.pace));
    this.pace = control.pace;
    schedule.restart(this.pace, waiter.nowNs + rest);
    this.plan(frames, schedule, at);
  }

  /** What is due together, or the one frame of a step. */
  private burstEnd(count: number, at: number, elapsedNs: number): number {
    if (this.control.isStepping) return at + 1;
    const { due } = this;
    const most = Math.min(count, at + BURST, at + this.limit - this.report.sent);
    let to = at + 1;
    while (to < most && due[to] <= elapsedNs) to++;
    return to;
  }

  private account(frames: FrameBatch, from: number, to: number, elapsedNs: number): void {
    const { report, due, control } = this;
    if (report.sent === 0) {
      this.firstSentNs = elapsedNs;
      this.firstDueNs = due[from];
    }
    this.lastSentNs = this.waiter.nowNs;
    this.lastDueNs = due[to - 1];
    const timed = this.pace.kind !== "max" && control.phase === "playing";
    for (let i = from; i < to; i++) {
      report.bytes += frames.length[i];
      if (timed) report.lateness.add(elapsedNs - due[i]);
    }
    report.sent += to - from;
    control.passed(to - from, frames.sec[to - 1], frames.nsec[to - 1]);
  }
}

function factorOf(pace: Pace): number {
  return pace.kind === "captured" ? pace.factor : 1;
}
