/**
 * Edge: an actor in a Bun worker, fed with byte chunks through a bounded ring in shared memory, and
 * supervised by the same rules as an actor in the kernel. The worker's module calls `serveChunks`.
 *
 * A worker that throws, ends by itself or hangs (its heartbeat stands still for `hangNs`) is ended
 * and, after the back-off, begun again on the same ring: chunks that wait are kept. The chunk it
 * had in hand is tried again, up to `tries` times in all, and then taken out and handed to
 * `onPoisoned`. A handler may therefore see a chunk twice; what it must not do twice it makes
 * idempotent, or `beforeRestart` empties the ring and the owner sends again from where the state
 * was saved, without what is poisoned. A chunk is known by its bytes: two that are equal are one.
 *
 * It owns no timer: `tick(nowNs)`, called every 100 ms or so, runs the watchdog, back-offs and
 * deadlines. One thread sends (single producer).
 */

import type { EndReason, StopMode } from "./actor.ts";
import { ActorError, timeFrom } from "./actor-error.ts";
import { ByteRing } from "./byte-ring.ts";
import type { MailboxMetrics } from "./mailbox.ts";
import {
  RestartBudget,
  type Supervision,
  type SupervisionOptions,
  supervision,
} from "./supervision.ts";
import { WorkerControl, type WorkerStart, type WorkerWord } from "./worker-control.ts";

/** How long a worker that was told to go may take before it is fenced off and left. */
const CLOSE_NS = 5e9;
/** Who owns the worker was not called for longer than this: the whole host stood still, or is crowded. */
const LATE_NS = 500e6;
/** How often a sender that waits looks whether the actor is still there. */
const LOOK_MS = 200;

export interface WorkerSpec {
  readonly name: string;
  /** The worker's module. */
  readonly module: URL;
  /** A power of two; a chunk may have half of it. */
  readonly ringBytes: number;
  /** A full ring: the sender waits, or the new chunk is dropped. */
  readonly policy: "block" | "dropNewest";
  readonly supervision?: SupervisionOptions;
  /** How long the heartbeat may stand still; 5 s if not given. */
  readonly hangNs?: number;
  /** How long a life may take to begin; 30 s if not given. */
  readonly beginNs?: number;
  /** What each life is begun with; must survive a structured clone. */
  setup?(life: number): unknown;
}

/** What the owner is told. None of these may throw. */
export interface WorkerEvents {
  onFailed?(error: ActorError, life: number): void;
  /** @param chunk a copy of the chunk that failed `tries` times */
  onPoisoned?(chunk: Uint8Array, tries: number, error: ActorError): void;
  /** The old life is gone, the next has not begun: the one moment to empty the ring. */
  beforeRestart?(life: number, ring: { clear(): number }): void;
  /** The restart budget is spent, or the directive is not to restart: a supervisor's turn. */
  onGivenUp?(error: ActorError): void;
  onSaid?(message: unknown): void;
}

export type WorkerPhase = "idle" | "beginning" | "running" | "closing" | "backingOff" | "stopped";

export class WorkerEdge {
  readonly spec: WorkerSpec;
  /** Resolves once the worker is gone for good. */
  readonly ended: Promise<EndReason>;
  phase: WorkerPhase = "idle";
  life = 0;
  readonly #events: WorkerEvents;
  readonly #rules: Supervision;
  readonly #budget: RestartBudget;
  readonly #hangNs: number;
  readonly #beginNs: number;
  readonly #ring: ByteRing;
  readonly #control = new WorkerControl();
  readonly #resolve: (why: EndReason) => void;
  #worker: Worker | undefined;
  #nowNs = 0;
  /** When the phase must have come to an end: begun, closed, or backed off. */
  #phaseEndNs = Number.POSITIVE_INFINITY;
  #stopNs = Number.POSITIVE_INFINITY;
  #beats = 0;
  #beatAtNs = 0;
  #failure: ActorError | undefined;
  #why: EndReason | undefined;
  /** A copy of the chunk in hand when a life failed, and how often that was so in a row. */
  #suspect: Uint8Array | undefined;
  #tries = 0;
  #waiting = 0;
  #lastSend: Promise<unknown> = Promise.resolve();

  constructor(spec: WorkerSpec, events: WorkerEvents = {}) {
    this.spec = spec;
    this.#events = events;
    this.#rules = supervision(spec.supervision);
    this.#budget = new RestartBudget(this.#rules);
    this.#hangNs = timeFrom(1, spec.hangNs ?? 5e9, "hangNs");
    this.#beginNs = timeFrom(1, spec.beginNs ?? 30e9, "beginNs");
    this.#ring = new ByteRing(ByteRing.allocate(spec.ringBytes));
    const { promise, resolve } = Promise.withResolvers<EndReason>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  /** In chunks; the one in hand counts as waiting. */
  get mailbox(): MailboxMetrics {
    return this.#ring.metrics;
  }

  start(nowNs: number): void {
    if (this.phase !== "idle") return;
    this.#nowNs = nowNs;
    this.#begin();
  }

  /**
   * Copies a chunk into the ring; it may be sent before `start` and between two lives.
   * Throws ActorError `ACTOR_TOO_LARGE` for one of more than half the ring.
   */
  send(chunk: Uint8Array): "taken" | "full" | "dropped" | "stopped" {
    // Nobody overtakes a chunk that waits for room.
    return this.#waiting > 0 ? this.#noRoom() : this.#offer(chunk);
  }

  /** As `send`, but waits for room, in the order of the calls. With `dropNewest` it never waits. */
  async sendWhenRoom(chunk: Uint8Array): Promise<"taken" | "dropped" | "stopped"> {
    this.#waiting++;
    const mine = this.#lastSend.then(() => this.#offerUntilTaken(chunk));
    this.#lastSend = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }

  /** Watchdog, back-offs, deadlines. */
  tick(nowNs: number): void {
    const sinceNs = nowNs - this.#nowNs;
    this.#nowNs = Math.max(this.#nowNs, nowNs);
    if (this.phase === "stopped") return;
    // A time in which nobody looked says nothing of the worker's heart.
    if (sinceNs > LATE_NS) this.#beatAtNs = Math.min(nowNs, this.#beatAtNs + sinceNs);
    if (this.#nowNs >= this.#stopNs) this.#close("deadline");
    if (this.phase === "running" || this.phase === "beginning") this.#watch();
    if (this.phase === "closing" && this.#nowNs >= this.#phaseEndNs) this.#closed();
    if (this.phase === "backingOff" && this.#nowNs >= this.#phaseEndNs) this.#begin();
  }

  /** Lets the worker fail, as if it had crashed. */
  kill(): void {
    this.#fail(new ActorError("ACTOR_KILLED", `${this.spec.name} was killed`));
  }

  /**
   * `drain`: what is in the ring is handled first, restarts included. `now`: after the chunk in
   * hand. At the deadline, seen by `tick`, the worker is ended in any case. What is then still in
   * the ring can be had with `takeBack`.
   */
  stop(mode: StopMode, nowNs: number, timeoutNs = 10e9): Promise<EndReason> {
    this.#nowNs = Math.max(this.#nowNs, nowNs);
    this.#stopNs = Math.min(this.#stopNs, this.#nowNs + timeFrom(0, timeoutNs, "timeoutNs"));
    this.#control.want(mode);
    const between = this.phase === "idle" || this.phase === "backingOff";
    if (between && (mode === "now" || this.phase === "idle")) this.#end("stopped");
    this.#ring.wakeAll();
    return this.ended;
  }

  /** Once stopped: the oldest chunk that nobody handled, copied and taken out. */
  takeBack(): Uint8Array | undefined {
    return this.phase === "stopped" ? this.#takeOut() : undefined;
  }

  #begin(): void {
    if (this.life > 0) this.#events.beforeRestart?.(this.life + 1, { clear: () => this.#clear() });
    this.life++;
    this.phase = "beginning";
    this.#phaseEndNs = this.#nowNs + this.#beginNs;
    this.#beats = this.#control.beats;
    this.#control.life = this.life;
    const { life } = this;
    const worker = new Worker(this.spec.module, { name: this.spec.name });
    this.#worker = worker;
    worker.onmessage = ({ data: word }: MessageEvent<WorkerWord>) => this.#hear(life, word);
    worker.onerror = (event) => {
      event.preventDefault();
      if (life === this.life) this.#fail(new ActorError("ACTOR_WORKER_THREW", event.message));
    };
    worker.addEventListener("close", () => {
      if (life === this.life) this.#closed();
    });
    const setup = this.spec.setup?.(life);
    const { shared: ring } = this.#ring;
    const start: WorkerStart = { ring, control: this.#control.shared, life, setup };
    worker.postMessage(start);
  }

  #hear(life: number, word: WorkerWord): void {
    // Who was given up on has nothing to say for the life that took over.
    if (life !== this.life) return;
    if (word.kind === "said") this.#events.onSaid?.(word.message);
    else if (word.kind === "ended") this.#close("stopped");
    else this.#fail(new ActorError("ACTOR_WORKER_THREW", `${this.spec.name}: ${word.text}`));
  }

  #watch(): void {
    const { beats } = this.#control;
    if (beats !== this.#beats) {
      this.phase = "running";
      this.#beats = beats;
      this.#beatAtNs = this.#nowNs;
      return;
    }
    const beginning = this.phase === "beginning";
    const endNs = beginning ? this.#phaseEndNs : this.#beatAtNs + this.#hangNs;
    if (this.#nowNs < endNs) return;
    const how = beginning ? "did not begin in time" : "has no heartbeat any more";
    this.#fail(new ActorError("ACTOR_WORKER_HUNG", `${this.spec.name} ${how}`));
  }

  #fail(error: ActorError): void {
    if (this.phase !== "beginning" && this.phase !== "running") return;
    this.#failure = error;
    this.#events.onFailed?.(error, this.life);
    this.#terminate();
  }

  /** Ends for good. */
  #close(why: EndReason): void {
    this.#why ??= why;
    if (this.phase === "backingOff" || this.phase === "idle") this.#end(this.#why);
    else if (this.phase !== "closing" && this.phase !== "stopped") this.#terminate();
  }

  #terminate(): void {
    this.phase = "closing";
    this.#phaseEndNs = this.#nowNs + CLOSE_NS;
    this.#worker?.terminate();
  }

  /** The thread is gone, or given up on: only now may anybody else read the ring. */
  #closed(): void {
    if (this.phase === "stopped" || this.phase === "backingOff") return;
    this.#worker = undefined;
    this.#control.life = 0;
    if (this.#why !== undefined) {
      this.#end(this.#why);
      return;
    }
    if (this.#failure === undefined) {
      this.#failure = new ActorError("ACTOR_WORKER_CLOSED", `${this.spec.name} ended by itself`);
      this.#events.onFailed?.(this.#failure, this.life);
    }
    const error = this.#failure;
    this.#failure = undefined;
    this.#judgeChunkInHand(error);
    if (this.#control.wanted === "now") this.#end("stopped");
    else this.#restartOrGiveUp(error);
  }

  #judgeChunkInHand(error: ActorError): void {
    this.#ring.recount();
    const chunk = this.#ring.peek();
    if (chunk === undefined || !this.#control.held(this.#ring.readAt)) return;
    this.#control.letGo();
    // By its bytes and not by its place: an emptied ring gives it another place when it comes
    // again.
    this.#tries = sameBytes(chunk, this.#suspect) ? this.#tries + 1 : 1;
    this.#suspect = chunk.slice();
    if (this.#tries < this.#rules.tries) return;
    this.#ring.release();
    this.#events.onPoisoned?.(this.#suspect, this.#tries, error);
  }

  #restartOrGiveUp(error: ActorError): void {
    const restarts = this.#rules.directive === "restart";
    const pauseNs = restarts ? this.#budget.spend(this.#nowNs) : undefined;
    if (pauseNs !== undefined) {
      this.phase = "backingOff";
      this.#phaseEndNs = this.#nowNs + pauseNs;
      return;
    }
    const directive = restarts ? this.#rules.exhausted : this.#rules.directive;
    this.#end(directive === "stop" ? "failed" : "escalated");
    this.#events.onGivenUp?.(error);
  }

  #end(why: EndReason): void {
    this.phase = "stopped";
    this.#ring.wakeAll();
    this.#resolve(why);
  }

  #offer(chunk: Uint8Array): "taken" | "full" | "dropped" | "stopped" {
    if (this.phase === "stopped" || this.#control.wanted !== undefined) return "stopped";
    return this.#ring.offer(chunk) ? "taken" : this.#noRoom();
  }

  #noRoom(): "full" | "dropped" {
    if (this.spec.policy === "block") return "full";
    this.#ring.countDropped();
    return "dropped";
  }

  async #offerUntilTaken(chunk: Uint8Array): Promise<"taken" | "dropped" | "stopped"> {
    for (;;) {
      const said = this.#offer(chunk);
      if (said !== "full") return said;
      await this.#ring.whenRoom(chunk.length, LOOK_MS);
    }
  }

  #takeOut(): Uint8Array | undefined {
    const chunk = this.#ring.peek()?.slice();
    if (chunk !== undefined) this.#ring.release();
    return chunk;
  }

  /** @returns how many chunks were thrown away */
  #clear(): number {
    const { depth } = this.#ring;
    while (this.#ring.peek() !== undefined) this.#ring.release();
    return depth;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  if (a.length !== b?.length) return false;
  for (let place = 0; place < a.length; place++) if (a[place] !== b[place]) return false;
  return true;
}
