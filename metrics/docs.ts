/** `docs/METRICS.md`: the tables of metrics, alerts and log events, for people. */
import { ALERTS } from "./alerts.ts";
import { DASHBOARDS } from "./dashboards.ts";
import { EVENTS, type EventSpec } from "./events.ts";
import { BOUNDS_SECONDS } from "./histogram.ts";
import type { MetricRoom } from "./metric-spec.ts";
import { METRIC_NAMES, PREFIX, specOf } from "./table.ts";

const ROOMS: readonly (readonly [MetricRoom, string])[] = [
  ["book", "The book service: `/metrics` of `edgebook book --http`"],
  ["collector", "A collector: `/metrics` of `edgebook collect --http`"],
  ["lake", "`edgebook ingest --metrics FILE`: for node_exporter's textfile collector"],
];

export function metricsDoc(): string {
  const bounds = BOUNDS_SECONDS.map((bound) => `${bound}`).join(", ");
  return [
    "# Metrics, alerts and the log",
    "",
    "Made by `scripts/observability.ts` from the tables in `metrics/`: change it there.",
    "",
    "Base units (seconds, bytes), `_total` for what only grows, never a label with an instrument in",
    "it. Histograms are of latency, in seconds, with the bounds",
    `${bounds}.`,
    "",
    ...ROOMS.flatMap(([room, title]) => roomSection(room, title)),
    "## From stage to stage",
    "",
    "Each histogram begins at the capture, so that they can be laid over each other: capture to",
    "chunk (at the collector), to arrival, to book, to page (at the centre); and one before it, from",
    "the exchange's own time to the capture, which is as good as the two clocks are",
    "(`edgebook_collector_clock_doubt_seconds`). They are sampled once a chunk; the page's once a book",
    "that was sent. What had been missed and was sent again is left out.",
    "",
    "## Alerts",
    "",
    "`deploy/alerts.yml`; `promtool test rules deploy/alerts.test.yml` plays a scene for each. The log",
    "line is the event that one process says when it begins.",
    "",
    "| alert | severity | when | what to do | log |",
    "|---|---|---|---|---|",
    ...ALERTS.map(({ name, severity, when, holds, mend, event }) => {
      const lasting = holds === undefined ? "" : `, for ${holds}`;
      const log = event === undefined ? "" : `\`${event}\``;
      return `| ${name} | ${severity} | ${cell(when)}${lasting} | ${mend} | ${log} |`;
    }),
    "",
    "## Dashboards",
    "",
    "`deploy/grafana/*.json`, classic JSON with the data source as a variable; `provisioning.yaml`",
    "beside them loads the folder. `deploy/prometheus.yml` scrapes what they show.",
    "",
    ...DASHBOARDS.map(({ uid, title }) => `- ${title} (\`${uid}\`)`),
    "",
    "## The log",
    "",
    "`book` and `collect` say on standard error what happens, a sentence a line on a terminal and one",
    "JSON object a line elsewhere (`--log text` and `--log json` decide it). Every object has `time`,",
    "`level`, `event`, `text`, and where it happened: `feed`, `stream`, `line`, `broker`, `shard`.",
    "",
    "| event | level | means |",
    "|---|---|---|",
    ...Object.entries<EventSpec>(EVENTS).map(
      ([code, { level, help }]) => `| \`${code}\` | ${level} | ${help} |`,
    ),
    "",
  ].join("\n");
}

function roomSection(room: MetricRoom, title: string): string[] {
  const names = METRIC_NAMES.filter((name) => specOf(name).room === room);
  return [
    `## ${title}`,
    "",
    "| metric | type | labels | unit | |",
    "|---|---|---|---|---|",
    ...names.map((name) => {
      const { type, unit, labels, help } = specOf(name);
      return `| \`${PREFIX}${name}\` | ${type} | ${labels.join(", ")} | ${unit} | ${help} |`;
    }),
    "",
  ];
}

const cell = (code: string) => `\`${code.replaceAll("|", "\\|")}\``;
