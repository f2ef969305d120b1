/** The ladder: ten asks above, ten bids below, best prices in the middle, sizes as bars. */
import type { Book, Level } from "./api.ts";
import { byId, clockTime, count, create, setText } from "./dom.ts";

const DEPTH = 10;
const WARNINGS: Readonly<Record<string, string>> = {
  held: "Held: a gap is open. The book stands still at the last message before it.",
  lost: "Doubtful: messages of this stream were lost. The book may be wrong until a new epoch.",
  joined_late: "Doubtful: joined late. Orders from before the start are missing.",
};

interface Row {
  readonly row: HTMLTableRowElement;
  readonly cells: readonly HTMLTableCellElement[];
  readonly bar: HTMLElement;
  readonly size: HTMLElement;
  readonly price: HTMLButtonElement;
}

export class Ladder {
  private readonly asks: Row[] = [];
  private readonly bids: Row[] = [];
  private readonly spread: HTMLTableCellElement;

  /** @param onPrice a price was clicked: its side and text */
  constructor(onPrice: (side: "B" | "A", price: string) => void) {
    const body = byId("ladder").querySelector("tbody") as HTMLTableSectionElement;
    for (let at = 0; at < DEPTH; at++) this.asks.unshift(addRow(body, "ask", onPrice));
    const row = body.insertRow();
    row.className = "spread";
    this.spread = row.insertCell();
    this.spread.colSpan = 5;
    for (let at = 0; at < DEPTH; at++) this.bids.push(addRow(body, "bid", onPrice));
  }

  show(book: Book): void {
    const panel = byId("book");
    panel.dataset.doubtful = String(book.doubtful);
    panel.dataset.state = book.state;
    setText(byId("book-name"), book.symbol ?? book.token);
    setText(byId("book-token"), `${book.feed} · token ${book.token} · stream ${book.stream}`);
    const badge = byId("book-state");
    badge.dataset.state = book.state;
    setText(badge, book.state.replace("_", " "));
    const warning = byId("warning");
    warning.dataset.state = book.state;
    const text = WARNINGS[book.state] ?? (book.doubtful ? "Doubtful: messages were lost." : "");
    setText(warning, text);
    warning.hidden = text === "";
    const sizes = [...book.bids, ...book.asks].map(({ size }) => size);
    const most = Math.max(1, ...sizes);
    this.asks.forEach((row, at) => {
      fillRow(row, book.asks[at], most);
    });
    this.bids.forEach((row, at) => {
      fillRow(row, book.bids[at], most);
    });
    setText(this.spread, spreadText(book));
    const seen = book.sequence === null ? "nothing yet" : `message ${book.sequence}`;
    setText(byId("book-foot"), `${seen} · ${clockTime(book.ts_event ?? book.ts_recv)}`);
  }
}

function addRow(
  body: HTMLTableSectionElement,
  side: "bid" | "ask",
  onPrice: (side: "B" | "A", price: string) => void,
): Row {
  const row = body.insertRow();
  row.className = side;
  const cells = [0, 1, 2, 3, 4].map(() => row.insertCell());
  const sizeCell = cells[side === "bid" ? 1 : 3];
  sizeCell.className = "bar";
  const bar = create("i");
  const size = create("span");
  sizeCell.append(bar, size);
  const price = create("button");
  price.type = "button";
  price.title = "Show the queue of this price";
  price.onclick = () => onPrice(side === "bid" ? "B" : "A", price.textContent ?? "");
  cells[2].append(price);
  return { row, cells, bar, size, price };
}

function fillRow({ row, cells, bar, size, price }: Row, level: Level | undefined, most: number) {
  setText(price, level?.price ?? "");
  setText(size, level === undefined ? "" : count(level.size));
  const orders = cells[row.className === "bid" ? 0 : 4];
  orders.classList.add("quiet-cell");
  setText(orders, level === undefined ? "" : count(level.orders));
  bar.style.width = level === undefined ? "0" : `${Math.round((level.size / most) * 100)}%`;
  price.hidden = level === undefined;
}

function spreadText({ bids, asks, crossed }: Book): string {
  const bid = bids[0]?.price;
  const ask = asks[0]?.price;
  if (bid === undefined || ask === undefined) return "one side is empty";
  if (crossed) return "crossed: trades are on their way";
  const places = bid.split(".")[1]?.length ?? 0;
  return `spread ${(Number(ask) - Number(bid)).toFixed(places)}`;
}
