/**
 * How actors fail, begin again and end. Failing and ending go down the tree before they go up:
 * children end first, then the parent learns of it.
 *
 * Worst case: an escalation climbs to the root, and every step ends the subtree below it;
 * O(actors below, and the messages that wait there, each told as a dead letter).
 */

import type { AnyRef, Effect, EndReason, Failure, StopMode } from "./actor.ts";
import { ActorError } from "./actor-error.ts";
import type { Cell, Envelope } from "./cell.ts";
import type { Post } from "./post.ts";
import type { Directive } from "./supervision.ts";
import type { Timers } from "./timers.ts";

/** What this needs of the kernel. */
export interface LifeHost {
  readonly nowNs: number;
  readonly timers: Timers;
  wake(cell: Cell): void;
  /** The actor is gone: its id is never used again. */
  remove(cell: Cell): void;
  emit(effect: Effect): void;
}

export class Lifecycle {
  readonly #host: LifeHost;
  readonly #post: Post;
  restarts = 0;
  poisoned = 0;

  constructor(host: LifeHost, post: Post) {
    this.#host = host;
    this.#post = post;
  }

  /** The actor threw, at `envelope` if it had one in hand; its supervisor decides. */
  fail(cell: Cell, error: unknown, envelope?: Envelope): void {
    cell.turn = [];
    if (envelope !== undefined) envelope.tries++;
    const tries = envelope?.tries ?? 0;
    const failure = {
      actor: cell.ref,
      error,
      message: envelope?.message,
      tries,
      poisoned: envelope !== undefined && tries >= cell.supervision.tries,
      life: cell.life,
    };
    const { directive, pauseNs, cause } = this.#decide(cell, failure);
    this.#host.emit({ kind: "failed", failure, directive });
    if (envelope !== undefined) this.#keepOrPoison(cell, envelope, failure, directive);
    if (directive === "restart") this.#restart(cell, pauseNs);
    else if (directive === "stop") this.finish(cell, "failed");
    else this.#escalate(cell, cause);
  }

  /** Asks an actor to end; `timeoutNs` bounds a drain, also one that others hold up. */
  stop(cell: Cell, mode: StopMode, timeoutNs: number): void {
    if (mode === "now") {
      this.finish(cell, "stopped");
      return;
    }
    const atNs = this.#host.nowNs + timeoutNs;
    // A second drain may only shorten the first.
    if (cell.drainTimer !== undefined && cell.drainTimer.atNs <= atNs) return;
    this.#host.timers.cancel(cell.drainTimer);
    cell.drainTimer = this.#host.timers.set(atNs, () => this.finish(cell, "deadline"));
    cell.draining = true;
    this.#post.admit(cell);
    this.#host.wake(cell);
  }

  /** The next step of a drain: tell the children, or end. Call it when the actor is quiet. */
  drainOn(cell: Cell): void {
    if (cell.children.size === 0) {
      this.finish(cell, "stopped");
      return;
    }
    cell.childrenToldToDrain = true;
    const leftNs = Math.max(0, (cell.drainTimer?.atNs ?? 0) - this.#host.nowNs);
    for (const child of [...cell.children.values()]) this.stop(child, "drain", leftNs);
  }

  /** Ends an actor and all below it, at once. Of one that has ended it does nothing. */
  finish(cell: Cell, why: EndReason): void {
    if (cell.phase === "stopped") return;
    this.#endChildren(cell);
    cell.phase = "stopped";
    this.#host.timers.cancel(cell.restartTimer);
    this.#host.timers.cancel(cell.drainTimer);
    this.#endLife(cell, why);
    this.#empty(cell);
    this.#host.remove(cell);
    this.#host.emit({ kind: "stopped", actor: cell.ref, why, mailbox: cell.mailbox.metrics });
    const { parent } = cell;
    if (parent !== undefined) {
      parent.children.delete(cell.name);
      if (parent.phase === "running") {
        parent.notices.push({ kind: "ended", child: cell.ref, why });
        this.#host.wake(parent);
      }
    }
    this.#post.admit(cell);
  }

  #decide(cell: Cell, failure: Failure): { directive: Directive; pauseNs: number; cause: unknown } {
    let directive: Directive = cell.supervision.directive;
    try {
      directive = cell.parent?.actor?.supervise?.(failure) ?? directive;
    } catch (cause) {
      return { directive: "escalate", pauseNs: 0, cause };
    }
    if (directive !== "restart") return { directive, pauseNs: 0, cause: failure.error };
    const pauseNs = cell.budget.spend(this.#host.nowNs);
    if (pauseNs !== undefined) return { directive, pauseNs, cause: failure.error };
    return { directive: cell.supervision.exhausted, pauseNs: 0, cause: failure.error };
  }

  #keepOrPoison(cell: Cell, envelope: Envelope, failure: Failure, directive: Directive): void {
    if (directive === "restart" && !failure.poisoned) {
      cell.retry = envelope;
      return;
    }
    this.poisoned++;
    this.#host.emit({ kind: "poisoned", failure: { ...failure, poisoned: true } });
    if (envelope.ask !== undefined) this.#post.end(envelope.ask, "failed");
  }

  #restart(cell: Cell, pauseNs: number): void {
    cell.phase = "backingOff";
    this.#endChildren(cell);
    this.#endLife(cell, "failed");
    this.#host.timers.cancel(cell.restartTimer);
    cell.restartTimer = this.#host.timers.set(this.#host.nowNs + pauseNs, () => {
      cell.life++;
      cell.phase = "starting";
      cell.childrenToldToDrain = false;
      this.restarts++;
      this.#host.emit({ kind: "restarted", actor: cell.ref, life: cell.life });
      this.#host.wake(cell);
    });
  }

  #escalate(cell: Cell, cause: unknown): void {
    const { parent } = cell;
    this.finish(cell, "escalated");
    if (parent === undefined) {
      this.#host.emit({ kind: "escalated", actor: cell.ref, error: cause });
    } else {
      const text = `${cell.ref.path} failed beyond what its own supervision allows`;
      this.fail(parent, new ActorError("ACTOR_ESCALATED", text, cause));
    }
  }

  #endChildren(cell: Cell): void {
    for (const child of [...cell.children.values()]) this.finish(child, "parent");
  }

  /** The instance goes, and with it what it was waiting to be told. */
  #endLife(cell: Cell, why: EndReason): void {
    const { actor } = cell;
    cell.actor = undefined;
    cell.turn = [];
    for (const ask of [...cell.asked]) this.#post.forget(ask);
    while (cell.notices.length > 0) cell.notices.shift();
    try {
      actor?.stopped?.(why);
    } catch (error) {
      this.#host.emit({ kind: "stopHookFailed", actor: cell.ref, error });
    }
  }

  /** Everything that waits at an actor's end is told: nothing disappears. */
  #empty(cell: Cell): void {
    const { mailbox, outbox, ref } = cell;
    if (cell.retry !== undefined) this.#post.deadLetter(ref, cell.retry, "stopped");
    cell.retry = undefined;
    for (let letter = mailbox.take(); letter !== undefined; letter = mailbox.take()) {
      this.#post.deadLetter(ref, letter, "stopped");
    }
    cell.blockedOn?.waiters.remove(cell);
    cell.blockedOn = undefined;
    for (let command = outbox.shift(); command !== undefined; command = outbox.shift()) {
      this.#unsent(command.kind === "send" ? command : undefined);
      if (command.kind === "reply") this.#post.reply(command.to.ask, command.value);
    }
    for (const ask of [...cell.owes]) this.#post.end(ask, "stopped");
  }

  #unsent(command: { to: AnyRef; envelope: Envelope } | undefined): void {
    if (command === undefined) return;
    this.#post.deadLetter(command.to, command.envelope, "senderStopped");
  }
}
