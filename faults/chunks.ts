/**
 * What goes wrong with chunks between the edge and the centre: lost, repeated, overtaken, damaged.
 * One seed, one result; what is held back is bounded by `HELD_LIMIT`.
 */
import { FaultOptionError } from "./line-faults.ts";
import { Random } from "./random.ts";
import { FaultLog } from "./record.ts";

/** Rates are chances of each chunk, from 0 to 1; all are 0 unless given. */
export interface ChunkFaultOptions {
  readonly lossRate: number;
  readonly repeatRate: number;
  /** Chunks that 1 to `reorderChunks` later ones overtake. */
  readonly reorderRate: number;
  readonly reorderChunks: number;
  /** Chunks with one to three bytes changed. */
  readonly corruptRate: number;
  /** Records kept at most. */
  readonly logLimit: number;
}

export interface ChunkArrival {
  /** Its own bytes: it may be kept. */
  chunk(bytes: Uint8Array): void;
}

const HELD_LIMIT = 64;

export class ChunkFaults {
  readonly log: FaultLog;
  private readonly options: ChunkFaultOptions;
  private readonly random: Random;
  private readonly sink: ChunkArrival;
  private readonly held: { left: number; bytes: Uint8Array }[] = [];

  constructor(given: Partial<ChunkFaultOptions>, seed: number, sink: ChunkArrival) {
    this.options = {
      lossRate: 0,
      repeatRate: 0,
      reorderRate: 0,
      reorderChunks: 3,
      corruptRate: 0,
      logLimit: 1_000,
      ...given,
    };
    for (const name of ["lossRate", "repeatRate", "reorderRate", "corruptRate"] as const) {
      const rate = this.options[name];
      if (!(rate >= 0 && rate <= 1)) {
        throw new FaultOptionError(`${name} is ${rate}, and must be from 0 to 1`);
      }
    }
    this.random = new Random(seed, 4);
    this.sink = sink;
    this.log = new FaultLog(this.options.logLimit);
  }

  /**
   * A chunk on its way.
   * @param from its collector's name, for the record
   * @param number its running number there
   */
  push(from: string, number: number, bytes: Uint8Array): void {
    const { options, random, log, held } = this;
    if (random.chance(options.lossRate)) log.add("drop", from, Number.NaN, number);
    else {
      if (random.chance(options.repeatRate)) {
        log.add("duplicate", from, Number.NaN, number);
        this.hold(bytes);
      }
      if (random.chance(options.reorderRate) && held.length < HELD_LIMIT) {
        log.add("reorder", from, Number.NaN, number);
        this.hold(bytes);
      } else this.sink.chunk(this.damaged(from, number, bytes));
    }
    this.countDown();
  }

  /** The input is over: what was held back arrives. */
  finish(): void {
    for (const { bytes } of this.held.splice(0)) this.sink.chunk(bytes);
  }

  private hold(bytes: Uint8Array): void {
    if (this.held.length === HELD_LIMIT) this.sink.chunk(this.held.shift()!.bytes);
    const left = 2 + this.random.below(Math.max(1, this.options.reorderChunks));
    this.held.push({ left, bytes: bytes.slice() });
  }

  private countDown(): void {
    for (const held of this.held) held.left--;
    for (let at = 0; at < this.held.length; ) {
      if (this.held[at]!.left > 0) at++;
      else this.sink.chunk(this.held.splice(at, 1)[0]!.bytes);
    }
  }

  private damaged(from: string, number: number, bytes: Uint8Array): Uint8Array {
    const { random, options } = this;
    const copy = bytes.slice();
    if (copy.length === 0 || !random.chance(options.corruptRate)) return copy;
    this.log.add("corrupt", from, Number.NaN, number);
    const at = random.below(copy.length);
    const times = Math.min(copy.length, 1 + random.below(3));
    // Neighbours, so that no second change undoes the first.
    for (let time = 0; time < times; time++) {
      copy[(at + time) % copy.length]! ^= 1 + random.below(255);
    }
    return copy;
  }
}
