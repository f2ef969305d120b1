/**
 * Times to come, earliest first; of equal times, the one set first. A binary heap whose entries
 * know their place, so that a cancelled one leaves at once and nothing lingers. No clock: the owner
 * says what time it is. Set, cancel and fire are O(log n).
 */
export interface Timer {
  readonly atNs: number;
  readonly fire: () => void;
  readonly order: number;
  /** Its place in the heap; -1 once it fired or was cancelled. */
  place: number;
}

export class Timers {
  readonly #heap: Timer[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the next is due; Infinity if there is none. */
  get nextNs(): number {
    return this.#heap.length === 0 ? Number.POSITIVE_INFINITY : this.#heap[0].atNs;
  }

  set(atNs: number, fire: () => void): Timer {
    const timer: Timer = { atNs, fire, order: this.#order++, place: this.#heap.length };
    this.#heap.push(timer);
    this.#rise(timer);
    return timer;
  }

  cancel(timer: Timer | undefined): void {
    if (timer === undefined || timer.place < 0) return;
    const hole = timer.place;
    const last = this.#heap.pop() as Timer;
    timer.place = -1;
    if (last === timer) return;
    this.#heap[hole] = last;
    last.place = hole;
    this.#rise(last);
    this.#sink(last);
  }

  /** Fires what is due at `nowNs`, in order of time; what that sets for now fires too. */
  fireDue(nowNs: number): void {
    while (this.#heap.length > 0 && this.#heap[0].atNs <= nowNs) {
      const timer = this.#heap[0];
      this.cancel(timer);
      timer.fire();
    }
  }

  #rise(timer: Timer): void {
    while (timer.place > 0) {
      const above = this.#heap[(timer.place - 1) >> 1];
      if (!before(timer, above)) return;
      this.#swap(timer, above);
    }
  }

  #sink(timer: Timer): void {
    for (;;) {
      const left = timer.place * 2 + 1;
      if (left >= this.#heap.length) return;
      let least = this.#heap[left];
      const right = this.#heap[left + 1];
      if (right !== undefined && before(right, least)) least = right;
      if (!before(least, timer)) return;
      this.#swap(least, timer);
    }
  }

  #swap(a: Timer, b: Timer): void {
    const place = a.place;
    a.place = b.place;
    b.place = place;
    this.#heap[a.place] = a;
    this.#heap[b.place] = b;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.atNs < b.atNs || (a.atNs === b.atNs && a.order < b.order);
}
