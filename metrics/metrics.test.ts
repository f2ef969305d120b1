/** The table of metrics, the pages that are made of it, and the histogram. */
import { describe, expect, test } from "bun:test";
import { Exposition } from "./exposition.ts";
import { BOUNDS_SECONDS, LatencyHistogram } from "./histogram.ts";
import type { MetricSpec } from "./metric-spec.ts";
import { mergePages, quantileOf, samplesOf } from "./page.ts";
import { METRIC_NAMES, specOf } from "./table.ts";

describe("the table of metrics", () => {
  const rows = METRIC_NAMES.map((name): [string, MetricSpec] => [name, specOf(name)]);

  test("names follow Prometheus: base units last, _total for what only grows", () => {
    const wrong = rows.filter(([name, { type, unit }]) => {
      const stem = name.replace(/_max$/, "").replace(/_total$/, "");
      if (!/^[a-z][a-z_]*$/.test(name)) return true;
      if ((type === "counter") !== name.endsWith("_total")) return true;
      if (["seconds", "bytes", "ratio"].includes(unit)) return !stem.endsWith(`_${unit}`);
      return /_(ms|ns|us|kib|mib|percent)$/.test(stem);
    });
    expect(wrong).toEqual([]);
  });

  test("no label has as many values as there are instruments", () => {
    const known = new Set(
      (
        "feed stream line shard sink source cause fault what why verdict version collector clock " +
        "topic partition"
      ).split(" "),
    );
    expect(rows.filter(([, { labels }]) => labels.some((label) => !known.has(label)))).toEqual([]);
  });

  test("every metric says what it is in a sentence of its own", () => {
    const helps = rows.map(([, { help }]) => help);
    for (const help of helps) expect(help).toMatch(/^[A-Z0-9].{10,}\.$/);
  });
});

describe("a page", () => {
  test("a label's text is escaped, and what nobody knows is left out", () => {
    const page = new Exposition();
    page.set("source_connected", { source: 'a"b\\c\nd' }, 1);
    page.set("valid_after_seconds", { feed: "nse-fo" }, Number.NaN);
    expect(page.text).toBe(
      "# HELP edgebook_source_connected 1: the broker that chunks come from is there.\n" +
        "# TYPE edgebook_source_connected gauge\n" +
        'edgebook_source_connected{source="a\\"b\\\\c\\nd"} 1\n',
    );
  });

  test("pages of several shards become one: counts add up, high-water marks do not", () => {
    const pages = [3, 5].map((chunks) => {
      const page = new Exposition();
      const histogram = new LatencyHistogram();
      histogram.add(chunks * 1e6);
      page.set("chunks_total", {}, chunks);
      page.set("intake_held_bytes_max", {}, chunks);
      page.set("stream_messages_total", { feed: "nse-fo", stream: chunks }, 1);
      page.histogram("capture_to_book_seconds", { feed: "nse-fo" }, histogram);
      return page.text;
    });
    const merged = mergePages(pages);
    const samples = samplesOf(merged);
    expect(samples.get("edgebook_chunks_total")).toBe(8);
    expect(samples.get("edgebook_intake_held_bytes_max")).toBe(5);
    expect(samples.get('edgebook_stream_messages_total{feed="nse-fo",stream="5"}')).toBe(1);
    const bucket = (le: string) =>
      samples.get(`edgebook_capture_to_book_seconds_bucket{feed="nse-fo",le="${le}"}`);
    expect([bucket("0.0025"), bucket("0.005"), bucket("+Inf")]).toEqual([0, 2, 2]);
    const heads = merged.split("\n").filter((line) => line.startsWith("# TYPE"));
    expect(new Set(heads).size).toBe(heads.length);
  });
});

describe("a histogram", () => {
  test("each value counts at its bound, and a quantile is within its bucket", () => {
    const histogram = new LatencyHistogram();
    for (let ms = 1; ms <= 100; ms++) histogram.add(ms * 1e6);
    histogram.add(-5);
    histogram.add(Number.NaN);
    expect(histogram.count).toBe(101);
    expect(histogram.counts[BOUNDS_SECONDS.indexOf(0.025)]).toBe(15);
    const page = new Exposition();
    page.histogram("capture_to_page_seconds", { feed: "x" }, histogram);
    const p50 = quantileOf(page.text, "capture_to_page_seconds", 'feed="x"', 0.5);
    expect(Math.abs(p50 - 0.05)).toBeLessThan(0.002);
    expect(Math.abs(histogram.quantileSeconds(0.99) - 0.099)).toBeLessThan(0.002);
    expect(Number.isNaN(new LatencyHistogram().quantileSeconds(0.5))).toBe(true);
  });
});
