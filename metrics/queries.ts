/** PromQL out of the names of the table, so that no query can name a metric that there is none of. */
import { METRIC_NAMES, type MetricName, type NamesOf, PREFIX, sampleNames } from "./table.ts";

type Plain = NamesOf<"counter" | "gauge">;

/** What a query filters by; dashboards have a variable for it. */
export const OF_INSTANCE = 'instance=~"$instance"';

export const gauge = (name: NamesOf<"gauge">, filter = OF_INSTANCE) => sample(name, filter);

/** How fast a counter grows, a second. */
export const rate = (name: NamesOf<"counter">, filter = OF_INSTANCE) =>
  `rate(${sample(name, filter)}[$__rate_interval])`;

/** By how much a counter grew over the time that a panel shows. */
export const growth = (name: NamesOf<"counter">, filter = OF_INSTANCE) =>
  `increase(${sample(name, filter)}[$__range])`;

/** What a share of values did not pass. @param by labels that are told apart */
export function quantile(share: number, name: NamesOf<"histogram">, by = "feed"): string {
  const buckets = `rate(${PREFIX}${name}_bucket{${OF_INSTANCE}}[$__rate_interval])`;
  return `histogram_quantile(${share}, sum by (${by === "" ? "le" : `${by}, le`}) (${buckets}))`;
}

export const sum = (query: string, by = "") =>
  by === "" ? `sum(${query})` : `sum by (${by}) (${query})`;

function sample(name: Plain, filter: string): string {
  return `${PREFIX}${name}${filter === "" ? "" : `{${filter}}`}`;
}

const KNOWN = new Set(METRIC_NAMES.flatMap((name: MetricName) => sampleNames(name)));

/** Names in a query that begin as ours and are not in the table. */
export function unknownNames(query: string): string[] {
  return (query.match(/\bedgebook_\w+/g) ?? []).filter((name) => !KNOWN.has(name));
}
