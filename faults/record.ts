/**
 * What was done wrong on purpose, in words: `drop(A, 3, 41..44)`. A failing run is explained by it.
 *
 * Counts are exact; of the records only the first `limit` are kept, and `left` counts the others.
 */
export type FrameFault =
  | "drop"
  | "burst"
  | "outage"
  | "duplicate"
  | "reorder"
  | "delay"
  | "truncate"
  | "corrupt"
  | "conflict"
  | "foreign"
  | "stale";
export type ChunkFault = "drop" | "duplicate" | "reorder" | "corrupt";
/** Of the exchange's servers; a snapshot's come with the same words where they are the same. */
export type RecoveryFault =
  | "refuse"
  | "error"
  | "short"
  | "cut"
  | "wrong"
  | "slow"
  | "notyet"
  | "silence";
export type SnapshotFault =
  | "refuse"
  | "error"
  | "old"
  | "newer"
  | "cut"
  | "shuffle"
  | "slow"
  | "silence";
/** Policies of a full queue that the faults could not keep to. */
export type FaultName = FrameFault | ChunkFault | RecoveryFault | SnapshotFault | "early";

export class FaultRecord {
  readonly fault: FaultName;
  /** Line, or where a chunk comes from. */
  readonly where: string;
  /** The exchange's stream id; NaN where the bytes are not understood. */
  readonly stream: number;
  /** First and last number of what was struck: sequence, or running number from 1 without it. */
  readonly first: number;
  last: number;

  constructor(fault: FaultName, where: string, stream: number, first: number, last = first) {
    this.fault = fault;
    this.where = where;
    this.stream = stream;
    this.first = first;
    this.last = last;
  }

  toString(): string {
    const of = Number.isNaN(this.stream) ? "" : ` ${this.stream},`;
    const numbers = this.first === this.last ? `${this.first}` : `${this.first}..${this.last}`;
    return `${this.fault}(${this.where},${of} ${numbers})`;
  }
}

export class FaultLog {
  readonly records: FaultRecord[] = [];
  /** Records that found no place. */
  left = 0;
  /** How often each fault struck. */
  readonly counts = new Map<FaultName, number>();
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** A fault that follows one of its kind at the next number makes that record longer. */
  add(fault: FaultName, where: string, stream: number, number: number, end = number): void {
    this.tally(fault);
    const last = this.records[this.records.length - 1];
    const isSame = last?.fault === fault && last.where === where && Object.is(last.stream, stream);
    if (last !== undefined && isSame && last.last + 1 === number) last.last = end;
    else if (this.records.length < this.limit) {
      this.records.push(new FaultRecord(fault, where, stream, number, end));
    } else this.left++;
  }

  /** Counts a fault that is too common for a record each. */
  tally(fault: FaultName): void {
    this.counts.set(fault, this.count(fault) + 1);
  }

  count(fault: FaultName): number {
    return this.counts.get(fault) ?? 0;
  }

  /** One fault a line, for people. */
  toString(): string {
    const more = this.left > 0 ? [`and ${this.left} more`] : [];
    return [...this.records.map(String), ...more].join("\n");
  }
}
