/** Overview: can every book be trusted? Totals, the certificate of the day, a tile for each stream. */

import type { Day, StreamStatus } from "./api.ts";
import { count, inWords, span } from "./format.ts";
import { h, type VNode } from "./h.ts";
import { day, staleSeconds, streams, system } from "./store.ts";
import { Tile } from "./tile.ts";

export function Overview(): VNode {
  const rows = streams.value;
  if (rows === null) return h("p", { class: "empty" }, "Asking the service for its streams …");
  if (rows.length === 0) {
    return h(
      "p",
      { class: "empty" },
      "No stream yet: the service is there, and no collector has sent anything. Is one running?",
    );
  }
  return h(
    "div",
    { class: "view" },
    h("h2", { class: "hidden" }, "Overview"),
    h(Verdict, { rows }),
    h(Totals, { rows }),
    h(
      "section",
      { id: "streams", "aria-label": "Streams" },
      rows.map((status) => h(Tile, { key: `${status.feed}/${status.stream}`, status })),
    ),
    h(Certificates, { day: day.value }),
  );
}

/** One sentence for whoever has one second. */
function Verdict({ rows }: { readonly rows: readonly StreamStatus[] }): VNode {
  if (staleSeconds.value > 0) {
    return verdict("lost", "Nothing is known of the books: the service does not answer.");
  }
  const doubtful = rows.filter((row) => row.doubtful);
  const held = rows.filter(({ state }) => state === "held");
  const names = (list: readonly StreamStatus[]) =>
    `${list.length === 1 ? "stream" : "streams"} ${list.map(({ stream }) => stream).join(", ")}`;
  if (doubtful.length > 0) {
    const why = [...new Set(doubtful.map(({ state }) => inWords(state)))].join(", ");
    return verdict("lost", `Do not trust the books of ${names(doubtful)}: ${why}.`);
  }
  if (held.length > 0)
    return verdict("held", `Books of ${names(held)} stand still: a gap is open.`);
  const silent = rows.filter(({ state }) => state === "silent");
  if (silent.length > 0) return verdict("silent", `Nothing has come of ${names(silent)} yet.`);
  return verdict("live", "Every book can be trusted.");
}

const verdict = (state: string, text: string): VNode =>
  h("p", { id: "verdict", role: "status", "data-state": state }, text);

function Totals({ rows }: { readonly rows: readonly StreamStatus[] }): VNode {
  const sum = (of: (row: StreamStatus) => number) => rows.reduce((all, row) => all + of(row), 0);
  const delays = system.value?.delays ?? [];
  const lag = delays.length === 0 ? Number.NaN : Math.max(...delays.map((row) => row.p99_seconds));
  const lost = sum((row) => row.lost);
  return h(
    "dl",
    { id: "totals", class: "totals", "aria-label": "Totals" },
    total("messages a second", count(Math.round(sum((row) => row.messages_per_second)))),
    total("messages", count(sum((row) => row.messages))),
    total("live orders", count(sum((row) => row.live_orders))),
    total("instruments", count(sum((row) => row.instruments))),
    total("capture to book, 99 %", span(lag)),
    total("recovered", count(system.value?.recovered ?? 0)),
    total("lost", count(lost), lost > 0 ? "bad" : "good"),
  );
}

const total = (name: string, text: string, tone = ""): VNode =>
  h("div", { key: name }, h("dt", null, name), h("dd", { class: tone }, text));

function Certificates({ day }: { readonly day: Day | null }): VNode {
  const body =
    day === null
      ? h("p", { class: "quiet" }, "Asking …")
      : day.certificates.length === 0
        ? h(
            "p",
            { class: "quiet" },
            "None yet: the service makes them of what arrives, unless --no-certify.",
          )
        : certificateTable(day);
  return h(
    "section",
    { id: "certificates", class: "panel", "aria-labelledby": "certificates-name" },
    h(
      "h2",
      { id: "certificates-name" },
      `Certificate of the day${day?.date ? `: ${day.date}` : ""}`,
    ),
    body,
  );
}

const HEADS = ["stream", "epoch", "delivered", "recovered", "lost", "held", "whole", "digest"];

function certificateTable({ certificates }: Day): VNode {
  return h(
    "div",
    { class: "scroll wide", tabIndex: 0, role: "region", "aria-labelledby": "certificates-name" },
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
        certificates.map((each) =>
          h(
            "tr",
            { key: `${each.feed}/${each.stream}/${each.epoch}` },
            h("td", null, `${each.feed} ${each.stream}`),
            h("td", null, each.epoch),
            h("td", null, count(each.delivered)),
            h("td", null, count(each.recovered)),
            h("td", { class: each.lost > 0 ? "bad" : "" }, count(each.lost)),
            h("td", { class: each.held > 0 ? "waits" : "" }, count(each.held)),
            h("td", { class: each.lost > 0 ? "bad" : "good" }, each.lost > 0 ? "no" : "yes"),
            h("td", { class: "digest quiet" }, each.digest),
          ),
        ),
      ),
    ),
  );
}
