/** The queue of one price: who waits there, next to be executed first. Asked for once a second. */
import { ask, bookPath, type Named, type QueuedOrder } from "./api.ts";
import { byId, count, create, setText } from "./dom.ts";

const SHOWN = 100;

export class QueuePanel {
  private place: { instrument: Named; side: "B" | "A"; price: string } | undefined;

  clear(): void {
    this.place = undefined;
    byId("orders").replaceChildren();
    byId("queue-hint").hidden = false;
    setText(byId("queue-hint"), "Click a price of the ladder to see who waits there.");
    setText(byId("queue-name"), "Queue");
  }

  show(instrument: Named, side: "B" | "A", price: string): void {
    this.place = { instrument, side, price };
    void this.refresh();
  }

  async refresh(): Promise<void> {
    const { place } = this;
    if (place === undefined) return;
    const query = `side=${place.side}&price=${encodeURIComponent(place.price)}`;
    const path = `${bookPath(place.instrument)}/queue?${query}`;
    const answer = await ask<{ orders: QueuedOrder[] }>(path);
    if (place !== this.place) return;
    const orders = answer?.orders ?? [];
    const side = place.side === "B" ? "bid" : "ask";
    setText(byId("queue-name"), `Queue at ${place.price}, ${side}: ${count(orders.length)} orders`);
    byId("queue-hint").hidden = orders.length > 0;
    setText(byId("queue-hint"), "Nobody waits at this price now.");
    byId("orders").replaceChildren(
      ...orders.slice(0, SHOWN).map((order) => {
        const item = create("li", "", order.order_id);
        item.append(create("span", "", count(order.size)));
        return item;
      }),
    );
  }
}
