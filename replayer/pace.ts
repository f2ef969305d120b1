/** How fast: the value of `--speed`. */
export type Pace =
  /** As captured, `factor` times as fast. */
  | { readonly kind: "captured"; readonly factor: number }
  /** So many frames a second, evenly, whatever the capture times say. */
  | { readonly kind: "rate"; readonly perSecond: number }
  /** As fast as it goes. */
  | { readonly kind: "max" };

/** `10x`, `0.5x`, `50000pps`, `max`; `undefined` for anything else. */
export function parsePace(text: string): Pace | undefined {
  if (text === "max") return { kind: "max" };
  const parts = /^(\d+(?:\.\d+)?)(x|pps)$/.exec(text);
  const number = Number(parts?.[1]);
  if (parts === null || !(number > 0)) return undefined;
  return parts[2] === "x"
    ? { kind: "captured", factor: number }
    : { kind: "rate", perSecond: number };
}

export function paceText(pace: Pace): string {
  if (pace.kind === "max") return "max";
  return pace.kind === "captured" ? `${pace.factor}x` : `${pace.perSecond}pps`;
}
