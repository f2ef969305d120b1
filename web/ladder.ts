/** The ladder: ten asks above, ten bids below, best prices in the middle, sizes as bars. */

import type { Book, Level } from "./api.ts";
import { clockTime, count, inWords } from "./format.ts";
import { h, type VNode } from "./h.ts";

const DEPTH = 10;
const WARNINGS: Readonly<Record<string, string>> = {
  held: "Held: a gap is open. The book stands still at the last message before it.",
  lost: "Doubtful: messages of this stream were lost. The book may be wrong until a snapshot or a new epoch.",
  joined_late: "Doubtful: joined late. Orders from before the start are missing.",
};

export type Side = "B" | "A";
export type OnPrice = (side: Side, price: string) => void;

export interface LadderProps {
  readonly book: Book | null;
  /** What is known of the instrument before its book is there. */
  readonly name: string;
  /** Absent where there are no queues to look at. */
  readonly onPrice?: OnPrice | undefined;
  readonly chosen?: string | undefined;
}

export function Ladder({ book, name, onPrice, chosen }: LadderProps): VNode {
  const warning = warningOf(book);
  const most = Math.max(1, ...sizesOf(book));
  const rows = (side: "bid" | "ask") =>
    Array.from({ length: DEPTH }, (_, at) => {
      const index = side === "ask" ? DEPTH - 1 - at : at;
      const level = (side === "bid" ? book?.bids : book?.asks)?.[index];
      return h(Row, { key: `${side}${index}`, side, level, most, onPrice, chosen });
    });
  return h(
    "section",
    {
      id: "book",
      class: "panel",
      "aria-labelledby": "book-name",
      "data-doubtful": String(book?.doubtful ?? false),
      "data-state": book?.state ?? "none",
    },
    h(
      "div",
      { class: "panel-head" },
      h("h2", { id: "book-name" }, book?.symbol ?? (name || (book?.token ?? "No instrument yet"))),
      h(
        "span",
        { id: "book-state", class: "badge", "data-state": book?.state ?? "none" },
        book ? inWords(book.state) : "waiting",
      ),
      h("span", { id: "book-token", class: "quiet" }, book ? placeText(book) : ""),
    ),
    h(
      "p",
      { id: "warning", role: "alert", "data-state": book?.state ?? "", hidden: warning === "" },
      warning,
    ),
    h(
      "table",
      { id: "ladder" },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          ["orders", "bid size", "price", "ask size", "orders"].map((head, at) =>
            h("th", { scope: "col", key: at }, head),
          ),
        ),
      ),
      h(
        "tbody",
        null,
        rows("ask"),
        h("tr", { class: "spread", key: "spread" }, h("td", { colSpan: 5 }, spreadText(book))),
        rows("bid"),
      ),
    ),
    h("p", { id: "book-foot", class: "quiet" }, footText(book)),
  );
}

interface RowProps {
  readonly side: "bid" | "ask";
  readonly level: Level | undefined;
  readonly most: number;
  readonly onPrice: OnPrice | undefined;
  readonly chosen: string | undefined;
}

function Row({ side, level, most, onPrice, chosen }: RowProps): VNode {
  const letter: Side = side === "bid" ? "B" : "A";
  const size = h(
    "td",
    { class: "bar" },
    h("i", { style: { width: level ? `${Math.round((level.size / most) * 100)}%` : "0" } }),
    h("span", null, level ? count(level.size) : ""),
  );
  const orders = h("td", { class: "quiet-cell" }, level ? count(level.orders) : "");
  const price = h("td", null, level ? priceCell(level.price, letter, onPrice, chosen) : "");
  const none = () => h("td", null);
  const cells =
    side === "bid" ? [orders, size, price, none(), none()] : [none(), none(), price, size, orders];
  return h("tr", { class: side }, ...cells);
}

function priceCell(price: string, side: Side, onPrice: OnPrice | undefined, chosen?: string) {
  if (onPrice === undefined) return h("span", { class: "price" }, price);
  const props = {
    type: "button" as const,
    class: "price",
    title: "Show the queue of this price",
    "aria-pressed": chosen === `${side}${price}`,
    onClick: () => onPrice(side, price),
  };
  return h("button", props, price);
}

function warningOf(book: Book | null): string {
  if (book === null) return "";
  if (book.doubtful && book.state === "held") {
    return "Doubtful: messages of this stream were lost. And held: another gap is open.";
  }
  return WARNINGS[book.state] ?? (book.doubtful ? "Doubtful: messages were lost." : "");
}

const sizesOf = (book: Book | null) =>
  book === null ? [] : [...book.bids, ...book.asks].map(({ size }) => size);

const placeText = ({ feed, token, stream }: Book) => `${feed} · token ${token} · stream ${stream}`;

function footText(book: Book | null): string {
  if (book === null) return "Waiting for its first message.";
  const seen = book.sequence === null ? "nothing yet" : `message ${book.sequence}`;
  return `${seen} · ${clockTime(book.ts_event ?? book.ts_recv)}`;
}

function spreadText(book: Book | null): string {
  if (book === null) return "";
  const bid = book.bids[0]?.price;
  const ask = book.asks[0]?.price;
  if (bid === undefined || ask === undefined) return "one side is empty";
  if (book.crossed) return "crossed: trades are on their way";
  const places = bid.split(".")[1]?.length ?? 0;
  const [low, high] = [Number(bid), Number(ask)];
  const mid = ((low + high) / 2).toFixed(places + 1);
  return `spread ${(high - low).toFixed(places)} · mid ${mid}`;
}
