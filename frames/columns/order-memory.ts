/** What the chunk has told of each order so far, by the order's index. */
import { WordsTable } from "./words-table.ts";

const FIRST_ORDERS = 2048;

export class OrderMemory {
  readonly ids = new WordsTable();
  instrument = new Int32Array(FIRST_ORDERS);
  side = new Uint8Array(FIRST_ORDERS);
  price = new Int32Array(FIRST_ORDERS);
  size = new Int32Array(FIRST_ORDERS);
  /** 1 once price and size were told. */
  isSet = new Uint8Array(FIRST_ORDERS);

  clear(): void {
    this.ids.clear();
  }

  /** Prepares the place of an order that was just added. */
  open(index: number): void {
    if (index >= this.instrument.length) this.grow();
    this.instrument[index] = -1;
    this.side[index] = 0;
    this.price[index] = 0;
    this.size[index] = 0;
    this.isSet[index] = 0;
  }

  private grow(): void {
    const length = this.instrument.length * 2;
    this.instrument = copied(new Int32Array(length), this.instrument);
    this.side = copied(new Uint8Array(length), this.side);
    this.price = copied(new Int32Array(length), this.price);
    this.size = copied(new Int32Array(length), this.size);
    this.isSet = copied(new Uint8Array(length), this.isSet);
  }
}

function copied<A extends Int32Array | Uint8Array>(to: A, from: A): A {
  to.set(from);
  return to;
}
