/**
 * Edge: waiting until a moment to within microseconds, and still serving what else goes on. Long
 * waits are left to the event loop, those of some hundred microseconds to the kernel, and the rest
 * is spent looking at the clock, since the kernel wakes nobody up on time.
 *
 * Worst case: a core is busy while frames are due less than `SPIN_NS` apart; signals and requests
 * are served every `TURN_MS`.
 */
import { openLibc } from "../frames/multicast-libc.ts";
import { setSchedulerSlice, setTimerSlack } from "../frames/udp-send-libc.ts";

/** Below this the kernel sleeps for us: timers of the event loop are a millisecond coarse. */
const FINE_NS = 4e6;
/** Below this we look at the clock: a sleep of the kernel may be late by about as much. */
const SPIN_NS = 200e3;
/** Time that a turn of the event loop may take without making a frame late. */
const TURN_ROOM_NS = 500e3;
/** How long the event loop may wait for its turn. */
const TURN_MS = 20;
const TIMER_SLACK_NS = 1000;
/** A turn is short, so that the next one comes soon: what is due together is sent in less. */
const SLICE_NS = 200e3;

export class Waiter {
  private readonly signal: AbortSignal;
  private readonly onWake: (wake: () => void) => void;
  private turnMs = performance.now();
  private startNs = 0;
  /** Whether the kernel was asked to wake us up in time. */
  private isPrompt = false;

  /** @param onWake takes a function that ends a long wait early */
  constructor(signal: AbortSignal, onWake: (wake: () => void) => void) {
    this.signal = signal;
    this.onWake = onWake;
  }

  /** From now on, time is counted from now. */
  begin(): void {
    this.startNs = performance.now() * 1e6;
  }

  /** Nanoseconds since `begin`. */
  get nowNs(): number {
    return performance.now() * 1e6 - this.startNs;
  }

  /** Whether the event loop has waited for so long that it should have its turn, due or not. */
  isTurnDue(): boolean {
    return performance.now() - this.turnMs > TURN_MS;
  }

  /** One turn of the event loop. */
  async turn(): Promise<void> {
    await new Promise((resume) => setImmediate(resume));
    this.turnMs = performance.now();
  }

  /** Waits until then; may end early after a turn of the event loop, which may have news. */
  async until(dueNs: number): Promise<void> {
    const leftNs = dueNs - this.nowNs;
    if (leftNs > FINE_NS) {
      await this.sleep(Math.floor((leftNs - FINE_NS / 2) / 1e6));
      return;
    }
    if (this.isTurnDue() && (leftNs <= 0 || leftNs > TURN_ROOM_NS)) {
      await this.turn();
      return;
    }
    if (!this.isPrompt) this.askForPromptness();
    if (leftNs > SPIN_NS) openLibc()?.usleep(Math.floor((leftNs - SPIN_NS) / 1e3));
    while (this.nowNs < dueNs);
  }

  /** Only who waits for a moment has use for it: at full speed it would cost. */
  private askForPromptness(): void {
    this.isPrompt = true;
    setTimerSlack(TIMER_SLACK_NS);
    setSchedulerSlice(SLICE_NS);
  }

  /** Waits for news, however long. */
  async forNews(): Promise<void> {
    await this.sleep(0x7fff_ffff);
  }

  /** Sleeps, but not beyond the signal or a wake-up. */
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
      this.onWake(done);
    });
    this.turnMs = performance.now();
  }
}
