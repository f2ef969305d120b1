/** What is made of the tables of metrics: it is up to date, and Prometheus understands it. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { alertRules, alertTestsOf } from "../metrics/alert-files.ts";
import { ALERTS } from "../metrics/alerts.ts";
import { DASHBOARDS } from "../metrics/dashboards.ts";
import { unknownNames } from "../metrics/queries.ts";
import { METRIC_NAMES, sampleNames } from "../metrics/table.ts";
import { staleFiles } from "../scripts/observability.ts";
import { check, checkFiles, promtool } from "./promtool.ts";

const deploy = join(import.meta.dir, "../deploy");
const queries = DASHBOARDS.flatMap(({ uid, rows }) =>
  rows.flatMap(([, panels]) =>
    panels.flatMap((panel) => panel.queries.map(([, query]) => ({ uid, query }))),
  ),
);

describe("docs, alerts and dashboards", () => {
  test("are what the tables say", () => {
    // Where this fails: node scripts/with-bun.mjs scripts/observability.ts
    expect(staleFiles()).toEqual([]);
  });

  test("no query names a metric that there is none of", () => {
    const all = [...queries.map(({ query }) => query), ...ALERTS.map(({ when }) => when)];
    expect(all.flatMap(unknownNames)).toEqual([]);
    expect(unknownNames("rate(edgebook_nothing_total[1m])")).toEqual(["edgebook_nothing_total"]);
  });

  test("every metric is on a dashboard", () => {
    const text = queries.map(({ query }) => query).join(" ");
    const shown = new Set(text.match(/edgebook_\w+/g));
    const most = /_(max|forgotten_total|checkpoints_total)$/;
    const hidden = METRIC_NAMES.filter(
      (name) => !most.test(name) && !sampleNames(name).some((sample) => shown.has(sample)),
    );
    expect(hidden).toEqual([]);
  });

  test("no panel lies over another, and every id is its own", () => {
    for (const { uid } of DASHBOARDS) {
      const { panels, uid: said } = JSON.parse(
        readFileSync(join(deploy, `grafana/${uid}.json`), "utf8"),
      );
      expect(said).toBe(uid);
      const cells = new Set<string>();
      for (const { gridPos } of panels) {
        const { x, y, w, h } = gridPos;
        expect(x + w).toBeLessThanOrEqual(24);
        for (let cx = x; cx < x + w; cx++) {
          for (let cy = y; cy < y + h; cy++) {
            expect(cells.has(`${cx},${cy}`)).toBe(false);
            cells.add(`${cx},${cy}`);
          }
        }
      }
      expect(new Set(panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
    }
  });
});

describe.skipIf(promtool === null)("Prometheus", () => {
  test("takes the rules and the settings", () => {
    expect(check(["check", "config", join(deploy, "prometheus.yml")])).toMatchObject({ ok: true });
  });

  test("every alert fires in its scene, and not before", () => {
    const done = check(["test", "rules", join(deploy, "alerts.test.yml")]);
    expect(done.text).toContain("SUCCESS");
    expect(done.ok).toBe(true);
  });

  test("a scene in which nothing happens fails its test", () => {
    const [{ name, scene }] = ALERTS;
    const [[series]] = scene.series;
    const quiet = alertTestsOf([{ name, series: [[series, "0x20"]], fires: scene.fires }]);
    const files = { "alerts.yml": alertRules(), "alerts.test.yml": quiet };
    expect(checkFiles(["test", "rules", "alerts.test.yml"], files).ok).toBe(false);
  });

  test("reads every query of every dashboard", () => {
    const rules = queries.map(({ query }, at) => {
      const expr = query
        .replaceAll("$__rate_interval", "1m")
        .replaceAll("$__range", "1h")
        .replaceAll("$instance", ".*");
      return { record: `q:${at}`, expr };
    });
    const file = JSON.stringify({ groups: [{ name: "queries", rules }] });
    const done = checkFiles(["check", "rules", "queries.yml"], { "queries.yml": file });
    expect(done.text).toContain(`${queries.length} rules found`);
    expect(done.ok).toBe(true);
  });
});
