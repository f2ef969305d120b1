/**
 * The actor kernel: spawn, mailboxes with a bound and a policy, supervision, ask, stop.
 *
 * A core: it has no clock and no thread. The host calls `step(nowNs)`, which fires what is due and
 * lets ready actors make turns in the order the scheduler says, and learns from `nextTimeNs` when
 * to call again. What the host is to know comes as effects. The same kernel runs in production, in
 * the tests and in the simulator.
 *
 * It is made for control and for chunks, not for single market messages: each message is an object.
 * Costs: a turn is O(1) but for the scheduler's choice and leaving the ready list (O(ready
 * actors)). Bounds: see `cell.ts`; at most `actorsLimit` actors live. An actor's code runs inside
 * `step`: one that never returns holds up all (a worker and its watchdog are for that,
 * `worker-edge.ts`).
 */

import type { ActorSpec, Answer, AnyRef, Effect, Ref, ReplyTo, StopMode } from "./actor.ts";
import { ActorError, integerFrom, timeFrom } from "./actor-error.ts";
import { ASKS_LIMIT, type Ask, Cell, CHILDREN_LIMIT, type Envelope } from "./cell.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { MailboxMetrics } from "./mailbox.ts";
import { Post } from "./post.ts";
import { inTurn, type Scheduler } from "./scheduler.ts";
import { DRAIN_NS, TurnSelf } from "./self.ts";
import { Timers } from "./timers.ts";

export interface KernelOptions {
  /** First come, first served, if not given. */
  readonly scheduler?: Scheduler;
  /** Is told each effect as it happens; must not call the kernel nor throw. */
  readonly onEffect?: (effect: Effect) => void;
  /** 65,536 if not given. */
  readonly actorsLimit?: number;
}

export interface KernelCounts {
  readonly actors: number;
  /** Turns that ended well with a message. */
  readonly handled: number;
  readonly restarts: number;
  readonly poisoned: number;
  readonly deadLetters: number;
  readonly openAsks: number;
  readonly lateAnswers: number;
  /** Time-outs, drains and restarts to come. */
  readonly timers: number;
}

export class Kernel {
  readonly #cells = new Map<number, Cell>();
  readonly #roots = new Map<string, Cell>();
  readonly #ready: AnyRef[] = [];
  readonly #timers = new Timers();
  readonly #scheduler: Scheduler;
  readonly #onEffect: (effect: Effect) => void;
  readonly #actorsLimit: number;
  readonly #post: Post;
  readonly #life: Lifecycle;
  #nowNs = 0;
  #busy = false;
  #lastId = 0;
  #lastAsk = 0;
  #outsideAsks = 0;
  #handled = 0;

  constructor(options: KernelOptions = {}) {
    this.#scheduler = options.scheduler ?? inTurn;
    this.#onEffect = options.onEffect ?? (() => {});
    this.#actorsLimit = integerFrom(1, options.actorsLimit ?? 65_536, "actorsLimit");
    const kernel = this;
    const host = {
      timers: this.#timers,
      get nowNs() {
        return kernel.#nowNs;
      },
      find: (ref: AnyRef) => this.#cells.get(ref.id),
      wake: (cell: Cell) => this.#wake(cell),
      remove: (cell: Cell) => this.#remove(cell),
      emit: (effect: Effect) => this.#onEffect(effect),
      stop: (wanted: { actor: AnyRef; mode: StopMode; timeoutNs: number }) => {
        const cell = this.#cells.get(wanted.actor.id);
        if (cell !== undefined) this.#life.stop(cell, wanted.mode, wanted.timeoutNs);
      },
    };
    this.#post = new Post(host);
    this.#life = new Lifecycle(host, this.#post);
  }

  /** An actor without a parent. Throws ActorError for a bad spec or a name that is taken. */
  spawn<M>(spec: ActorSpec<M>): Ref<M> {
    return this.#alone(() => this.#spawn(undefined, spec as ActorSpec<never>)) as Ref<M>;
  }

  /**
   * Sends from outside. `full` (policy `block`): not taken, the caller holds it back. `dropped`:
   * the policy dropped this message. `stopped`: nobody is there.
   */
  tell<M>(to: Ref<M>, message: M): "taken" | "full" | "dropped" | "stopped" {
    return this.#alone(() => this.#post.offer(to, { message, ask: undefined, tries: 0 }));
  }

  /**
   * Asks from outside; `then` is called exactly once, inside this call or a later `step`, and must
   * not call the kernel nor throw. Throws ActorError `ACTOR_LIMIT` beyond 1,024 open questions.
   */
  ask<M, R>(
    to: Ref<M>,
    question: (replyTo: ReplyTo<R>) => M,
    timeoutNs: number,
    then: (answer: Answer<R>) => void,
  ): void {
    if (this.#outsideAsks >= ASKS_LIMIT) {
      throw new ActorError("ACTOR_LIMIT", `${ASKS_LIMIT} questions from outside are open`);
    }
    const ask: Ask = {
      id: ++this.#lastAsk,
      target: to,
      asker: undefined,
      timeoutNs: timeFrom(0, timeoutNs, "an ask's timeoutNs"),
      settle: (answer) => {
        this.#outsideAsks--;
        then(answer as Answer<R>);
      },
      timer: undefined,
    };
    this.#alone(() => {
      const message = question({ ask: ask.id });
      this.#outsideAsks++;
      this.#post.open(ask);
      const taken = this.#post.offer(to, { message, ask, tries: 0 });
      if (taken === "full" || taken === "stopped") this.#post.end(ask, taken);
    });
  }

  /** Stops an actor and all below it. @param timeoutNs when a drain is cut short; 10 s */
  stop(actor: AnyRef, mode: StopMode, timeoutNs: number = DRAIN_NS): void {
    timeFrom(0, timeoutNs, "a drain's timeoutNs");
    const cell = this.#cells.get(actor.id);
    if (cell !== undefined) this.#alone(() => this.#life.stop(cell, mode, timeoutNs));
  }

  /** Lets an actor fail between two turns: a fault, or a worker behind it that died. */
  fail(actor: AnyRef, error: unknown): void {
    const cell = this.#cells.get(actor.id);
    // Between its lives there is nothing that could fail.
    if (cell === undefined || cell.phase === "backingOff") return;
    this.#alone(() => this.#life.fail(cell, error));
  }

  /**
   * Fires what is due and makes at most `turns` turns. Time does not go back: an earlier `nowNs`
   * counts as the latest one.
   * @returns how many turns were made
   */
  step(nowNs: number, turns = 1024): number {
    return this.#alone(() => {
      this.#nowNs = Math.max(this.#nowNs, nowNs);
      this.#timers.fireDue(this.#nowNs);
      for (let made = 0; made < turns; made++) {
        const cell = this.#next();
        if (cell === undefined) return made;
        this.#turn(cell);
      }
      return turns;
    });
  }

  /** When there will be something to do: now if actors are ready, else a time, else Infinity. */
  get nextTimeNs(): number {
    return this.#ready.length > 0 ? this.#nowNs : this.timersNextNs;
  }

  /** The next restart, time-out or end of a drain, whoever is ready; Infinity if there is none. */
  get timersNextNs(): number {
    return this.#timers.nextNs;
  }

  get counts(): KernelCounts {
    const { deadLetters, lateAnswers, openAsks } = this.#post;
    const { restarts, poisoned } = this.#life;
    const actors = this.#cells.size;
    const timers = this.#timers.size;
    const handled = this.#handled;
    return { actors, handled, restarts, poisoned, deadLetters, openAsks, lateAnswers, timers };
  }

  /** The three metrics of an actor's mailbox; undefined once it has ended. */
  mailbox(actor: AnyRef): MailboxMetrics | undefined {
    return this.#cells.get(actor.id)?.mailbox.metrics;
  }

  /** The living actors, oldest first. */
  *actors(): Generator<AnyRef> {
    for (const { ref } of this.#cells.values()) yield ref;
  }

  #spawn(parent: Cell | undefined, spec: ActorSpec<never>): AnyRef {
    const siblings = parent?.children ?? this.#roots;
    if (parent?.childrenToldToDrain) {
      throw new ActorError("ACTOR_STOPPING", `${parent.ref.path} is stopping: it spawns no more`);
    }
    if (siblings.has(spec.name)) {
      throw new ActorError("ACTOR_NAME_TAKEN", `an actor "${spec.name}" lives here already`);
    }
    const family = parent === undefined ? 0 : siblings.size + parent.notices.length;
    if (this.#cells.size >= this.#actorsLimit || family >= CHILDREN_LIMIT) {
      throw new ActorError("ACTOR_LIMIT", `"${spec.name}" would be one actor more than allowed`);
    }
    const onDrop = ({ ask }: Envelope) => {
      if (ask !== undefined) this.#post.end(ask, "dropped");
    };
    const cell = new Cell(this.#lastId + 1, parent, spec as ActorSpec<unknown>, onDrop);
    this.#lastId++;
    this.#cells.set(cell.ref.id, cell);
    siblings.set(spec.name, cell);
    this.#wake(cell);
    return cell.ref;
  }

  #remove(cell: Cell): void {
    this.#cells.delete(cell.ref.id);
    if (cell.parent === undefined) this.#roots.delete(cell.name);
  }

  #wake(cell: Cell): void {
    if (cell.queued || !cell.runnable) return;
    cell.queued = true;
    this.#ready.push(cell.ref);
  }

  /** Takes the scheduler's choice out of the ready list; passes over who has nothing to do now. */
  #next(): Cell | undefined {
    while (this.#ready.length > 0) {
      const place = this.#scheduler.pick(this.#ready, this.#nowNs);
      if (place < 0) return undefined;
      const [ref] = this.#ready.splice(place, 1);
      const cell = this.#cells.get(ref.id);
      if (cell === undefined) continue;
      cell.queued = false;
      if (cell.runnable) return cell;
    }
    return undefined;
  }

  #turn(cell: Cell): void {
    const envelope = this.#handInTurn(cell);
    const self = new TurnSelf<unknown>(this.#turnHost, cell, this.#nowNs);
    try {
      this.#run(cell, envelope, self);
      if (this.#scheduler.strikes?.(cell.ref)) {
        throw new ActorError("ACTOR_KILLED", `${cell.ref.path} was killed at the end of a turn`);
      }
    } catch (error) {
      self.end();
      this.#life.fail(cell, error, envelope);
      return;
    }
    self.end();
    if (envelope !== undefined) this.#handled++;
    this.#post.commit(cell);
    if (cell.draining && cell.quiet) this.#drainOn(cell);
    this.#wake(cell);
  }

  /** The message of this turn; none if it starts, is told something, or only drains on. */
  #handInTurn(cell: Cell): Envelope | undefined {
    if (cell.phase === "starting") return undefined;
    if (cell.retry !== undefined) {
      const { retry } = cell;
      cell.retry = undefined;
      return retry;
    }
    if (cell.notices.length > 0) return undefined;
    const envelope = cell.mailbox.take();
    this.#post.admit(cell);
    return envelope;
  }

  #run(cell: Cell, envelope: Envelope | undefined, self: TurnSelf<unknown>): void {
    if (cell.phase === "starting") {
      cell.actor = cell.create();
      cell.actor.started?.(self);
      cell.phase = "running";
      return;
    }
    const actor = cell.actor;
    if (envelope !== undefined) {
      actor?.receive(envelope.message, self);
      return;
    }
    const notice = cell.notices.shift();
    if (notice?.kind === "answer") notice.ask.settle(notice.answer, self);
    if (notice?.kind === "ended") actor?.ended?.(notice.child, notice.why, self);
  }

  #drainOn(cell: Cell): void {
    if (cell.children.size === 0 || !cell.childrenToldToDrain) this.#life.drainOn(cell);
  }

  readonly #turnHost = {
    nextAskId: () => ++this.#lastAsk,
    spawn: (parent: Cell, spec: ActorSpec<never>) => this.#spawn(parent, spec),
  };

  /** The kernel does one thing at a time; who calls it from inside a turn is told so. */
  #alone<T>(work: () => T): T {
    if (this.#busy) {
      const mend = "the kernel was called from inside a turn or an effect: use `self`, or wait";
      throw new ActorError("ACTOR_BUSY", mend);
    }
    this.#busy = true;
    try {
      return work();
    } finally {
      this.#busy = false;
    }
  }
}
