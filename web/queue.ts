/** The queue of one price: who waits there, next to be executed first. Asked for once a second. */

import { useEffect, useState } from "preact/hooks";
import { ask, bookPath, type Named, type QueuedOrder } from "./api.ts";
import { count } from "./format.ts";
import { h, type VNode } from "./h.ts";
import type { Side } from "./ladder.ts";

const SHOWN = 100;
const ASK_MS = 1000;

export interface QueuePlace {
  readonly instrument: Named;
  readonly side: Side;
  readonly price: string;
}

export function Queue({ place }: { readonly place: QueuePlace | null }): VNode {
  const orders = useQueue(place);
  const side = place?.side === "B" ? "bid" : "ask";
  const title =
    place === null
      ? "Queue"
      : `Queue at ${place.price}, ${side}: ${count(orders?.length ?? 0)} orders`;
  const hint =
    place === null
      ? "Click a price of the ladder to see who waits there."
      : orders === null
        ? "Asking …"
        : "Nobody waits at this price now.";
  const total = orders?.reduce((sum, { size }) => sum + size, 0) ?? 0;
  const shown = orders?.slice(0, SHOWN) ?? [];
  return h(
    "section",
    { id: "queue", class: "panel", "aria-labelledby": "queue-name" },
    h("h2", { id: "queue-name" }, title),
    h("p", { id: "queue-hint", class: "quiet", hidden: shown.length > 0 }, hint),
    h(
      "div",
      { class: "scroll", tabIndex: 0, role: "region", "aria-labelledby": "queue-name" },
      h("ol", { id: "orders" }, withAhead(shown).map(item)),
    ),
    h(
      "p",
      { class: "quiet", hidden: shown.length === 0 },
      `${count(total)} in all${(orders?.length ?? 0) > SHOWN ? `; the first ${SHOWN} are shown` : ""}`,
    ),
  );
}

interface Waiting extends QueuedOrder {
  /** Size that is executed before it. */
  readonly ahead: number;
}

function withAhead(orders: readonly QueuedOrder[]): Waiting[] {
  let ahead = 0;
  return orders.map((order) => {
    const row = { ...order, ahead };
    ahead += order.size;
    return row;
  });
}

function item({ order_id, size, ahead }: Waiting): VNode {
  return h(
    "li",
    { key: order_id, title: `${count(ahead)} ahead of it` },
    order_id,
    h("span", null, count(size)),
  );
}

/** Null until the first answer. */
function useQueue(place: QueuePlace | null): readonly QueuedOrder[] | null {
  const [orders, setOrders] = useState<readonly QueuedOrder[] | null>(null);
  const key =
    place === null
      ? ""
      : `${bookPath(place.instrument)}/queue?side=${place.side}&price=${place.price}`;
  useEffect(() => {
    setOrders(null);
    if (key === "") return undefined;
    let isGone = false;
    const look = async () => {
      const answer = await ask<{ orders: QueuedOrder[] }>(key);
      if (!isGone) setOrders(answer?.orders ?? []);
    };
    void look();
    const timer = setInterval(() => void look(), ASK_MS);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [key]);
  return orders;
}
