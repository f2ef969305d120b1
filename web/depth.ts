/** The depth chart: what waits up to each price, bids to the left, asks to the right of the middle. */

import type { Book, Level } from "./api.ts";
import { Canvas, type Drawing } from "./canvas.ts";
import { count } from "./format.ts";
import { h, type VNode } from "./h.ts";
import { colour } from "./theme.ts";

const FOOT = 18;

interface Step {
  readonly price: number;
  readonly total: number;
}

export function Depth({ book }: { readonly book: Book | null }): VNode {
  const draw = (drawing: Drawing) => {
    if (book !== null) drawDepth(drawing, book);
  };
  return h(
    "section",
    { id: "depth", class: "panel", "aria-labelledby": "depth-name" },
    h("h2", { id: "depth-name" }, "Depth"),
    h(Canvas, { label: labelOf(book), height: heightNow(), draw, version: book }),
  );
}

/** A quarter of the screen, within reason. */
const heightNow = (): number => Math.round(Math.min(360, Math.max(170, innerHeight * 0.24)));

function labelOf(book: Book | null): string {
  const total = (levels: readonly Level[]) => levels.reduce((sum, { size }) => sum + size, 0);
  if (book === null) return "Depth: no book yet";
  return `Depth of ten levels: ${count(total(book.bids))} bid, ${count(total(book.asks))} asked`;
}

function steps(levels: readonly Level[]): Step[] {
  let total = 0;
  return levels.map(({ price, size }) => {
    total += size;
    return { price: Number(price), total };
  });
}

function drawDepth({ pen, width, height }: Drawing, book: Book): void {
  const bids = steps(book.bids);
  const asks = steps(book.asks);
  const prices = [...bids, ...asks].map(({ price }) => price);
  if (prices.length === 0) return;
  const low = Math.min(...prices);
  const high = Math.max(...prices);
  const edge = (high - low || 1) * 0.04;
  const most = Math.max(...[...bids, ...asks].map(({ total }) => total)) * 1.08;
  const x = (price: number) => ((price - low + edge) / (high - low + 2 * edge)) * width;
  const y = (total: number) => height - FOOT - (total / most) * (height - FOOT - 4);
  side({ pen, width, height }, bids, x, y, "bid");
  side({ pen, width, height }, asks, x, y, "ask");
  pen.fillStyle = colour("quiet");
  pen.font = `11px ${colour("font")}`;
  pen.textBaseline = "bottom";
  const places = (book.bids[0] ?? book.asks[0]).price.split(".")[1]?.length ?? 0;
  label(pen, low.toFixed(places), 2, height - 3, "left");
  label(pen, high.toFixed(places), width - 2, height - 3, "right");
  label(pen, count(Math.round(most / 1.08)), 2, 14, "left");
}

function label(
  pen: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  align: CanvasTextAlign,
): void {
  pen.textAlign = align;
  pen.fillText(text, x, y);
}

function side(
  { pen, width, height }: Drawing,
  levels: readonly Step[],
  x: (price: number) => number,
  y: (total: number) => number,
  name: "bid" | "ask",
): void {
  if (levels.length === 0) return;
  const ground = height - FOOT;
  const far = name === "bid" ? 0 : width;
  pen.beginPath();
  pen.moveTo(x(levels[0].price), ground);
  let before = ground;
  for (const { price, total } of levels) {
    pen.lineTo(x(price), before);
    before = y(total);
    pen.lineTo(x(price), before);
  }
  pen.lineTo(far, before);
  pen.strokeStyle = colour(name);
  pen.lineWidth = 1.5;
  pen.stroke();
  pen.lineTo(far, ground);
  pen.closePath();
  pen.fillStyle = colour(`${name}-bar`);
  pen.fill();
}
