/**
 * The timeline: a lane for each stream, a mark for each gap from its detection to its end, coloured
 * by how it ended; snapshots and clears as small triangles. The ledger below says the same in words.
 */

import type { Gap, StreamEvent } from "./api.ts";
import { Canvas, type Drawing } from "./canvas.ts";
import { msOf, wallTime } from "./format.ts";
import { h, type VNode } from "./h.ts";
import { colour } from "./theme.ts";

const LANE = 20;
const HEAD = 6;
const FOOT = 22;
const LEFT = 84;
const RIGHT = 12;
/** The scale shows at least so much. */
const LEAST_MS = 10_000;
const LEAST_WIDTH = 3;
const NEAR = 24;

export type GapKind = "held" | "lost" | "asked" | "line";

export function kindOf({ state, repaired_by }: Gap): GapKind {
  if (state !== "repaired") return state;
  return repaired_by?.startsWith("line") ? "line" : "asked";
}

const TONES: Readonly<Record<GapKind, string>> = {
  held: "wait",
  lost: "bad",
  asked: "good",
  line: "faint",
};
/** Weightier ones are drawn over lighter ones. */
const ORDER: readonly GapKind[] = ["line", "asked", "held", "lost"];

export interface TimelineProps {
  readonly gaps: readonly Gap[];
  readonly events: readonly StreamEvent[];
  /** Beginning of the scale, ms since 1970; 0: the first gap. */
  readonly sinceMs: number;
  readonly chosen: Gap | null;
  readonly choose: (gap: Gap) => void;
}

interface Scale {
  readonly lanes: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
}

const laneOf = ({ feed, stream }: { feed: string; stream: number }) => `${feed} ${stream}`;

function scaleOf({ gaps, events, sinceMs }: TimelineProps): Scale {
  const lanes = [...new Set([...gaps, ...events].map(laneOf))];
  lanes.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const toMs = Date.now();
  const times = gaps.map((gap) => msOf(gap.detected)).filter((ms) => ms > 0);
  const first = Math.min(toMs - LEAST_MS, ...times);
  // A day that began later than the range begins at its first gap.
  const fromMs = Math.max(sinceMs, first - (toMs - first) * 0.02);
  return { lanes, fromMs, toMs };
}

export function Timeline(props: TimelineProps): VNode {
  const { gaps, chosen, choose } = props;
  const scale = scaleOf(props);
  const height = HEAD + Math.max(1, scale.lanes.length) * LANE + FOOT;
  const onPoint = (x: number, y: number, width: number) => {
    const gap = nearest(gaps, scale, x, y, width);
    if (gap !== undefined) choose(gap);
  };
  return h(
    "section",
    { id: "timeline", class: "panel", "aria-label": "Timeline" },
    h(Canvas, {
      label: `Timeline of ${gaps.length} gaps on ${scale.lanes.length} streams; the ledger lists them`,
      height,
      draw: (drawing) => drawTimeline(drawing, props, scale),
      version: [gaps, chosen].map(String).join() + scale.toMs,
      onPoint,
      class: "pointed",
    }),
  );
}

const xOf = (ms: number, { fromMs, toMs }: Scale, width: number): number =>
  LEFT + (Math.max(0, ms - fromMs) / (toMs - fromMs)) * (width - LEFT - RIGHT);

function drawTimeline({ pen, width, height }: Drawing, props: TimelineProps, scale: Scale): void {
  const { gaps, events, chosen } = props;
  pen.font = `11px ${colour("font")}`;
  pen.textBaseline = "middle";
  drawTimes(pen, scale, width, height);
  scale.lanes.forEach((name, at) => {
    const y = HEAD + at * LANE + LANE / 2;
    pen.fillStyle = colour("quiet");
    pen.textAlign = "right";
    pen.fillText(name, LEFT - 8, y);
    pen.fillStyle = colour("line");
    pen.fillRect(LEFT, y, width - LEFT - RIGHT, 1);
  });
  const byWeight = [...gaps].sort((a, b) => ORDER.indexOf(kindOf(a)) - ORDER.indexOf(kindOf(b)));
  for (const gap of byWeight) drawGap(pen, gap, scale, width, gap === chosen);
  for (const event of events) drawEvent(pen, event, scale, width);
}

function drawTimes(
  pen: CanvasRenderingContext2D,
  scale: Scale,
  width: number,
  height: number,
): void {
  const ticks = Math.max(2, Math.floor((width - LEFT - RIGHT) / 130));
  pen.fillStyle = colour("quiet");
  for (let tick = 0; tick <= ticks; tick++) {
    const ms = scale.fromMs + ((scale.toMs - scale.fromMs) * tick) / ticks;
    pen.textAlign = tick === ticks ? "right" : "center";
    pen.fillText(wallTime(ms), xOf(ms, scale, width), height - FOOT / 2);
  }
}

function drawGap(
  pen: CanvasRenderingContext2D,
  gap: Gap,
  scale: Scale,
  width: number,
  isChosen: boolean,
): void {
  const lane = scale.lanes.indexOf(laneOf(gap));
  const kind = kindOf(gap);
  const from = xOf(msOf(gap.detected) || scale.fromMs, scale, width);
  const to = gap.closed === null ? width - RIGHT : xOf(msOf(gap.closed), scale, width);
  const wide = Math.max(LEAST_WIDTH, to - from);
  const high = kind === "line" ? 8 : 14;
  const top = HEAD + lane * LANE + (LANE - high) / 2;
  pen.fillStyle = colour(TONES[kind]);
  pen.fillRect(from - LEAST_WIDTH / 2, top, wide, high);
  if (!isChosen) return;
  pen.strokeStyle = colour("text");
  pen.lineWidth = 2;
  pen.strokeRect(from - 4, top - 3, wide + 6, high + 6);
}

function drawEvent(
  pen: CanvasRenderingContext2D,
  event: StreamEvent,
  scale: Scale,
  width: number,
): void {
  const lane = scale.lanes.indexOf(laneOf(event));
  const x = xOf(msOf(event.at), scale, width);
  const y = HEAD + lane * LANE + LANE - 3;
  pen.beginPath();
  pen.moveTo(x, y - 7);
  pen.lineTo(x - 4, y);
  pen.lineTo(x + 4, y);
  pen.fillStyle = colour("curve");
  pen.fill();
}

/** The gap of the lane that a click meant; of those as near the weightiest. */
function nearest(
  gaps: readonly Gap[],
  scale: Scale,
  x: number,
  y: number,
  width: number,
): Gap | undefined {
  const lane = scale.lanes[Math.floor((y - HEAD) / LANE)];
  let best: Gap | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const gap of gaps) {
    if (laneOf(gap) !== lane) continue;
    const from = xOf(msOf(gap.detected) || scale.fromMs, scale, width);
    const to = gap.closed === null ? width - RIGHT : xOf(msOf(gap.closed), scale, width);
    const away = x < from ? from - x : Math.max(0, x - to);
    if (away > NEAR) continue;
    const score = away - ORDER.indexOf(kindOf(gap)) * 3;
    if (score < bestScore) [best, bestScore] = [gap, score];
  }
  return best;
}
