/**
 * A bounded queue with a named policy for when it is full, and the three metrics of every queue in
 * the house: depth, high-water mark, dropped.
 *
 * | policy       | full, and one more comes                                             |
 * | ------------ | -------------------------------------------------------------------- |
 * | `block`      | it is not taken: the sender waits (`offer` says `full`)              |
 * | `dropOldest` | the one that waited longest is dropped                               |
 * | `dropNewest` | the new one is dropped                                               |
 * | `conflate`   | of each key only the newest waits, in the place of the one it        |
 * |              | replaces; a new key in a full mailbox drops the oldest               |
 *
 * A replaced message keeps its place so that a key that changes all the time is still delivered:
 * with `conflate` order is kept within a key, not between keys. Offer and take are O(1).
 */
import { ActorError, integerFrom } from "./actor-error.ts";
import { Fifo } from "./fifo.ts";

export type MailboxPolicy = "block" | "dropOldest" | "dropNewest" | "conflate";

export interface MailboxOptions<M> {
  /** How many messages may wait; from 1 up. */
  readonly limit: number;
  readonly policy: MailboxPolicy;
  /** What a message is about; needed by `conflate`, and only there. */
  key?(message: M): string | number;
}

export interface MailboxMetrics {
  /** Messages that wait now. */
  readonly depth: number;
  /** The most that ever waited. */
  readonly highWaterMark: number;
  /** Messages that the policy dropped or replaced. */
  readonly dropped: number;
}

export interface Letter {
  readonly message: unknown;
}

export class Mailbox<L extends Letter> implements MailboxMetrics {
  readonly limit: number;
  readonly policy: MailboxPolicy;
  highWaterMark = 0;
  dropped = 0;
  readonly #line: Fifo<L>;
  /** Only for `conflate`: a Map keeps the place of a key whose value is set again. */
  readonly #latest: Map<string | number, L>;
  readonly #keyOf: ((message: unknown) => string | number) | undefined;
  readonly #onDrop: (letter: L) => void;

  /** @param onDrop is told each letter that the policy drops or replaces, after it is counted */
  constructor(options: MailboxOptions<never>, onDrop: (letter: L) => void) {
    this.limit = integerFrom(1, options.limit, "mailbox.limit");
    this.policy = options.policy;
    if ((options.policy === "conflate") !== (options.key !== undefined)) {
      const mend = "give mailbox.key with the policy conflate, and only with it";
      throw new ActorError("ACTOR_BAD_OPTION", mend);
    }
    this.#keyOf = options.key as ((message: unknown) => string | number) | undefined;
    this.#onDrop = onDrop;
    this.#line = new Fifo();
    this.#latest = new Map();
  }

  get depth(): number {
    return this.#keyOf === undefined ? this.#line.length : this.#latest.size;
  }

  /** `full` leaves everything as it was; only `block` says it. `dropped`: this very letter was. */
  offer(letter: L): "taken" | "full" | "dropped" {
    if (this.#keyOf !== undefined) return this.#conflate(letter, this.#keyOf(letter.message));
    if (this.#line.length === this.limit) {
      if (this.policy === "block") return "full";
      if (this.policy === "dropNewest") {
        this.#drop(letter);
        return "dropped";
      }
      this.#drop(this.#line.shift() as L);
    }
    this.#line.push(letter);
    this.#mark();
    return "taken";
  }

  /** The next in order, or undefined if nothing waits. */
  take(): L | undefined {
    if (this.#keyOf === undefined) return this.#line.shift();
    for (const [key, letter] of this.#latest) {
      this.#latest.delete(key);
      return letter;
    }
    return undefined;
  }

  get metrics(): MailboxMetrics {
    const { depth, highWaterMark, dropped } = this;
    return { depth, highWaterMark, dropped };
  }

  #conflate(letter: L, key: string | number): "taken" {
    const replaced = this.#latest.get(key);
    if (replaced === undefined && this.#latest.size === this.limit) this.#drop(this.take() as L);
    this.#latest.set(key, letter);
    if (replaced !== undefined) this.#drop(replaced);
    this.#mark();
    return "taken";
  }

  #drop(letter: L): void {
    this.dropped++;
    this.#onDrop(letter);
  }

  #mark(): void {
    if (this.depth > this.highWaterMark) this.highWaterMark = this.depth;
  }
}
