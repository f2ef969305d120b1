/**
 * A page in the Prometheus text format 0.0.4. Metrics come in the order of the table, whatever order
 * they are set in; one without samples is left out. Names and labels are checked by the compiler.
 */
import { BOUNDS_SECONDS, type LatencyHistogram } from "./histogram.ts";
import {
  type LabelsOf,
  METRIC_NAMES,
  type MetricName,
  type NamesOf,
  PREFIX,
  specOf,
} from "./table.ts";

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type AnyLabels = Readonly<Record<string, string | number>>;

export class Exposition {
  private readonly lines = new Map<MetricName, string[]>();

  /** @param value NaN: nobody knows, and there is no sample */
  set<Name extends NamesOf<"counter" | "gauge">>(
    name: Name,
    labels: LabelsOf<Name>,
    value: number,
  ): void {
    if (!Number.isNaN(value)) this.row(name, PREFIX + name, labels, value);
  }

  histogram<Name extends NamesOf<"histogram">>(
    name: Name,
    labels: LabelsOf<Name>,
    { counts, sumSeconds, count }: LatencyHistogram,
  ): void {
    const full = PREFIX + name;
    let sum = 0;
    BOUNDS_SECONDS.forEach((bound, at) => {
      sum += counts[at];
      this.row(name, `${full}_bucket`, { ...labels, le: bound }, sum);
    });
    this.row(name, `${full}_bucket`, { ...labels, le: "+Inf" }, count);
    this.row(name, `${full}_sum`, labels, sumSeconds);
    this.row(name, `${full}_count`, labels, count);
  }

  get text(): string {
    let text = "";
    for (const name of METRIC_NAMES) {
      const lines = this.lines.get(name);
      if (lines !== undefined) text += `${headOf(name)}${lines.join("\n")}\n`;
    }
    return text;
  }

  private row(name: MetricName, full: string, labels: AnyLabels, value: number): void {
    const lines = this.lines.get(name) ?? [];
    this.lines.set(name, lines);
    lines.push(`${full}${labelText(labels)} ${value}`);
  }
}

/** The two lines before a metric's samples. */
export function headOf(name: MetricName): string {
  const { help, type } = specOf(name);
  return `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} ${type}\n`;
}

function labelText(labels: AnyLabels): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(String(text))}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
