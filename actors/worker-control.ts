/**
 * What a worker and its host tell each other through shared memory, so that a worker that hangs or
 * died can still be judged: which life counts, whether it is to end, its heartbeat, and whether it
 * has a chunk in hand.
 */
import type { StopMode } from "./actor.ts";

const LIFE = 0;
const WANTED = 1;
const BEATS = 2;
const IN_HAND = 3;
const WORDS = 4;

const GO_ON = 0;
const DRAIN = 1;
const END_NOW = 2;

export class WorkerControl {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4)) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
  }

  /** The life that may take chunks; an older one that wakes late must let go. */
  get life(): number {
    return Atomics.load(this.#words, LIFE);
  }

  set life(life: number) {
    Atomics.store(this.#words, LIFE, life);
  }

  /** How the worker is to end; undefined while it is to go on. */
  get wanted(): StopMode | undefined {
    const word = Atomics.load(this.#words, WANTED);
    if (word === GO_ON) return undefined;
    return word === DRAIN ? "drain" : "now";
  }

  want(mode: StopMode): void {
    Atomics.store(this.#words, WANTED, mode === "drain" ? DRAIN : END_NOW);
  }

  /** Goes up, modulo 2^32, while the worker lives and does not hang. */
  get beats(): number {
    return Atomics.load(this.#words, BEATS);
  }

  beat(): void {
    Atomics.add(this.#words, BEATS, 1);
  }

  /** The worker takes the chunk at this place of the ring into its hand. */
  hold(readAt: number): void {
    // Places are multiples of 4, so that an odd word is never taken for "none".
    Atomics.store(this.#words, IN_HAND, readAt | 1);
  }

  /** Was the chunk at this place being handled when its worker died? */
  held(readAt: number): boolean {
    return Atomics.load(this.#words, IN_HAND) === (readAt | 1);
  }

  letGo(): void {
    Atomics.store(this.#words, IN_HAND, 0);
  }
}

/** From host to worker, once a life. */
export interface WorkerStart {
  readonly ring: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly life: number;
  /** What the spec's `setup` gave for this life. */
  readonly setup: unknown;
}

/** From worker to host. */
export type WorkerWord =
  | { readonly kind: "threw"; readonly text: string }
  | { readonly kind: "ended" }
  | { readonly kind: "said"; readonly message: unknown };
