/**
 * Delivery: messages into mailboxes, senders that wait for room, questions and their ends.
 *
 * An actor whose message finds a full mailbox of policy `block` rests, with what else it wanted
 * done behind that message, until the room is there; those who wait for one mailbox are served in
 * turn. A wait that would close a circle could never end: that message becomes a dead letter.
 * Looking for the circle walks from one waiting actor to the next: O(actors in a chain), only when
 * one blocks.
 */
import type { Answer, AnyRef, DeadLetterReason, Effect, NoAnswer, Self } from "./actor.ts";
import type { Ask, Cell, Command, Envelope } from "./cell.ts";
import type { Timers } from "./timers.ts";

/** What the post needs of the kernel. */
export interface PostHost {
  readonly nowNs: number;
  readonly timers: Timers;
  find(ref: AnyRef): Cell | undefined;
  /** It may have something to do now. */
  wake(cell: Cell): void;
  stop(command: Command & { kind: "stop" }): void;
  emit(effect: Effect): void;
}

/** What `then` of a question from outside is given: there is no turn that it could act in. */
const NOBODY = undefined as unknown as Self<unknown>;

export class Post {
  readonly #host: PostHost;
  readonly #asks = new Map<number, Ask>();
  deadLetters = 0;
  /** Answers to questions that had ended. */
  lateAnswers = 0;

  constructor(host: PostHost) {
    this.#host = host;
  }

  /** Questions that have not ended. */
  get openAsks(): number {
    return this.#asks.size;
  }

  /** A turn ended well: opens its questions and does what it wanted. */
  commit(cell: Cell): void {
    const { turn } = cell;
    cell.turn = [];
    for (const command of turn) {
      if (command.kind === "send" && command.envelope.ask !== undefined) {
        this.open(command.envelope.ask);
      }
      cell.outbox.push(command);
    }
    this.flush(cell);
  }

  /** Does what waits in the outbox, until it is empty or the next message finds no room. */
  flush(cell: Cell): void {
    for (let next = cell.outbox.peek(); next !== undefined; next = cell.outbox.peek()) {
      if (next.kind === "send" && !this.#deliver(cell, next.to, next.envelope)) return;
      // Out of the box before it is done: a stop may come back to this very actor.
      cell.outbox.shift();
      if (next.kind === "reply") this.reply(next.to.ask, next.value);
      if (next.kind === "stop") this.#host.stop(next);
    }
  }

  /** From outside: as `Mailbox.offer`, and `stopped` where nobody takes it. */
  offer(to: AnyRef, envelope: Envelope): "taken" | "full" | "dropped" | "stopped" {
    const target = this.#host.find(to);
    if (target === undefined || !target.open) return "stopped";
    const taken = target.mailbox.offer(envelope);
    if (taken === "taken") this.#host.wake(target);
    return taken;
  }

  /** Room was made, or nobody takes anything here any more: those who wait move on. */
  admit(target: Cell): void {
    while (target.waiters.length > 0) {
      if (target.open && target.mailbox.depth === target.mailbox.limit) return;
      const waiter = target.waiters.shift() as Cell;
      waiter.blockedOn = undefined;
      this.flush(waiter);
      this.#host.wake(waiter);
    }
  }

  deadLetter(to: AnyRef, envelope: Envelope, why: DeadLetterReason): void {
    this.deadLetters++;
    this.#host.emit({ kind: "deadLetter", to, message: envelope.message, why });
    if (envelope.ask !== undefined) {
      this.end(envelope.ask, why === "deadlock" ? "deadlock" : "stopped");
    }
  }

  open(ask: Ask): void {
    this.#asks.set(ask.id, ask);
    ask.asker?.asked.add(ask);
    this.#host.find(ask.target)?.owes.add(ask);
    ask.timer = this.#host.timers.set(this.#host.nowNs + ask.timeoutNs, () => {
      this.end(ask, "timeout");
    });
  }

  reply(id: number, value: unknown): void {
    const ask = this.#asks.get(id);
    if (ask === undefined) this.lateAnswers++;
    else this.#settle(ask, { ok: true, value });
  }

  /** Ends a question without an answer; one that has ended stays as it ended. */
  end(ask: Ask, why: NoAnswer): void {
    if (this.#asks.has(ask.id)) this.#settle(ask, { ok: false, why });
  }

  /** The life that asked is over: nobody is there to be told. */
  forget(ask: Ask): void {
    this.#host.timers.cancel(ask.timer);
    this.#asks.delete(ask.id);
    ask.asker?.asked.delete(ask);
    this.#host.find(ask.target)?.owes.delete(ask);
  }

  #settle(ask: Ask, answer: Answer<unknown>): void {
    const { asker } = ask;
    this.forget(ask);
    if (asker === undefined) {
      ask.settle(answer, NOBODY);
    } else {
      asker.notices.push({ kind: "answer", ask, answer });
      this.#host.wake(asker);
    }
  }

  /** @returns false if the sender now waits for room */
  #deliver(sender: Cell, to: AnyRef, envelope: Envelope): boolean {
    switch (this.offer(to, envelope)) {
      case "stopped":
        this.deadLetter(to, envelope, "stopped");
        return true;
      case "full":
        return this.#wait(sender, this.#host.find(to) as Cell, envelope);
      default:
        return true;
    }
  }

  #wait(sender: Cell, target: Cell, envelope: Envelope): boolean {
    for (let at: Cell | undefined = target; at !== undefined; at = at.blockedOn) {
      if (at !== sender) continue;
      this.deadLetter(target.ref, envelope, "deadlock");
      return true;
    }
    sender.blockedOn = target;
    target.waiters.push(sender);
    return false;
  }
}
