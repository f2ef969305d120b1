/**
 * Writes what is made of the tables in `metrics/`: docs/METRICS.md, alert rules and their tests, the
 * dashboards. `--check` writes nothing and says which files are not what the tables say.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { alertRules, alertTests } from "../metrics/alert-files.ts";
import { DASHBOARDS } from "../metrics/dashboards.ts";
import { metricsDoc } from "../metrics/docs.ts";
import { grafanaJson } from "../metrics/grafana.ts";

const house = join(import.meta.dir, "..");

/** Contents by path from the house's root. */
export function observabilityFiles(): Map<string, string> {
  return new Map([
    ["docs/METRICS.md", metricsDoc()],
    ["deploy/alerts.yml", alertRules()],
    ["deploy/alerts.test.yml", alertTests()],
    ...DASHBOARDS.map((dashboard): [string, string] => [
      `deploy/grafana/${dashboard.uid}.json`,
      grafanaJson(dashboard),
    ]),
  ]);
}

/** Paths whose file is not what the tables say. */
export function staleFiles(): string[] {
  return [...observabilityFiles()].flatMap(([path, text]) => {
    const file = join(house, path);
    return existsSync(file) && readFileSync(file, "utf8") === text ? [] : [path];
  });
}

if (import.meta.main) {
  const stale = staleFiles();
  if (process.argv.includes("--check")) {
    for (const path of stale) console.error(`${path} is not what metrics/ says`);
    process.exit(stale.length > 0 ? 1 : 0);
  }
  for (const [path, text] of observabilityFiles()) {
    mkdirSync(dirname(join(house, path)), { recursive: true });
    writeFileSync(join(house, path), text);
  }
  for (const path of stale) console.log(`written: ${path}`);
}
