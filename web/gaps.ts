/** Gaps: the timeline of the day with cause and repair; a click leads to what was around it. */
import { signal } from "@preact/signals";
import type { Gap } from "./api.ts";
import { clockTime, count, msOf, openFor } from "./format.ts";
import { GapDetail } from "./gap-detail.ts";
import { kindOf, Timeline } from "./gap-timeline.ts";
import { h, type VNode } from "./h.ts";
import { gaps } from "./store.ts";

const LISTED = 100;
const RANGES = [
  ["1 min", 60],
  ["10 min", 600],
  ["1 h", 3600],
  ["all", Number.POSITIVE_INFINITY],
] as const;

const range = signal(600);
const onlyUnrepaired = signal(false);
const chosenKey = signal("");

export const gapKey = ({ feed, stream, epoch, from }: Gap): string =>
  `${feed}/${stream}/${epoch}/${from}`;

export function GapsView(): VNode {
  const ledger = gaps.value;
  if (ledger === null) return h("p", { class: "empty" }, "Asking the service for its ledger …");
  const sinceMs = range.value === Number.POSITIVE_INFINITY ? 0 : Date.now() - range.value * 1000;
  const rows = ledger.gaps
    .filter((gap) => gap.state === "held" || msOf(gap.closed ?? gap.detected) >= sinceMs)
    .filter((gap) => !onlyUnrepaired.value || kindOf(gap) !== "line");
  // What nobody mended stands first, however old it is.
  const isMended = (gap: Gap) => Number(gap.state === "repaired");
  const listed = [...rows].sort(
    (a, b) => isMended(a) - isMended(b) || msOf(b.detected) - msOf(a.detected),
  );
  const chosen = ledger.gaps.find((gap) => gapKey(gap) === chosenKey.value) ?? null;
  const choose = (gap: Gap) => {
    chosenKey.value = gapKey(gap);
  };
  return h(
    "div",
    { class: "view" },
    h("h2", { class: "hidden" }, "Gaps"),
    h(Controls, { rows }),
    h(Timeline, {
      gaps: rows,
      events: [...ledger.snapshots, ...ledger.clears].filter(({ at }) => msOf(at) >= sinceMs),
      sinceMs,
      chosen,
      choose,
    }),
    chosen === null
      ? h("p", { class: "quiet" }, "Choose a gap to see its ledger and the messages around it.")
      : h(GapDetail, { key: gapKey(chosen), gap: chosen, ledger }),
    h(Ledger, { rows: listed, chosen, choose }),
    ledger.lost_chunks.length > 0 &&
      h(
        "p",
        { class: "banner", role: "alert" },
        `${ledger.lost_chunks.length} ranges of chunks were lost on the way.`,
      ),
  );
}

function Controls({ rows }: { readonly rows: readonly Gap[] }): VNode {
  const of = (kind: string) => rows.filter((gap) => kindOf(gap) === kind).length;
  return h(
    "div",
    { class: "controls" },
    h(
      "div",
      { class: "choices", role: "group", "aria-label": "How far back" },
      RANGES.map(([text, seconds]) =>
        h(
          "button",
          {
            key: text,
            type: "button",
            "aria-pressed": range.value === seconds,
            onClick: () => {
              range.value = seconds;
            },
          },
          text,
        ),
      ),
    ),
    h(
      "label",
      null,
      h("input", {
        type: "checkbox",
        checked: onlyUnrepaired.value,
        onChange: (event: Event) => {
          onlyUnrepaired.value = (event.currentTarget as HTMLInputElement).checked;
        },
      }),
      " leave out what the other line filled",
    ),
    h(
      "p",
      { class: "legend" },
      h("span", { class: "key held" }, `${count(of("held"))} open`),
      h("span", { class: "key lost" }, `${count(of("lost"))} lost`),
      h("span", { class: "key asked" }, `${count(of("asked"))} recovered`),
      h("span", { class: "key line" }, `${count(of("line"))} filled by the other line`),
    ),
  );
}

interface LedgerProps {
  readonly rows: readonly Gap[];
  readonly chosen: Gap | null;
  readonly choose: (gap: Gap) => void;
}

const HEADS = ["detected", "stream", "numbers", "state", "cause", "repaired by", "open for"];

function Ledger({ rows, chosen, choose }: LedgerProps): VNode {
  return h(
    "section",
    { id: "ledger", class: "panel", "aria-labelledby": "ledger-name" },
    h("h2", { id: "ledger-name" }, "Ledger"),
    rows.length === 0
      ? h("p", { class: "quiet" }, "No gap in this time. Every number came on some line.")
      : h(
          "div",
          { class: "scroll wide", tabIndex: 0, role: "region", "aria-labelledby": "ledger-name" },
          h(
            "table",
            { class: "rows" },
            h(
              "thead",
              null,
              h(
                "tr",
                null,
                HEADS.map((head) => h("th", { scope: "col", key: head }, head)),
              ),
            ),
            h(
              "tbody",
              null,
              rows.slice(0, LISTED).map((gap) => ledgerRow(gap, gap === chosen, choose)),
            ),
          ),
        ),
    rows.length > LISTED
      ? h(
          "p",
          { class: "quiet" },
          `Open and lost ones, and the newest others: ${LISTED} of ${count(rows.length)} are listed.`,
        )
      : null,
  );
}

function ledgerRow(gap: Gap, isChosen: boolean, choose: (gap: Gap) => void): VNode {
  const numbers = gap.count === 1 ? gap.from : `${gap.from} – ${gap.to}`;
  const button = { type: "button" as const, onClick: () => choose(gap), class: "link" };
  return h(
    "tr",
    { key: gapKey(gap), "aria-selected": isChosen, class: isChosen ? "chosen" : "" },
    h("td", null, h("button", button, clockTime(gap.detected) || "at the start")),
    h("td", null, `${gap.feed} ${gap.stream}`),
    h("td", null, numbers),
    h("td", { class: `state ${kindOf(gap)}` }, gap.state),
    h("td", null, gap.cause),
    h("td", null, gap.repaired_by ?? "–"),
    h("td", null, openFor(gap)),
  );
}
