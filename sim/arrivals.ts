/**
 * What really arrived, and so what must be lost: the verdict that a sequencer is held against.
 *
 * Knows from the exchange's own clock which epoch a message is of, reads NSE's bytes by hand, and
 * works the losses out afterwards, from the whole list, with no state to get wrong. A number is
 * lost if it did not arrive within the window after something showed that it is missing.
 */
interface Arrived {
  readonly timeNs: number;
  /** Of a heartbeat the last number sent. */
  readonly sequence: number;
  readonly isHeartbeat: boolean;
}

export interface Verdict {
  /** Lowest number seen within the window after the first; NaN if nothing arrived. */
  readonly first: number;
  /** Numbers that must be lost. */
  readonly lost: ReadonlySet<number>;
  /** Some number arrived so near its deadline that either verdict is right. */
  readonly isDoubtful: boolean;
}

/** Capture times are doubles of absolute nanoseconds in between: exact to this. */
const ROUNDING_NS = 2_000;

export class Arrivals {
  /** By stream, then epoch. */
  private readonly streams = new Map<number, Arrived[][]>();
  private readonly startNs: bigint;
  private readonly epochStartsNs: readonly number[];

  /**
   * @param startSec the exchange's start, seconds since 1980 in Indian local time
   * @param restartsNs when it restarted, nanoseconds since its start
   */
  constructor(startSec: number, restartsNs: readonly number[]) {
    this.startNs = BigInt(startSec) * 1_000_000_000n;
    this.epochStartsNs = restartsNs;
  }

  /** A datagram as the receiver sees it, in the order of arrival. */
  add(timeNs: number, datagram: Uint8Array): void {
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    if (view.byteLength < 13) return;
    const isHeartbeat = view.getUint8(8) === 0x5a;
    const sentNs = isHeartbeat ? timeNs : Number(view.getBigInt64(9, true) - this.startNs);
    const sequence = view.getUint32(isHeartbeat ? 9 : 4, true);
    const epoch = this.epochStartsNs.filter((startNs) => sentNs >= startNs).length;
    const stream = view.getInt16(2, true);
    const epochs = this.streams.get(stream) ?? [];
    this.streams.set(stream, epochs);
    while (epochs.length <= epoch) epochs.push([]);
    epochs[epoch]!.push({ timeNs, sequence, isHeartbeat });
  }

  /** What must be lost of a stream's epoch (from 0). */
  verdict(stream: number, epoch: number, windowNs: number): Verdict {
    const arrived = this.streams.get(stream)?.[epoch] ?? [];
    const firstTime = new Map<number, number>();
    for (const { timeNs, sequence, isHeartbeat } of arrived) {
      if (!isHeartbeat && !firstTime.has(sequence)) firstTime.set(sequence, timeNs);
    }
    const first = firstNumber(arrived, windowNs);
    const startNs = arrived[0]?.timeNs ?? 0;
    const lost = new Set<number>();
    let isDoubtful = false;
    let high = first - 1;
    for (const { timeNs, sequence, isHeartbeat } of arrived) {
      const missingTo = isHeartbeat ? sequence : sequence - 1;
      for (let missing = high + 1; missing <= missingTo; missing++) {
        const late = (firstTime.get(missing) ?? Number.POSITIVE_INFINITY) - (timeNs + windowNs);
        if (late > 0) lost.add(missing);
        // While the start is not settled, a gap may be noticed later than a neighbour shows it.
        const slack = Math.max(ROUNDING_NS, startNs + windowNs - timeNs);
        if (late >= -ROUNDING_NS && late <= slack) isDoubtful = true;
      }
      high = Math.max(high, sequence);
    }
    return { first, lost, isDoubtful };
  }
}

function firstNumber(arrived: readonly Arrived[], windowNs: number): number {
  const start = arrived[0];
  if (start === undefined) return Number.NaN;
  let first = Number.POSITIVE_INFINITY;
  for (const { timeNs, sequence, isHeartbeat } of arrived) {
    if (timeNs > start.timeNs + windowNs && Number.isFinite(first)) break;
    first = Math.min(first, isHeartbeat ? sequence + 1 : sequence);
  }
  return first;
}
