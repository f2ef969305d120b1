/**
 * From the eight letters of a symbol to its instrument, without making a string of them.
 *
 * Owns an open-addressing table keyed by the letters as two 32-bit words, at most half full. IEX
 * has no number for a security, so the digest numbers them by first appearance, from 1.
 */
import { type InstrumentMaster, Instruments } from "../instruments.ts";

const FIRST_SLOTS = 4096;
/** Five times the securities there are. More symbols than that are noise, and are refused. */
const SYMBOLS_LIMIT = 65_536;
const PADDING = 0x20;

export class Symbols {
  readonly instruments = new Instruments();
  private readonly masters: ReadonlyMap<string, InstrumentMaster> | undefined;
  private words = new Int32Array(FIRST_SLOTS * 2);
  /** Instrument + 1; 0 is an empty slot. */
  private slots = new Int32Array(FIRST_SLOTS);

  constructor(masters: ReadonlyMap<string, InstrumentMaster> | undefined) {
    this.masters = masters;
  }

  /** Instrument of the eight letters at `at`; -1 when there are too many to keep. */
  indexAt(view: DataView, at: number): number {
    const word0 = view.getInt32(at, true);
    const word1 = view.getInt32(at + 4, true);
    const slot = this.find(word0, word1);
    if (this.slots[slot] !== 0) return this.slots[slot] - 1;
    const { instruments } = this;
    if (instruments.count >= SYMBOLS_LIMIT) return -1;
    const symbol = symbolText(view, at);
    const index = instruments.add(symbol, instruments.count + 1);
    instruments.masters[index] = this.masters?.get(symbol);
    this.put(slot, word0, word1, index);
    if (instruments.count * 2 > this.slots.length) this.grow();
    return index;
  }

  /** The slot of the words, or the empty one where they belong. */
  private find(word0: number, word1: number): number {
    const mask = this.slots.length - 1;
    const mixed = Math.imul(word0 ^ Math.imul(word1, 0x85eb_ca6b), 0x9e37_79b1);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    while (this.slots[slot] !== 0) {
      if (this.words[slot * 2] === word0 && this.words[slot * 2 + 1] === word1) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private put(slot: number, word0: number, word1: number, index: number): void {
    this.words[slot * 2] = word0;
    this.words[slot * 2 + 1] = word1;
    this.slots[slot] = index + 1;
  }

  private grow(): void {
    const { words, slots } = this;
    this.words = new Int32Array(words.length * 2);
    this.slots = new Int32Array(slots.length * 2);
    for (let i = 0; i < slots.length; i++) {
      if (slots[i] === 0) continue;
      const slot = this.find(words[i * 2], words[i * 2 + 1]);
      this.put(slot, words[i * 2], words[i * 2 + 1], slots[i] - 1);
    }
  }
}

function symbolText(view: DataView, at: number): string {
  let end = 8;
  while (end > 0 && view.getUint8(at + end - 1) === PADDING) end--;
  let symbol = "";
  for (let i = 0; i < end; i++) symbol += String.fromCharCode(view.getUint8(at + i));
  return symbol;
}
