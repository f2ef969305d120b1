/**
 * A queue in the order of arrival: a circle that doubles when it is full, so that taking is O(1)
 * and nothing taken is kept alive. It has no bound; whoever owns one sees to that.
 */
export class Fifo<T> {
  #slots: (T | undefined)[] = new Array(8).fill(undefined);
  #first = 0;
  length = 0;

  push(item: T): void {
    if (this.length === this.#slots.length) this.#double();
    this.#slots[(this.#first + this.length) & (this.#slots.length - 1)] = item;
    this.length++;
  }

  /** The oldest, left in its place. */
  peek(): T | undefined {
    return this.#slots[this.#first];
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#slots[this.#first];
    this.#slots[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#slots.length - 1);
    this.length--;
    return item;
  }

  /** Takes `item` out wherever it stands; O(length). */
  remove(item: T): void {
    for (let left = this.length; left > 0; left--) {
      const one = this.shift() as T;
      if (one !== item) this.push(one);
    }
  }

  #double(): void {
    const { length } = this.#slots;
    const wider: (T | undefined)[] = new Array(length * 2).fill(undefined);
    for (let at = 0; at < this.length; at++) {
      wider[at] = this.#slots[(this.#first + at) & (length - 1)];
    }
    this.#slots = wider;
    this.#first = 0;
  }
}
