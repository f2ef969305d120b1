/** One line of `edgebook bench`: a figure, what it stands beside in the same run, and its proof. */
export interface Finding {
  readonly bench: string;
  /** What was measured, on what. */
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The same done by another program in the same run, in turns. */
  readonly yardstick?: { readonly name: string; readonly value: number };
  /** Of the result; empty where there is none. */
  readonly digest: string;
  /** The result is the one that the yardstick, or the sender, says it must be. */
  readonly isRight: boolean;
  readonly notes: readonly string[];
}

/** Why something could not be measured here. */
export interface NotRun {
  readonly bench: string;
  readonly obstacle: string;
}

/** How much is measured; everything else follows from it. */
export interface BenchSize {
  /** Of each made-up day. */
  readonly messages: number;
  /** Instruments of the NSE day. */
  readonly instruments: number;
  readonly rounds: number;
  /** A check that it works at all, not a measurement. */
  readonly isQuick: boolean;
}

export type BenchRun = (size: BenchSize) => AsyncGenerator<Finding | NotRun>;

export function findingLines(finding: Finding): string[] {
  const { bench, what, value, unit, yardstick, digest, isRight, notes } = finding;
  const beside = yardstick
    ? `; ${yardstick.name} ${shown(yardstick.value)}: ratio ${ratioOf(finding)?.toFixed(2)}`
    : "";
  const proof = digest === "" ? "" : `, digest ${digest}`;
  const verdict = isRight ? "" : "  WRONG RESULT";
  return [
    `${bench.padEnd(8)} ${what}: ${shown(value)} ${unit}${beside}${proof}${verdict}`,
    ...notes.map((note) => `         ${note}`),
  ];
}

/** Ours over the yardstick's. */
export function ratioOf({ value, yardstick }: Finding): number | undefined {
  return yardstick && value / yardstick.value;
}

function shown(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}
