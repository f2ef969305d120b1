/** Alert rules as Prometheus reads them, and their unit tests as promtool runs them. */
import { ALERTS, type AlertSpec } from "./alerts.ts";
import { unknownNames } from "./queries.ts";
import { type Yaml, yaml } from "./yaml.ts";

const HEAD = "# Made by scripts/observability.ts from metrics/alerts.ts: change it there.\n";
const INTERVAL_SECONDS = 15;
/** When a scene's alert is looked for, and when it must not be there yet. */
const FIRES_AT = "5m";
const QUIET_AT = "0m";

export const RULES_FILE = "alerts.yml";

/** @throws Error a query names what the table of metrics does not have */
export function alertRules(): string {
  const wrong = ALERTS.flatMap(({ when }) => unknownNames(when));
  if (wrong.length > 0) throw new Error(`no such metric: ${wrong.join(", ")}`);
  return HEAD + yaml({ groups: [{ name: "edgebook", rules: ALERTS.map(rule) }] });
}

export function alertTests(): string {
  return alertTestsOf(ALERTS.map(({ name, scene }) => ({ name, ...scene })));
}

export interface PlayedScene {
  readonly name: string;
  readonly series: readonly (readonly [series: string, values: string])[];
  readonly fires: Readonly<Record<string, string>>;
}

/** Tests that each scene's alert fires, also for scenes that were seen rather than thought of. */
export function alertTestsOf(scenes: readonly PlayedScene[]): string {
  const file = {
    rule_files: [RULES_FILE],
    evaluation_interval: `${INTERVAL_SECONDS}s`,
    tests: scenes.map(({ name, series, fires }) => {
      const spec = ALERTS.find((alert) => alert.name === name);
      if (spec === undefined) throw new Error(`no alert ${name}`);
      const exp = {
        exp_labels: { ...fires, severity: spec.severity },
        exp_annotations: noted(spec, fires),
      };
      return {
        name: `${name} fires`,
        interval: `${INTERVAL_SECONDS}s`,
        input_series: series.map(([each, values]) => ({ series: each, values })),
        alert_rule_test: [
          ...silence(spec),
          { eval_time: FIRES_AT, alertname: name, exp_alerts: [exp] },
        ],
      };
    }),
  };
  return HEAD + yaml(file as unknown as Yaml);
}

function rule({ name, severity, when, holds, says, mend, event }: AlertSpec): Yaml {
  return {
    alert: name,
    expr: when,
    ...(holds === undefined ? {} : { for: holds }),
    labels: { severity },
    annotations: annotations(says, mend, event),
  };
}

function annotations(summary: string, description: string, event: string | undefined) {
  return { summary, description, ...(event === undefined ? {} : { log_event: event }) };
}

/** The annotations with a scene's labels filled in. */
function noted({ says, mend, event }: AlertSpec, labels: Readonly<Record<string, string>>) {
  const filled = (text: string) =>
    text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? "");
  return annotations(filled(says), filled(mend), event);
}

/** What fires at once cannot be silent at the beginning of its scene; the rest has to be. */
function silence({ name, holds, when }: AlertSpec): object[] {
  const isInstant = holds === undefined && !when.includes("increase(");
  return isInstant ? [] : [{ eval_time: QUIET_AT, alertname: name, exp_alerts: [] }];
}
