/** Mid and spread over time, drawn by uPlot a few times a second. */

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { h, type VNode } from "./h.ts";
import type { SpreadPoints } from "./market.ts";
import { colour, theme } from "./theme.ts";

const DRAW_MS = 250;
const SPAN_SECONDS = 30;
/** Of the line that says what the pointer is at. */
const LEGEND = 34;

export function SpreadChart({ points }: { readonly points: SpreadPoints }): VNode {
  const place = useRef<HTMLDivElement>(null);
  const now = theme.value;
  useEffect(() => {
    const root = place.current;
    if (root === null || now === undefined) return undefined;
    const chart = new uPlot(optionsFor(sizeOf(root)), dataOf(points), root);
    let drawn = points.version;
    const timer = setInterval(() => {
      if (drawn === points.version || document.hidden) return;
      drawn = points.version;
      chart.setData(dataOf(points));
    }, DRAW_MS);
    const observer = new ResizeObserver(() => {
      chart.setSize(sizeOf(root));
    });
    observer.observe(root);
    return () => {
      clearInterval(timer);
      observer.disconnect();
      chart.destroy();
    };
  }, [points, now]);
  return h(
    "section",
    { id: "spread", class: "panel", "aria-labelledby": "spread-name" },
    h("h2", { id: "spread-name" }, "Mid and spread"),
    h("div", { ref: place, class: "chart" }),
  );
}

/** Of a single moment uPlot would make years, whatever range it is told: it gets one before it. */
function dataOf({ seconds, mid, spread }: SpreadPoints): uPlot.AlignedData {
  const [only] = seconds;
  if (only === undefined || seconds.length > 1) return [seconds, mid, spread];
  return [
    [only - SPAN_SECONDS, only],
    [null, ...mid],
    [null, ...spread],
  ];
}

/** Prices stand until they change: steps, no slopes. */
const steps = uPlot.paths.stepped?.({ align: 1 });

/** A little room above and below, also where nothing moved yet. */
function padded(least: number | null, most: number | null): [number, number] {
  if (least === null || most === null) return [0, 1];
  const room = Math.max((most - least) * 0.15, Math.abs(most) * 1e-4, 1e-4);
  return [least - room, most + room];
}

/** Half a minute at least, so that the first moments are not as wide as all the rest. */
function spanned(least: number | null, most: number | null): [number, number] {
  const end = most ?? Date.now() / 1000;
  return [Math.min(least ?? end, end - SPAN_SECONDS), end];
}

/** A line of one moment is no line: then the moment itself is shown. */
const isShort = ({ data }: uPlot): boolean => data[0].length < 3;

const sizeOf = ({ clientWidth, clientHeight }: HTMLElement) => ({
  width: clientWidth,
  height: clientHeight - LEGEND,
});

function optionsFor(size: { readonly width: number; readonly height: number }): uPlot.Options {
  const quiet = colour("quiet");
  const line = colour("line");
  const font = `11px ${colour("font")}`;
  const axis = { stroke: quiet, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  return {
    ...size,
    padding: [8, 4, 0, 4],
    legend: { live: true },
    cursor: { drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: (_chart, least, most) => spanned(least, most) },
      y: { range: (_chart, least, most) => padded(least, most) },
      spread: { range: (_chart, _least, most) => [0, (most ?? 1) * 4 || 1] },
    },
    axes: [
      { ...axis, size: 30 },
      { ...axis, size: 64 },
      { ...axis, scale: "spread", side: 1, size: 52, grid: { show: false } },
    ],
    series: [
      { label: "time", value: "{HH}:{mm}:{ss}" },
      {
        label: "mid",
        stroke: colour("curve"),
        width: 1.5,
        points: { show: isShort },
        ...(steps && { paths: steps }),
      },
      {
        label: "spread",
        scale: "spread",
        stroke: colour("wait"),
        fill: colour("wait-fill"),
        width: 1,
        points: { show: isShort },
        ...(steps && { paths: steps }),
      },
    ],
  };
}
