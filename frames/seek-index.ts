/**
 * Where in a capture a moment is: for each few MiB of the file the earliest and the latest time of
 * its frames, so that a replay may begin in the middle. Exact also where times step back: reading
 * begins before the first part that has a frame of the moment or later, and every part is whole
 * records.
 *
 * Whose time that is, is the builder's choice. Memory: some 60 bytes a part.
 */
export interface Moment {
  readonly sec: number;
  readonly nsec: number;
}

export type Preamble = readonly (readonly [at: number, bytes: number])[];

/** A part of the file, up to where the next begins. */
export interface SeekPart {
  readonly at: number;
  /** What a reader needs of the file before it can begin here. */
  readonly preamble: Preamble;
  /** Earliest and latest time; sec is NaN while the part has no frame. */
  firstSec: number;
  firstNsec: number;
  lastSec: number;
  lastNsec: number;
}

/** Bytes from `from` up to, not including, `to`, behind a preamble. */
export interface SeekSpan {
  readonly preamble: Preamble;
  readonly from: number;
  readonly to: number;
}

export class SeekIndex {
  readonly parts: SeekPart[] = [];
  /** Where the last part ends. */
  end = 0;

  begin(at: number, preamble: Preamble): void {
    const none = { firstSec: Number.NaN, firstNsec: 0, lastSec: Number.NaN, lastNsec: 0 };
    this.parts.push({ at, preamble, ...none });
  }

  /** Takes a frame of the part begun last. */
  add(sec: number, nsec: number): void {
    const part = this.parts[this.parts.length - 1];
    if (Number.isNaN(part.firstSec) || before(sec, nsec, part.firstSec, part.firstNsec)) {
      part.firstSec = sec;
      part.firstNsec = nsec;
    }
    if (Number.isNaN(part.lastSec) || before(part.lastSec, part.lastNsec, sec, nsec)) {
      part.lastSec = sec;
      part.lastNsec = nsec;
    }
  }

  /** What must be read for all frames of `from` and later that are before `until`. */
  span(from: Moment | undefined, until: Moment | undefined): SeekSpan {
    const { parts, end } = this;
    const isLate = (part: SeekPart) =>
      from === undefined || !before(part.lastSec, part.lastNsec, from.sec, from.nsec);
    const isEarly = (part: SeekPart) =>
      until === undefined || before(part.firstSec, part.firstNsec, until.sec, until.nsec);
    const hasFrames = (part: SeekPart) => !Number.isNaN(part.firstSec);
    const first = parts.findIndex((part) => hasFrames(part) && isLate(part));
    const last = parts.findLastIndex((part) => hasFrames(part) && isEarly(part));
    if (first < 0 || last < first) return { preamble: [], from: end, to: end };
    const to = last + 1 < parts.length ? parts[last + 1].at : end;
    return { preamble: parts[first].preamble, from: parts[first].at, to };
  }
}

function before(sec: number, nsec: number, otherSec: number, otherNsec: number): boolean {
  return sec < otherSec || (sec === otherSec && nsec < otherNsec);
}

/** As text: an object a line would be larger, and nobody reads it but us. */
export function seekIndexText(index: SeekIndex): string {
  const preambles: string[] = [];
  const parts = index.parts.map((part) => {
    const preamble = JSON.stringify(part.preamble);
    if (preambles.at(-1) !== preamble) preambles.push(preamble);
    const { at, firstSec, firstNsec, lastSec, lastNsec } = part;
    return [at, preambles.length - 1, firstSec, firstNsec, lastSec, lastNsec];
  });
  return JSON.stringify({
    end: index.end,
    preambles: preambles.map((one) => JSON.parse(one)),
    parts,
  });
}

/** The index of that text; the text is what `seekIndexText` wrote. */
export function readSeekIndex(text: string): SeekIndex {
  const told = JSON.parse(text) as {
    end: number;
    preambles: Preamble[];
    parts: [number, number, number | null, number, number | null, number][];
  };
  const index = new SeekIndex();
  index.end = told.end;
  for (const [at, preamble, firstSec, firstNsec, lastSec, lastNsec] of told.parts) {
    index.parts.push({
      at,
      preamble: told.preambles[preamble],
      firstSec: firstSec ?? Number.NaN,
      firstNsec,
      lastSec: lastSec ?? Number.NaN,
      lastNsec,
    });
  }
  return index;
}
