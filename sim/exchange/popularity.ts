/**
 * Which instrument is next: a few are traded all the time, many hardly, some never. Zipf's law
 * (weight 1 / rank) over a shuffled order, drawn in constant time by Walker's alias method.
 */
import type { Random } from "../../faults/random.ts";

export class Popularity {
  private readonly keep: Float64Array;
  private readonly alias: Int32Array;
  private readonly index: Int32Array;

  /**
   * @param count instruments, at least 1
   * @param deadShare from 0 to below 1: this part of them is never drawn
   */
  constructor(count: number, deadShare: number, random: Random) {
    const order = shuffled(count, random);
    const alive = Math.max(1, Math.round(count * (1 - deadShare)));
    this.index = order.subarray(0, alive);
    const table = aliasTable(alive);
    this.keep = table.keep;
    this.alias = table.alias;
  }

  /** An instrument, 0 up to, not including, the count. */
  draw(random: Random): number {
    const rank = random.below(this.keep.length);
    return this.index[random.unit() < this.keep[rank]! ? rank : this.alias[rank]!]!;
  }
}

function shuffled(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at--) {
    const other = random.below(at + 1);
    const kept = order[at]!;
    order[at] = order[other]!;
    order[other] = kept;
  }
  return order;
}

/** Walker's table of the weights 1, 1/2, 1/3 … */
function aliasTable(count: number): { keep: Float64Array; alias: Int32Array } {
  const keep = new Float64Array(count);
  const alias = new Int32Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) sum += 1 / (rank + 1);
  const small: number[] = [];
  const large: number[] = [];
  for (let rank = 0; rank < count; rank++) {
    keep[rank] = count / ((rank + 1) * sum);
    (keep[rank]! < 1 ? small : large).push(rank);
  }
  while (small.length > 0 && large.length > 0) {
    const under = small.pop()!;
    const over = large[large.length - 1]!;
    alias[under] = over;
    keep[over] = keep[over]! - (1 - keep[under]!);
    if (keep[over]! < 1) {
      large.pop();
      small.push(over);
    }
  }
  // What rounding has left over takes its own place whole.
  for (const rank of [...small, ...large]) keep[rank] = 1;
  return { keep, alias };
}
