/**
 * What has been tried for which range: how often in vain, and when next. Kept as long as anything of
 * the range is still missing; a range counts for whatever overlaps it.
 */
interface Range {
  readonly stream: number;
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
}

interface Attempt extends Range {
  readonly tries: number;
  readonly notBeforeNs: number;
  readonly isGivenUp: boolean;
  /** Something of it is still missing. */
  isNeeded: boolean;
}

const ATTEMPTS_LIMIT = 1024;

export class Attempts {
  private list: Attempt[] = [];

  /** A look at all that is missing begins: `touch` each range, then `end`. */
  begin(): void {
    for (const attempt of this.list) attempt.isNeeded = false;
  }

  touch(range: Range): void {
    for (const attempt of this.list) if (overlap(attempt, range)) attempt.isNeeded = true;
  }

  end(): void {
    if (this.list.length > 0) this.list = this.list.filter(({ isNeeded }) => isNeeded);
  }

  /** The worst of what is known about any part of the range. */
  of(range: Range): { tries: number; notBeforeNs: number } {
    let tries = 0;
    let notBeforeNs = Number.NEGATIVE_INFINITY;
    for (const attempt of this.list) {
      if (!overlap(attempt, range)) continue;
      tries = Math.max(tries, attempt.tries);
      notBeforeNs = Math.max(notBeforeNs, attempt.notBeforeNs);
    }
    return { tries, notBeforeNs };
  }

  /** @param isProgress something came: the rest may be asked for again after the least back-off */
  failed(
    range: Range,
    isProgress: boolean,
    nowNs: number,
    backoffNs: number,
    backoffMostNs: number,
  ): void {
    const before = this.of(range).tries;
    const tries = isProgress ? before : before + 1;
    const doubled = Math.min(backoffMostNs, backoffNs * 2 ** Math.max(0, tries - 1));
    this.put(range, tries, nowNs + (isProgress ? backoffNs : doubled), false);
  }

  /** Ticks were given up for the whole of it. */
  isGivenUp(range: Range): boolean {
    for (const attempt of this.list) {
      const covers = attempt.from <= range.from && attempt.to >= range.to;
      if (attempt.isGivenUp && covers && overlap(attempt, range)) return true;
    }
    return false;
  }

  /** True the first time. */
  giveUp(range: Range, nowNs: number): boolean {
    const known = this.isGivenUp(range);
    if (!known) this.put(range, Number.POSITIVE_INFINITY, nowNs, true);
    return !known;
  }

  private put(range: Range, tries: number, notBeforeNs: number, isGivenUp: boolean): void {
    const { stream, epoch, from, to } = range;
    // What lies within the new one is worth no entry of its own.
    this.list = this.list.filter(
      (old) => !(overlap(old, range) && old.from >= from && old.to <= to),
    );
    this.list.push({ stream, epoch, from, to, tries, notBeforeNs, isGivenUp, isNeeded: true });
    if (this.list.length > ATTEMPTS_LIMIT) this.list.shift();
  }
}

function overlap(a: Range, b: Range): boolean {
  return a.stream === b.stream && a.epoch === b.epoch && a.from <= b.to && b.from <= a.to;
}
