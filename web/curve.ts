/** A small curve without axes: how a number went over the last minutes. */

import { Canvas, type Drawing } from "./canvas.ts";
import { h, type VNode } from "./h.ts";
import { colour } from "./theme.ts";

export interface CurveProps {
  readonly label: string;
  readonly values: readonly number[];
  readonly version: unknown;
  /** Places on the whole width; the newest value stands at the right. */
  readonly places?: number;
}

export function Curve({ label, values, version, places = 90 }: CurveProps): VNode {
  const draw = (drawing: Drawing) => drawCurve(drawing, values, places);
  return h(Canvas, { label, height: 30, draw, version, class: "curve" });
}

function drawCurve(
  { pen, width, height }: Drawing,
  values: readonly number[],
  places: number,
): void {
  if (values.length < 2) return;
  const most = Math.max(...values, 1e-9) * 1.1;
  const step = width / (places - 1);
  const x = (at: number) => width - (values.length - 1 - at) * step;
  const y = (value: number) => height - 1 - (value / most) * (height - 3);
  pen.beginPath();
  values.forEach((value, at) => {
    if (at === 0) pen.moveTo(x(at), y(value));
    else pen.lineTo(x(at), y(value));
  });
  pen.strokeStyle = colour("curve");
  pen.lineWidth = 1.5;
  pen.stroke();
  pen.lineTo(width, height);
  pen.lineTo(x(0), height);
  pen.closePath();
  pen.fillStyle = colour("curve-fill");
  pen.fill();
}
