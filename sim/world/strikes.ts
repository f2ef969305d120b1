/**
 * What was struck by which fault, so that the check can say how each was made good: numbers of a
 * stream on a line, chunks of a collector, processes.
 */
export interface StruckNumber {
  readonly fault: string;
  readonly stream: number;
  readonly epoch: number;
  readonly number: number;
  readonly line: number;
}

export interface StruckChunk {
  readonly fault: string;
  readonly collector: string;
  readonly boot: number;
  readonly chunk: number;
  readonly stream: number;
}

/** Enough to count paths by; more of one case would say the same again. */
const LIMIT = 2_000;

export class Strikes {
  readonly numbers: StruckNumber[] = [];
  readonly chunks: StruckChunk[] = [];
  /** Faults of processes, each time they struck. */
  readonly processes: string[] = [];

  number(fault: string, stream: number, epoch: number, number: number, line: number): void {
    if (this.numbers.length < LIMIT) this.numbers.push({ fault, stream, epoch, number, line });
  }

  chunk(struck: StruckChunk): void {
    if (this.chunks.length < LIMIT) this.chunks.push(struck);
  }

  process(fault: string): void {
    this.processes.push(fault);
  }
}
