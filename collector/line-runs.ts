/**
 * The runs of numbers that each line brought while a chunk was open: with them the centre knows
 * every line's loss, though it only gets the first copy of each message.
 */
export class LineRuns {
  /** Channel, first number, last number, and so on; the newest run of a channel may still grow. */
  private runs: number[] = [];
  /** Where the newest run of each channel stands in `runs`; -1: none. */
  private newest: number[] = [];
  private readonly limit: number;
  dropped = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  add(channel: number, first: number, last: number): void {
    const at = this.newest[channel] ?? -1;
    if (at >= 0 && this.runs[at + 2] + 1 === first) {
      this.runs[at + 2] = last;
      return;
    }
    if (this.runs.length >= this.limit * 3) {
      this.dropped++;
      return;
    }
    this.newest[channel] = this.runs.length;
    this.runs.push(channel, first, last);
  }

  /** The runs so far; begins anew. */
  take(): { runs: number[]; runsDropped: number } {
    const taken = { runs: this.runs, runsDropped: this.dropped };
    this.runs = [];
    this.newest = [];
    this.dropped = 0;
    return taken;
  }

  get count(): number {
    return this.runs.length / 3;
  }
}
