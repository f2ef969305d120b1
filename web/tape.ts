/** The trades tape: newest on top, the side of the aggressor in colour and in words. */

import type { Trade } from "./api.ts";
import { clockTime, count } from "./format.ts";
import { h, type VNode } from "./h.ts";

const ROWS = 40;
const SIDES = { B: "buy", A: "sell", N: "" } as const;

export function Tape({ trades }: { readonly trades: readonly Trade[] }): VNode {
  return h(
    "section",
    { id: "tape", class: "panel", "aria-labelledby": "tape-name" },
    h("h2", { id: "tape-name" }, "Trades"),
    h(
      "p",
      { class: "quiet", hidden: trades.length > 0 },
      "No trade of this instrument has come yet.",
    ),
    h(
      "div",
      { class: "scroll", tabIndex: 0, role: "region", "aria-labelledby": "tape-name" },
      h(
        "table",
        null,
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            ["time", "price", "size", "side"].map((head) =>
              h("th", { scope: "col", key: head }, head),
            ),
          ),
        ),
        h("tbody", { id: "trades" }, trades.slice(0, ROWS).map(row)),
      ),
    ),
  );
}

function row(trade: Trade, at: number): VNode {
  const side = SIDES[trade.side];
  return h(
    "tr",
    { key: `${trade.sequence}/${trade.size}/${at}`, class: side },
    h("td", null, clockTime(trade.ts_event ?? trade.ts_recv)),
    h("td", { class: "price" }, trade.price ?? ""),
    h("td", null, trade.action === "B" ? "taken back" : count(trade.size)),
    h("td", { class: "quiet-cell" }, side || "–"),
  );
}
