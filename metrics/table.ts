/**
 * Every metric of edgebook, once: from this table come `/metrics` of the book service and of the
 * collector, `docs/METRICS.md`, and the check that dashboards and alerts name nothing else.
 *
 * Base units; labels have few values: never an instrument. `_total` only grows within one life of a
 * process. Every bounded queue has its depth, the most that ever waited, and what it dropped.
 */
import type { MetricSpec } from "./metric-spec.ts";
import { ASOF_METRICS, BOOK_METRICS, SHARD_METRICS } from "./table-book.ts";
import { COLLECTOR_METRICS } from "./table-collector.ts";
import { LAKE_METRICS } from "./table-lake.ts";

export const METRICS = {
  ...BOOK_METRICS,
  ...ASOF_METRICS,
  ...SHARD_METRICS,
  ...COLLECTOR_METRICS,
  ...LAKE_METRICS,
} as const satisfies Readonly<Record<string, MetricSpec>>;

export type MetricName = keyof typeof METRICS;

/** As Prometheus knows it. */
export const PREFIX = "edgebook_";

export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

/** The labels that a sample of the metric has, all of them. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]["labels"][number], string | number>
>;

export type NamesOf<Type extends MetricSpec["type"]> = {
  [Name in MetricName]: (typeof METRICS)[Name]["type"] extends Type ? Name : never;
}[MetricName];

export function specOf(name: MetricName): MetricSpec {
  return METRICS[name];
}

/** Names of the samples of a metric: a histogram has three. */
export function sampleNames(name: MetricName): string[] {
  const full = PREFIX + name;
  if (specOf(name).type !== "histogram") return [full];
  return [`${full}_bucket`, `${full}_sum`, `${full}_count`];
}
