/** System: the service, its sources and shards, the collectors and what they keep. */

import { Curve } from "./curve.ts";
import { bytes, count, inWords, span } from "./format.ts";
import { h, type VNode } from "./h.ts";
import { memoryCurve, system } from "./store.ts";
import type { CollectorStatus, Shard, System } from "./system-api.ts";

export function SystemView(): VNode {
  const known = system.value;
  if (known === null) return h("p", { class: "empty" }, "Asking the service how it is …");
  return h(
    "div",
    { class: "view cards" },
    h("h2", { class: "hidden" }, "System"),
    h(
      "div",
      { class: "stack" },
      h(Service, { known }),
      h(Sources, { known }),
      h(Shards, { shards: known.shards }),
    ),
    h("div", { class: "stack" }, collectorsOf(known)),
  );
}

function collectorsOf(known: System): VNode | VNode[] {
  return known.collectors.length === 0
    ? card(
        "Collectors",
        h(
          "p",
          { class: "quiet" },
          "None is named. Start a collector with --http, and the book service with --collector URL.",
        ),
      )
    : known.collectors.map(({ url, status, error }) =>
        status === null
          ? card(
              `Collector at ${url}`,
              h("p", { class: "bad", role: "alert" }, `It does not answer: ${error}`),
              url,
            )
          : h(Collector, { key: url, url, status }),
      );
}

function card(title: string, body: unknown, key = title): VNode {
  const id = `card-${key.replace(/\W+/g, "-")}`;
  return h(
    "section",
    { key, class: "panel card", "aria-labelledby": id },
    h("h2", { id }, title),
    body as VNode,
  );
}

type Fact = readonly [name: string, text: string, tone?: string];

const facts = (rows: readonly Fact[]): VNode =>
  h(
    "dl",
    { class: "facts" },
    rows.map(([name, text, tone = ""]) => [
      h("dt", { key: name }, name),
      h("dd", { key: `${name} is`, class: tone }, text),
    ]),
  );

const worry = (value: number): string => (value > 0 ? "bad" : "");

function Service({ known }: { readonly known: System }): VNode {
  const { intake, delays } = known;
  const body = [
    facts([
      ["version", known.version],
      ["up", span(known.uptime_seconds)],
      ["pages and programs connected", count(known.clients)],
      ["chunks", count(intake.chunks)],
      ["asked for again", count(intake.asked)],
      ["lost chunks", count(intake.lost), worry(intake.lost)],
      [
        "held for an earlier one",
        `${bytes(intake.held_bytes)}, at most ${bytes(intake.held_bytes_max)}`,
      ],
      ...delays.map(
        ({ feed, p50_seconds: p50, p99_seconds: p99 }): Fact => [
          `capture to book, ${feed}`,
          `${span(p50)} · 99 % ${span(p99)}`,
        ],
      ),
      ["memory", bytes(known.memory_bytes)],
    ]),
    h(Curve, {
      key: "memory",
      label: "memory of the service",
      values: memoryCurve,
      version: known,
    }),
  ];
  return card("Book service", body);
}

function Sources({ known: { sources } }: { readonly known: System }): VNode {
  const rows = sources.flatMap(({ source, connected, lag, lag_seconds: seconds, behind }) => [
    h(
      "tr",
      { key: source },
      h("td", null, source),
      h(
        "td",
        { class: connected === false ? "bad" : "good" },
        connected === false ? "not connected" : "connected",
      ),
      h("td", null, lag === null ? "–" : count(lag)),
      h("td", null, seconds === null ? "–" : span(seconds)),
    ),
    ...behind.map((each) =>
      h(
        "tr",
        { key: `${source} ${each.topic}/${each.partition}` },
        h("td", { class: "quiet" }, `${each.topic}/${each.partition}`),
        h("td", { class: "waits" }, "behind"),
        h("td", null, count(each.records)),
        h("td", null, each.seconds === null ? "–" : span(each.seconds)),
      ),
    ),
  ]);
  return card("Sources", table(["source", "state", "lag", "behind by"], rows));
}

const table = (heads: readonly string[], rows: readonly VNode[]): VNode =>
  h(
    "div",
    { class: "scroll wide", tabIndex: 0, role: "region", "aria-label": heads.join(", ") },
    h(
      "table",
      { class: "rows" },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          heads.map((head) => h("th", { scope: "col", key: head }, head)),
        ),
      ),
      h("tbody", null, rows),
    ),
  );

interface CollectorProps {
  readonly url: string;
  readonly status: CollectorStatus;
}

function Collector({ url, status }: CollectorProps): VNode {
  const { drops, spool } = status;
  const body = [
    facts([
      ["where", url],
      ["up", span(status.uptime_seconds)],
      ["frames", count(status.frames)],
      ["messages", count(status.messages)],
      ["lost", count(status.lost), worry(status.lost)],
      ...Object.entries(drops).map(
        ([cause, lost]): Fact => [`dropped: ${inWords(cause)}`, count(lost), worry(lost)],
      ),
      [
        "chunks",
        `${count(status.chunks)}, ${bytes(status.chunk_bytes)}, ${status.compression_ratio.toFixed(1)} times smaller`,
      ],
      ["memory", bytes(status.memory_bytes)],
    ]),
    spool === null ? h("p", { class: "quiet" }, "It keeps no spool.") : h(Spool, { spool }),
    table(
      ["to", "sent", "behind", "unconfirmed", "missed", "state"],
      status.sinks.map((sink) =>
        h(
          "tr",
          { key: sink.to },
          h("td", null, sink.to),
          h("td", null, count(sink.sent)),
          h("td", null, count(sink.behind)),
          h("td", null, count(sink.unconfirmed)),
          h("td", { class: worry(sink.missed) }, count(sink.missed)),
          h("td", { class: sink.last_error === "" ? "good" : "bad" }, sink.last_error || "well"),
        ),
      ),
    ),
  ];
  return card(`Collector ${status.name}`, body, url);
}

function Spool({ spool }: { readonly spool: NonNullable<CollectorStatus["spool"]> }): VNode {
  const share = spool.bytes / Math.max(1, spool.limit_bytes);
  const lost = spool.chunks_dropped + spool.chunks_refused;
  const text = `${bytes(spool.bytes)} of ${bytes(spool.limit_bytes)}`;
  return h(
    "div",
    { class: "spool" },
    h("span", null, `spool ${text}`),
    h("meter", { min: 0, max: 1, high: 0.9, value: share, "aria-label": `Spool: ${text}` }),
    h(
      "span",
      { class: lost > 0 ? "waits" : "quiet" },
      `${count(spool.chunks_dropped)} dropped, ${count(spool.chunks_refused)} refused`,
    ),
  );
}

function Shards({ shards }: { readonly shards: readonly Shard[] }): VNode {
  if (shards.length === 0) {
    return card(
      "Shards",
      h(
        "p",
        { class: "quiet" },
        "The books are in the service's own thread; --shards N spreads them.",
      ),
    );
  }
  const rows = shards.map((shard) =>
    h(
      "tr",
      { key: shard.shard },
      h("td", null, shard.shard),
      h("td", { class: shard.up ? "good" : "bad" }, shard.up ? "up" : "begins again"),
      h("td", { class: shard.restarts > 0 ? "waits" : "" }, count(shard.restarts)),
      h("td", null, count(shard.mailbox_records)),
      h("td", null, bytes(shard.log_bytes)),
      h("td", null, `${count(shard.checkpoints)}, ${bytes(shard.checkpoint_bytes)}`),
      h("td", null, span(shard.checkpoint_pause_seconds)),
      h("td", { class: worry(shard.chunks_set_aside) }, count(shard.chunks_set_aside)),
    ),
  );
  const heads = [
    "shard",
    "state",
    "restarts",
    "mailbox",
    "log",
    "checkpoints",
    "pause",
    "set aside",
  ];
  return card("Shards", table(heads, rows));
}
