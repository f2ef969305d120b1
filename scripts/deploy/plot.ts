/** The plans as one picture: what arrives, how many replicas, how much waits; minutes side by side. */
import type { Plan } from "./plans.ts";

const FROM = 8.5 * 3600;
const UNTIL = 17 * 3600;
const MINUTE = 60;
const LEFT = 64;
const WIDTH = 900;
const PANEL = 130;
const GAP = 46;
const TOP = 40;

interface Panel {
  readonly title: string;
  readonly colour: string;
  readonly values: ArrayLike<number>;
  readonly unit: (value: number) => string;
}

export function plotOf({ book, ingest }: { readonly book: Plan; readonly ingest: Plan }): string {
  const millions = (value: number) => `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)} M`;
  const whole = (value: number) => value.toFixed(0);
  const { day } = ingest;
  const panels: Panel[] = [
    { title: "Messages a second", colour: "#0b6e99", values: book.arriving, unit: millions },
    {
      title: `Messages that wait for a book service (${book.numbers.calendar.replicas} replicas by the calendar)`,
      colour: "#b3261e",
      values: book.day.lag,
      unit: millions,
    },
    { title: "Ingest workers at work", colour: "#3d7a1f", values: day.ready, unit: whole },
    {
      title: `Rows that wait for an ingest worker (at most ${behind(ingest)} behind)`,
      colour: "#b3261e",
      values: day.lag,
      unit: millions,
    },
  ];
  const height = TOP + panels.length * (PANEL + GAP);
  const total = (book.arriving.reduce((sum, each) => sum + each, 0) / 1e9).toFixed(1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 20} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${LEFT}" y="20" font-size="15" font-weight="bold">NSE derivatives, a day of ${total} billion messages, by the manifests' numbers (worked out, not measured)</text>`,
    ...panels.map((panel, at) => panelOf(panel, TOP + at * (PANEL + GAP))),
    "</svg>\n",
  ].join("\n");
}

function panelOf({ title, colour, values, unit }: Panel, top: number): string {
  const points = peaks(values);
  // What never waits is a flat line at the foot, under a scale that says so.
  const most = Math.max(...points) || 1e6;
  const x = (at: number) => (LEFT + (at / (points.length - 1)) * WIDTH).toFixed(1);
  const y = (value: number) => (top + 20 + PANEL * (1 - value / most)).toFixed(1);
  const line = points.map((value, at) => `${x(at)},${y(value)}`).join(" ");
  const hours = Array.from({ length: 9 }, (_, at) => 9 + at).map((hour) => {
    const place = x(((hour * 3600 - FROM) / (UNTIL - FROM)) * (points.length - 1));
    return `<line x1="${place}" x2="${place}" y1="${top + 20}" y2="${top + 20 + PANEL}" stroke="#ddd"/><text x="${place}" y="${top + PANEL + 36}" text-anchor="middle" fill="#555">${hour}:00</text>`;
  });
  return [
    `<text x="${LEFT}" y="${top + 12}">${title}</text>`,
    ...hours,
    `<text x="${LEFT - 6}" y="${top + 30}" text-anchor="end" fill="#555">${unit(most)}</text>`,
    `<text x="${LEFT - 6}" y="${top + 20 + PANEL}" text-anchor="end" fill="#555">0</text>`,
    `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${line}"/>`,
  ].join("\n");
}

/** The highest of each minute, so that no burst is lost between two points. */
function peaks(values: ArrayLike<number>): number[] {
  const points: number[] = [];
  for (let from = FROM; from < UNTIL; from += MINUTE) {
    let most = 0;
    for (let at = from; at < from + MINUTE; at++) most = Math.max(most, values[at]);
    points.push(most);
  }
  return points;
}

function behind({ day }: Plan): string {
  return `${Math.ceil(day.behindSecondsMax / 60)} minutes`;
}
