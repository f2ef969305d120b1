/**
 * Ranges that the centre lacks though this collector may have seen them, for as long as it may still
 * need them. A range that was fetched just now is on its way: it is not fetched again.
 */
interface Asked {
  readonly stream: number;
  readonly from: number;
  readonly to: number;
  readonly sinceNs: number;
}

const ASKED_LIMIT = 128;
const OBTAINED_LIMIT = 256;
/** What was obtained is with the centre by then, or lost on the way. */
const ON_ITS_WAY_NS = 2e9;

export class AskedRanges {
  private ranges: Asked[] = [];
  private onTheirWay: Asked[] = [];
  private readonly lifeNs: number;

  /** @param lifeNs how long a question is good for */
  constructor(lifeNs: number) {
    this.lifeNs = lifeNs;
  }

  add(range: Asked): void {
    let parts = [range];
    for (const taken of [...this.ranges, ...this.onTheirWay]) {
      parts = parts.flatMap((part) => without(part, taken));
    }
    this.ranges.push(...parts);
    this.ranges.splice(0, this.ranges.length - ASKED_LIMIT);
  }

  of(stream: number): Asked[] {
    return this.ranges.filter((range) => range.stream === stream);
  }

  obtained(stream: number, from: number, to: number, nowNs: number): void {
    this.drop(stream, from, to);
    this.onTheirWay.push({ stream, from, to, sinceNs: nowNs });
    this.onTheirWay.splice(0, this.onTheirWay.length - OBTAINED_LIMIT);
  }

  drop(stream: number, from: number, to: number): void {
    if (this.ranges.length === 0) return;
    const taken = { stream, from, to, sinceNs: 0 };
    this.ranges = this.ranges.flatMap((range) => without(range, taken));
  }

  forget(nowNs: number): void {
    if (this.ranges.length > 0) {
      this.ranges = this.ranges.filter(({ sinceNs }) => nowNs - sinceNs <= this.lifeNs);
    }
    if (this.onTheirWay.length > 0) {
      const since = nowNs - ON_ITS_WAY_NS;
      this.onTheirWay = this.onTheirWay.filter(({ sinceNs }) => sinceNs > since);
    }
  }
}

function without(part: Asked, taken: Asked): Asked[] {
  if (part.stream !== taken.stream || part.from > taken.to || part.to < taken.from) return [part];
  const parts: Asked[] = [];
  if (part.from < taken.from) parts.push({ ...part, to: taken.from - 1 });
  if (part.to > taken.to) parts.push({ ...part, from: taken.to + 1 });
  return parts;
}
