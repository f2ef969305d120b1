/** The trades tape: newest on top, the side of the aggressor in colour and in words. */
import type { Trade } from "./api.ts";
import { byId, clockTime, count } from "./dom.ts";

const ROWS = 40;
const SIDES = { B: "buy", A: "sell", N: "" } as const;

export class Tape {
  private readonly body = byId<HTMLTableSectionElement>("trades");

  clear(): void {
    this.body.replaceChildren();
    byId("no-trades").hidden = false;
  }

  /** @param rows oldest first */
  add(rows: readonly Trade[]): void {
    byId("no-trades").hidden ||= rows.length > 0;
    for (const trade of rows.slice(-ROWS)) this.insert(trade);
    while (this.body.rows.length > ROWS) this.body.deleteRow(-1);
  }

  private insert(trade: Trade): void {
    const row = this.body.insertRow(0);
    const side = SIDES[trade.side];
    row.insertCell().textContent = clockTime(trade.ts_event ?? trade.ts_recv);
    const price = row.insertCell();
    price.textContent = trade.price ?? "";
    price.className = side;
    price.title = side === "" ? "no aggressor known" : `the aggressor was to ${side}`;
    row.insertCell().textContent = trade.action === "B" ? "taken back" : count(trade.size);
  }
}
