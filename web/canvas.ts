/** A canvas that is as sharp as the screen, as wide as its place, and drawn when told to. */

import { useEffect, useRef } from "preact/hooks";
import { h, type VNode } from "./h.ts";
import { theme } from "./theme.ts";

export interface Drawing {
  readonly pen: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
}

export interface CanvasProps {
  /** What it shows, for whoever does not see it. */
  readonly label: string;
  readonly height: number;
  readonly draw: (drawing: Drawing) => void;
  /** Changes when there is something new to draw. */
  readonly version: unknown;
  readonly class?: string;
  /** Place of a click, in CSS pixels. */
  readonly onPoint?: (x: number, y: number, width: number) => void;
}

export function Canvas(props: CanvasProps): VNode {
  const { label, height, draw, version, onPoint } = props;
  const ref = useRef<HTMLCanvasElement>(null);
  const now = theme.value;
  const latest = useRef(draw);
  latest.current = draw;
  useEffect(() => {
    paint(ref.current, height, latest.current);
  }, [version, now, height]);
  useEffect(() => {
    const canvas = ref.current;
    if (canvas === null) return undefined;
    const observer = new ResizeObserver(() => paint(canvas, height, latest.current));
    observer.observe(canvas);
    return () => observer.disconnect();
  }, [height]);
  return h("canvas", {
    ref,
    class: props.class ?? "",
    role: "img",
    "aria-label": label,
    style: { height: `${height}px` },
    onClick: (event: MouseEvent) => {
      const box = ref.current?.getBoundingClientRect();
      if (box !== undefined)
        onPoint?.(event.clientX - box.left, event.clientY - box.top, box.width);
    },
  });
}

function paint(
  canvas: HTMLCanvasElement | null,
  height: number,
  draw: (drawing: Drawing) => void,
): void {
  const pen = canvas?.getContext("2d");
  if (!canvas || !pen) return;
  const width = canvas.clientWidth;
  const scale = devicePixelRatio || 1;
  const wide = Math.round(width * scale);
  const high = Math.round(height * scale);
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  draw({ pen, width, height });
}
