/**
 * Locate codes to instruments. A locate code is a security's number for one day, given by its
 * directory message; an order may come before it, and then brings the symbol itself.
 *
 * Owns two tables of 65,536 indices. A code that has only been seen in messages without a symbol
 * has an instrument without a name: it holds no order, since the messages that add one name it.
 */
import type { InstrumentMaster } from "../instruments.ts";
import { Instruments } from "../instruments.ts";

/** Twice the codes there are. More names than that come from damaged bytes, and are refused. */
const INSTRUMENTS_LIMIT = 131_072;

export class Securities {
  readonly instruments = new Instruments();
  /** Instrument of a locate code, -1 where it has none yet. */
  readonly byLocate = new Int32Array(65_536).fill(-1);
  /** The same, but -1 until the symbol is known: one load tells an order that all is well. */
  readonly namedByLocate = new Int32Array(65_536).fill(-1);
  private readonly masters: ReadonlyMap<string, InstrumentMaster> | undefined;

  constructor(masters: ReadonlyMap<string, InstrumentMaster> | undefined) {
    this.masters = masters;
  }

  /** The codes are another day's from here on; the symbols keep their instruments. */
  forgetLocates(): void {
    this.byLocate.fill(-1);
    this.namedByLocate.fill(-1);
  }

  /** Index of a code that no symbol comes with; -1 only beyond the limit. */
  unnamed(locate: number): number {
    const known = this.byLocate[locate];
    if (known >= 0 || this.isFull()) return known;
    const index = this.instruments.add("", locate);
    this.byLocate[locate] = index;
    return index;
  }

  /** Index of a code whose symbol stands at `at`, 8 bytes; from here on the code means it. */
  named(view: DataView, at: number, locate: number): number {
    const symbol = symbolText(view, at);
    const known = this.byLocate[locate];
    const names = this.instruments.names;
    let index = known;
    if (known < 0 || names[known] !== symbol) {
      const bySymbol = this.instruments.indexOf(symbol);
      if (bySymbol !== undefined) index = bySymbol;
      else if (known >= 0 && names[known] === "") this.instruments.rename(known, symbol);
      else if (this.isFull()) return known;
      else index = this.instruments.add(symbol, locate);
      this.instruments.masters[index] = this.masters?.get(symbol);
      this.instruments.digestNumbers[index] = locate;
    }
    this.byLocate[locate] = index;
    this.namedByLocate[locate] = index;
    return index;
  }

  private isFull(): boolean {
    return this.instruments.count >= INSTRUMENTS_LIMIT;
  }
}

/** Eight letters without the spaces (or zero bytes) that pad them. */
export function symbolText(view: DataView, at: number): string {
  let end = 8;
  while (end > 0) {
    const last = view.getUint8(at + end - 1);
    if (last !== 0x20 && last !== 0) break;
    end--;
  }
  let symbol = "";
  for (let i = 0; i < end; i++) symbol += String.fromCharCode(view.getUint8(at + i));
  return symbol;
}
