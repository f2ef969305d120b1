/** One gap: what the ledger says, what else the stream missed then, the messages around it. */

import { useEffect, useState } from "preact/hooks";
import type { Gap, Gaps } from "./api.ts";
import { clockTime, count, msOf, openFor } from "./format.ts";
import { type Around, type AroundRow, messagesAround } from "./gap-around.ts";
import { h, type VNode } from "./h.ts";
import { system } from "./store.ts";

const NEAR_MS = 10_000;
const ENDS: Readonly<Record<string, string>> = {
  filled: "filled",
  window: "given up: the window passed",
  buffer: "given up: the buffer was full",
  epoch: "given up: a new epoch began",
  end: "given up: the input ended",
};

export function GapDetail({ gap, ledger }: { readonly gap: Gap; readonly ledger: Gaps }): VNode {
  const near = ledger.gaps.filter(
    (other) =>
      other !== gap &&
      other.feed === gap.feed &&
      other.stream === gap.stream &&
      Math.abs(msOf(other.detected) - msOf(gap.detected)) < NEAR_MS,
  );
  const numbers = gap.count === 1 ? `number ${gap.from}` : `numbers ${gap.from} – ${gap.to}`;
  const facts: [string, string][] = [
    ["missing", `${count(gap.count)}: ${numbers} of epoch ${gap.epoch}`],
    ["who did not bring it", gap.cause],
    ["detected", clockTime(gap.detected) || "at the start"],
    ["closed", clockTime(gap.closed) || "still open"],
    ["open for", openFor(gap)],
    ["end", gap.end === null ? "waited for" : (ENDS[gap.end] ?? gap.end)],
    ["repaired by", gap.repaired_by ?? "nobody"],
    [
      "near it",
      near.length === 0
        ? "no other gap of the stream"
        : `${count(near.length)} other gaps of the stream`,
    ],
  ];
  return h(
    "section",
    { id: "gap", class: "panel", "aria-labelledby": "gap-name", "data-state": gap.state },
    h("h2", { id: "gap-name" }, `Gap of ${gap.feed} stream ${gap.stream}: ${numbers}`),
    h(
      "div",
      { class: "gap-parts" },
      h(
        "dl",
        { class: "facts" },
        facts.map(([name, text]) => [
          h("dt", { key: name }, name),
          h("dd", { key: `${name} is` }, text),
        ]),
      ),
      h(Messages, { gap }),
    ),
  );
}

function Messages({ gap }: { readonly gap: Gap }): VNode {
  const [around, setAround] = useState<Around>({ rows: [], state: "loading" });
  const hasHistory = system.value?.history ?? false;
  useEffect(() => {
    if (!hasHistory) return undefined;
    const abort = new AbortController();
    messagesAround(gap, abort.signal).then((found) => {
      if (!abort.signal.aborted) setAround(found);
    });
    return () => abort.abort();
  }, [hasHistory]);
  if (!hasHistory) {
    const text = "The messages around it can be shown where the service knows a recorded day: ";
    return h(
      "p",
      { class: "quiet" },
      text,
      h("code", null, "edgebook book --history HOST:PORT"),
      ".",
    );
  }
  const words = {
    loading: "Reading what the collector kept around it …",
    none: "What the collector kept holds no message around it (yet): chunks close a moment later.",
    failed: "The recorded day could not be read. Choose the gap again to try once more.",
  };
  if (around.state !== "found") return h("p", { class: "quiet" }, words[around.state]);
  return h(
    "div",
    { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Messages around the gap" },
    h(
      "table",
      { class: "rows", id: "around" },
      h("caption", { class: "quiet" }, captionOf(around.rows, gap)),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          ["captured", "number", "token", "", "side", "price", "size"].map((head) =>
            h("th", { scope: "col", key: head }, head || h("span", { class: "hidden" }, "action")),
          ),
        ),
      ),
      h(
        "tbody",
        null,
        around.rows.map((row, at) => messageRow(row, at, gap)),
      ),
    ),
  );
}

function captionOf(rows: readonly AroundRow[], gap: Gap): string {
  if (rows.some((row) => isOfGap(row, gap))) {
    return "The messages around it. Marked: what was missing, where it stands now.";
  }
  return "The messages around it. What was missing never came as messages.";
}

const isOfGap = ({ sequence }: AroundRow, { from, to }: Gap): boolean =>
  BigInt(sequence) >= BigInt(from) && BigInt(sequence) <= BigInt(to);

function messageRow(row: AroundRow, at: number, gap: Gap): VNode {
  const isMissing = isOfGap(row, gap);
  return h(
    "tr",
    { key: at, class: isMissing ? "missing" : "" },
    h("td", null, clockTime(row.ts_recv)),
    h("td", null, row.sequence),
    h("td", null, row.token ?? ""),
    h("td", null, row.action),
    h("td", null, row.side),
    h("td", null, row.price ?? ""),
    h("td", null, row.size === null ? "" : count(row.size)),
  );
}
