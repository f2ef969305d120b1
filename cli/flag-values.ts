/** The flags of one run, after parsing: checked, with environment and fallbacks filled in. */
export class FlagValues {
  private readonly values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.values = values;
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  text(name: string): string | undefined {
    return this.values.get(name)?.at(-1);
  }

  /** All values of a repeatable flag, in the order given. */
  texts(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  on(name: string): boolean {
    return this.text(name) === "true";
  }

  integer(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }

  /** Nanoseconds. */
  durationNs(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : parseDurationNs(text);
  }
}

const UNIT_NS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** `100ms` is 100,000,000; a bare `0` is 0; anything else that has no unit is undefined. */
export function parseDurationNs(text: string): number | undefined {
  if (text === "0") return 0;
  const parts = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)$/.exec(text);
  if (!parts) return undefined;
  return Math.round(Number(parts[1]) * UNIT_NS[parts[2]]);
}
