/** A tile for a stream: its state, rate, high-water mark, lag, gaps, and who brought what first. */

import type { StreamStatus } from "./api.ts";
import { Curve } from "./curve.ts";
import { count, inWords, percent } from "./format.ts";
import { h, type VNode } from "./h.ts";
import { rateCurves, streamKey } from "./store.ts";

export function Tile({ status }: { readonly status: StreamStatus }): VNode {
  const { state, lines } = status;
  const key = streamKey(status);
  const fact = (name: string, text: string, tone = "") =>
    h("div", { key: name }, h("dt", null, name), h("dd", { class: tone }, text));
  return h(
    "article",
    { class: "tile", "data-state": state, "aria-label": key },
    h(
      "div",
      { class: "tile-head" },
      h("strong", null, key),
      h("span", { class: "badge", "data-state": state }, inWords(state)),
    ),
    h(Curve, {
      label: `messages a second of ${key}`,
      values: rateCurves.get(key) ?? [],
      version: status,
    }),
    h(
      "dl",
      { class: "facts" },
      fact("rate", `${count(Math.round(status.messages_per_second))}/s`),
      fact("high-water mark", status.high_water_mark ?? "none"),
      fact("lag", lagText(status), isBehind(status) ? "waits" : ""),
      fact("gaps", gapText(status), gapTone(status)),
      fact("live orders", count(status.live_orders)),
      fact("lines", lines.map(({ line, share }) => `${line} ${percent(share)}`).join(" · ")),
    ),
    h(
      "div",
      { class: "share", "aria-hidden": "true" },
      lines.map(({ line, share }) => h("span", { key: line, style: { flexGrow: String(share) } })),
    ),
  );
}

/** Numbers that are known of, and not in the books yet. */
const behindOf = ({ high_water_mark: mark, position }: StreamStatus): number =>
  mark === null || position === null ? 0 : Number(mark) - Number(position);

const isBehind = (status: StreamStatus): boolean => behindOf(status) > 0;

function lagText(status: StreamStatus): string {
  if (status.position === null) return "–";
  const behind = behindOf(status);
  return behind > 0 ? `${count(behind)} behind` : "none";
}

function gapText({ open_gaps: open, lost }: StreamStatus): string {
  const gone = lost > 0 ? `${count(lost)} lost` : "none lost";
  return open > 0 ? `${open} open, ${gone}` : gone;
}

function gapTone({ open_gaps: open, lost, doubtful }: StreamStatus): string {
  if (doubtful && lost > 0) return "bad";
  return open > 0 ? "waits" : "";
}
