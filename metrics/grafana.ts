/** Dashboards as Grafana's classic JSON: a grid of 24 columns, three panels a line, four numbers a line. */
import type { Dashboard, Panel } from "./dashboards.ts";
import { unknownNames } from "./queries.ts";

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in, not we.
const SOURCE = { type: "prometheus", uid: "${datasource}" } as const;
const COLUMNS = 24;

/** @throws Error a query names what the table of metrics does not have */
export function grafanaJson(dashboard: Dashboard): string {
  const panels = panelsOf(dashboard);
  const queries = dashboard.rows.flatMap(([, row]) => row.flatMap(({ queries }) => queries));
  const wrong = queries.flatMap(([, query]) => unknownNames(query));
  if (wrong.length > 0) throw new Error(`no such metric: ${wrong.join(", ")}`);
  const { uid, title, instances } = dashboard;
  const model = {
    uid,
    title,
    tags: ["edgebook"],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    timezone: "browser",
    templating: { list: [sourceVariable(), instanceVariable(instances)] },
    links: [{ type: "dashboards", tags: ["edgebook"], title: "edgebook", asDropdown: true }],
    annotations: { list: [] },
    panels,
  };
  return `${printed(model)}\n`;
}

/** As formatters write it: short lists of plain values on one line. */
function printed(model: object): string {
  return JSON.stringify(model, null, 2).replace(
    /\[\n\s+("[^"\n]*"(?:,\n\s+"[^"\n]*")*)\n\s+\]/g,
    (_, items: string) => `[${items.replace(/,\n\s+/g, ", ")}]`,
  );
}

function sourceVariable(): object {
  return { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" };
}

function instanceVariable(instances: string): object {
  const query = `label_values({__name__=~"${instances}"}, instance)`;
  return {
    name: "instance",
    label: "Instance",
    type: "query",
    datasource: SOURCE,
    definition: query,
    query: { query, refId: "instances" },
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: ".*",
    current: { selected: true, text: ["All"], value: ["$__all"] },
  };
}

function panelsOf({ rows }: Dashboard): object[] {
  const panels: object[] = [];
  let y = 0;
  let id = 1;
  for (const [title, row] of rows) {
    panels.push({
      id: id++,
      type: "row",
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y++;
    let x = 0;
    let height = 0;
    for (const panel of row) {
      const w = panel.kind === "stat" ? 6 : 8;
      const h = panel.kind === "stat" ? 4 : 8;
      if (x + w > COLUMNS) {
        y += height;
        x = 0;
        height = 0;
      }
      panels.push(panelJson(panel, id++, { x, y, w, h }));
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return panels;
}

function panelJson({ title, doc, unit, kind, queries, red }: Panel, id: number, place: object) {
  const steps = [
    { color: kind === "stat" ? "green" : "text", value: null },
    ...(red === undefined ? [] : [{ color: "red", value: red }]),
  ];
  return {
    id,
    type: kind,
    title,
    description: doc,
    datasource: SOURCE,
    gridPos: place,
    fieldConfig: {
      defaults: { unit, min: 0, thresholds: { mode: "absolute", steps } },
      overrides: [],
    },
    options:
      kind === "stat"
        ? { colorMode: "background", reduceOptions: { calcs: ["lastNotNull"] } }
        : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
    targets: queries.map(([legend, expr], at) => ({
      refId: String.fromCharCode(65 + at),
      datasource: SOURCE,
      expr,
      legendFormat: legend === "" ? "__auto" : legend,
      ...(kind === "table" ? { format: "table", instant: true } : {}),
    })),
  };
}
