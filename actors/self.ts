/**
 * An actor's hand on the kernel during one turn. It collects what the turn wants done; afterwards
 * it is dead, so that a reference kept by mistake does no harm.
 */

import type { ActorSpec, Answer, AnyRef, Ref, ReplyTo, Self, StopMode } from "./actor.ts";
import { ActorError, timeFrom } from "./actor-error.ts";
import { ASKS_LIMIT, type Ask, type Cell, COMMANDS_LIMIT, type Command } from "./cell.ts";

/** How long a drain may take if nobody says. */
export const DRAIN_NS = 10e9;

/** What a turn needs of the kernel at once. */
export interface TurnHost {
  nextAskId(): number;
  spawn(parent: Cell, spec: ActorSpec<never>): AnyRef;
}

export class TurnSelf<M> implements Self<M> {
  readonly ref: Ref<M>;
  readonly life: number;
  readonly nowNs: number;
  readonly #host: TurnHost;
  readonly #cell: Cell;
  #asks = 0;
  #over = false;

  constructor(host: TurnHost, cell: Cell, nowNs: number) {
    this.#host = host;
    this.#cell = cell;
    this.ref = cell.ref as Ref<M>;
    this.life = cell.life;
    this.nowNs = nowNs;
  }

  send<T>(to: Ref<T>, message: T): void {
    this.#want({ kind: "send", to, envelope: { message, ask: undefined, tries: 0 } });
  }

  ask<T, R>(
    to: Ref<T>,
    question: (replyTo: ReplyTo<R>) => T,
    timeoutNs: number,
    then: (answer: Answer<R>, self: Self<M>) => void,
  ): void {
    if (this.#cell.asked.size + this.#asks >= ASKS_LIMIT) {
      throw new ActorError("ACTOR_LIMIT", `${this.ref.path} has ${ASKS_LIMIT} questions open`);
    }
    const ask: Ask = {
      id: this.#host.nextAskId(),
      target: to,
      asker: this.#cell,
      timeoutNs: timeFrom(0, timeoutNs, "an ask's timeoutNs"),
      settle: then as Ask["settle"],
      timer: undefined,
    };
    const message = question({ ask: ask.id });
    this.#want({ kind: "send", to, envelope: { message, ask, tries: 0 } });
    this.#asks++;
  }

  reply<R>(to: ReplyTo<R>, value: R): void {
    this.#want({ kind: "reply", to, value });
  }

  spawn<T>(spec: ActorSpec<T>): Ref<T> {
    this.#check();
    return this.#host.spawn(this.#cell, spec as ActorSpec<never>) as Ref<T>;
  }

  stop(actor: AnyRef, mode: StopMode, timeoutNs: number = DRAIN_NS): void {
    timeFrom(0, timeoutNs, "a drain's timeoutNs");
    this.#want({ kind: "stop", actor, mode, timeoutNs });
  }

  /** The turn is over; every further call throws. */
  end(): void {
    this.#over = true;
  }

  #want(command: Command): void {
    this.#check();
    if (this.#cell.turn.length >= COMMANDS_LIMIT) {
      const mend = `${this.ref.path} sent more than ${COMMANDS_LIMIT} times in a turn: send fewer`;
      throw new ActorError("ACTOR_LIMIT", mend);
    }
    this.#cell.turn.push(command);
  }

  #check(): void {
    if (!this.#over) return;
    const mend = `the turn of ${this.ref.path} is over: send to it and act in its next turn`;
    throw new ActorError("ACTOR_OUTSIDE_TURN", mend);
  }
}
