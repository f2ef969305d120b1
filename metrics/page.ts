/** Reads pages of the Prometheus text format: to put those of several shards together, and in tests. */
import { headOf } from "./exposition.ts";
import { quantile } from "./histogram.ts";
import { METRIC_NAMES, type MetricName, PREFIX, sampleNames, specOf } from "./table.ts";

/** Value of a sample by its name with labels, as the page writes it: `edgebook_x{feed="a"}`. */
export function samplesOf(page: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of page.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const end = line.lastIndexOf(" ");
    samples.set(line.slice(0, end), Number(line.slice(end + 1)));
  }
  return samples;
}

/** One page of several processes that share the work: values are added, or the highest counts. */
export function mergePages(pages: readonly string[]): string {
  const owners = new Map(METRIC_NAMES.flatMap((name) => sampleNames(name).map((s) => [s, name])));
  const families = new Map<MetricName, Map<string, number>>();
  for (const page of pages) {
    for (const [key, value] of samplesOf(page)) {
      const name = owners.get(key.split("{")[0]);
      if (name === undefined) continue;
      const family = families.get(name) ?? new Map<string, number>();
      families.set(name, family);
      const before = family.get(key);
      const isHighest = specOf(name).across === "max";
      if (before === undefined) family.set(key, value);
      else family.set(key, isHighest ? Math.max(before, value) : before + value);
    }
  }
  let text = "";
  for (const name of METRIC_NAMES) {
    const family = families.get(name);
    if (family === undefined) continue;
    text += headOf(name);
    for (const [key, value] of family) text += `${key} ${value}\n`;
  }
  return text;
}

/**
 * What a share of a histogram's values did not pass, in seconds; NaN of none, Infinity where it passed
 * the last bound.
 * @param name without `edgebook_` @param labels as the page writes them: `feed="nse-fo"`
 */
export function quantileOf(page: string, name: string, labels: string, share: number): number {
  const begin = `${PREFIX}${name}_bucket{${labels === "" ? "" : `${labels},`}le="`;
  let below = 0;
  const buckets = [...samplesOf(page)]
    .filter(([key]) => key.startsWith(begin))
    .map(([key, upTo]) => {
      const count = upTo - below;
      below = upTo;
      return { bound: boundOf(key.slice(begin.length, -2)), count };
    });
  return quantile(buckets, share);
}

const boundOf = (text: string) => (text === "+Inf" ? Number.POSITIVE_INFINITY : Number(text));
