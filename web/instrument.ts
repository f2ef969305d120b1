/** Instrument: ladder, queue, depth, tape, mid and spread; the same panels show a day that is past. */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { ask, type Listed, type Named } from "./api.ts";
import { Depth } from "./depth.ts";
import { h, type VNode } from "./h.ts";
import { Ladder } from "./ladder.ts";
import { liveMarket, refusal, watch } from "./live.ts";
import type { Market } from "./market.ts";
import { Queue, type QueuePlace } from "./queue.ts";
import { named } from "./route.ts";
import { SpreadChart } from "./spread-chart.ts";
import { Tape } from "./tape.ts";

/** Shown where the address names none: the busiest one with both sides, as soon as there is any. */
const busiest = signal<Named | null>(null);
const LOOK_MS = 1000;

export function Instrument(): VNode {
  const instrument = useInstrument();
  useEffect(() => {
    if (instrument !== null) watch(instrument);
  }, [instrument?.feed, instrument?.token]);
  if (instrument === null) {
    return h(
      "p",
      { class: "empty" },
      "No instrument yet: nothing has come of any. This page waits.",
    );
  }
  return h(
    "div",
    { class: "view" },
    h("p", { class: "banner", role: "alert", hidden: refusal.value === "" }, refusal.value),
    h(LivePanels, { key: `${instrument.feed}/${instrument.token}`, instrument }),
  );
}

/** The address's instrument, else the busiest. */
export function useInstrument(): Named | null {
  const asked = named.value;
  useEffect(() => {
    if (asked !== null || busiest.value !== null) return undefined;
    const look = async () => {
      const answer = await ask<{ books: Listed[] }>("/v1/books?limit=20");
      const books = answer?.books ?? [];
      busiest.value ??= books.find(({ bid, ask: offer }) => bid !== null && offer !== null) ?? null;
    };
    void look();
    const timer = setInterval(() => {
      if (busiest.value === null) void look();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [asked === null]);
  return asked ?? busiest.value;
}

function LivePanels({ instrument }: { readonly instrument: Named }): VNode {
  const [place, setPlace] = useState<QueuePlace | null>(null);
  const onPrice = (side: QueuePlace["side"], price: string) => {
    setPlace({ instrument, side, price });
  };
  const chosen = place === null ? undefined : `${place.side}${place.price}`;
  const name = instrument.symbol ?? instrument.token;
  return h(
    "div",
    { class: "market" },
    h(LadderOf, { market: liveMarket, name, onPrice, chosen }),
    h(
      "div",
      { class: "charts" },
      h(SpreadChart, { points: liveMarket.points }),
      h(DepthOf, { market: liveMarket }),
    ),
    h(TapeOf, { market: liveMarket }),
    h(Queue, { place }),
  );
}

/** The panels of a market whose queues nobody can be asked for. */
export function PastPanels({
  market,
  name,
}: {
  readonly market: Market;
  readonly name: string;
}): VNode {
  return h(
    "div",
    { class: "market past" },
    h(LadderOf, { market, name }),
    h(
      "div",
      { class: "charts" },
      h(SpreadChart, { points: market.points }),
      h(DepthOf, { market }),
    ),
    h(TapeOf, { market }),
  );
}

interface LadderOfProps {
  readonly market: Market;
  readonly name: string;
  readonly onPrice?: ((side: QueuePlace["side"], price: string) => void) | undefined;
  readonly chosen?: string | undefined;
}

// Each panel listens by itself, so that a trade does not draw the ladder.
function LadderOf({ market, name, onPrice, chosen }: LadderOfProps): VNode {
  return h(Ladder, { book: market.book.value, name, onPrice, chosen });
}

function DepthOf({ market }: { readonly market: Market }): VNode {
  return h(Depth, { book: market.book.value });
}

function TapeOf({ market }: { readonly market: Market }): VNode {
  return h(Tape, { trades: market.trades.value });
}
