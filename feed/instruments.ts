/**
 * The instruments of one stream: dense indices, in order of first appearance, for what the feed
 * names by token, locate code or symbol. Decoders own the way from wire to index; this holds what
 * every later stage wants to know of an index.
 */
export interface InstrumentMaster {
  readonly symbol: string;
  readonly instrument?: string;
  /** ISO date, where it has one. */
  readonly expiry?: string;
  /** Integer in the feed's price unit. */
  readonly strike?: number;
  readonly optionType?: string;
}

export class Instruments {
  /** As the feed names it: `61684`, `S45585` (a spread), `AAPL`; empty while not yet known. */
  readonly names: string[] = [];
  /** The number that goes into the BBO digest: locate code, token (spreads bit 31), or appearance from 1. */
  readonly digestNumbers: number[] = [];
  /** From the contract files, where there are any. */
  readonly masters: (InstrumentMaster | undefined)[] = [];
  private readonly byName = new Map<string, number>();

  get count(): number {
    return this.names.length;
  }

  /** A new instrument's index. */
  add(name: string, digestNumber: number): number {
    const index = this.names.length;
    this.names.push(name);
    this.digestNumbers.push(digestNumber >>> 0);
    this.masters.push(undefined);
    if (name !== "") this.byName.set(name, index);
    return index;
  }

  /** A name that came later than the index (ITCH: an order before its directory message). */
  rename(index: number, name: string): void {
    this.names[index] = name;
    this.byName.set(name, index);
  }

  /** After `names` were put back: what belongs to each of them. */
  readAgain(masterOf: (name: string) => InstrumentMaster | undefined): void {
    this.byName.clear();
    this.masters.length = 0;
    this.names.forEach((name, index) => {
      this.masters.push(masterOf(name));
      if (name !== "") this.byName.set(name, index);
    });
  }

  indexOf(name: string): number | undefined {
    return this.byName.get(name);
  }
}
