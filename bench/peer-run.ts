/**
 * Edge: one order-by-order builder in a process of its own, over the order messages of a file of
 * NASDAQ's: `peer-run.ts edgebook FILE` or `peer-run.ts nodejs-order-book FILE MODULE`. Prints the time
 * and a digest over the best prices and sizes in which all books ended.
 */
import { readFileSync } from "node:fs";
import { Best } from "../book/books.ts";
import { hugePages } from "../book/huge-pages.ts";
import { BookPipeline } from "../book/pipeline.ts";
import { nasdaqItch50 } from "../feed/nasdaq/feed.ts";
import { Channels } from "../frames/channels.ts";

/** What is used of the package's books. */
interface PeerBook {
  limit(order: { side: "buy" | "sell"; id: string; size: number; price: number }): unknown;
  modify(id: string, change: { size: number }): unknown;
  cancel(id: string): unknown;
  depth(): [asks: [number, number][], bids: [number, number][]];
}

interface PeerOrder {
  readonly locate: number;
  readonly side: "buy" | "sell";
  size: number;
}

const [who, path, module] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(path));
const started = Bun.nanoseconds();
const { messages, ended } = who === "edgebook" ? ownBooks() : await peerBooks();
const ns = Bun.nanoseconds() - started;
console.log(JSON.stringify({ messages, ns, digest: digestOf(ended()) }));

interface Built {
  readonly messages: number;
  /** Rows of locate, bid price and size, ask price and size; 0 where there is none. */
  readonly ended: () => number[][];
}

function ownBooks(): Built {
  const pipeline = new BookPipeline(nasdaqItch50, new Channels(), {
    effects: false,
    memory: hugePages(),
  });
  pipeline.pushFileMessages(bytes, 0, bytes.length);
  const stream = pipeline.streams[0];
  const best = new Best();
  const ended = () =>
    (stream?.decoder.instruments.digestNumbers ?? []).map((locate, instrument) => {
      stream?.books?.readBest(instrument, best);
      return [locate, best.bidPrice, best.bidSize, best.askPrice, best.askSize];
    });
  return { messages: stream?.applied ?? 0, ended };
}

async function peerBooks(): Promise<Built> {
  const { OrderBook } = (await import(module)) as { OrderBook: new () => PeerBook };
  const books: PeerBook[] = [];
  const orders = new Map<string, PeerOrder>();
  const view = new DataView(bytes.buffer);
  const add = (locate: number, id: string, side: "buy" | "sell", size: number, price: number) => {
    books[locate] ??= new OrderBook();
    books[locate].limit({ side, id, size, price });
    orders.set(id, { locate, side, size });
  };
  const remove = (id: string): PeerOrder | undefined => {
    const order = orders.get(id);
    if (order) books[order.locate].cancel(id);
    orders.delete(id);
    return order;
  };
  const reduce = (id: string, by: number) => {
    const order = orders.get(id);
    if (!order) return;
    order.size -= by;
    if (order.size <= 0) remove(id);
    else books[order.locate].modify(id, { size: order.size });
  };
  let messages = 0;
  for (let at = 2; at < bytes.length; at += view.getUint16(at - 2) + 2) {
    messages++;
    const type = String.fromCharCode(bytes[at]);
    const id = at + 19 <= bytes.length ? String(view.getBigUint64(at + 11)) : "";
    if (type === "A" || type === "F") {
      const side = bytes[at + 19] === 66 ? "buy" : "sell";
      add(view.getUint16(at + 1), id, side, view.getUint32(at + 20), view.getUint32(at + 32));
    } else if (type === "D") remove(id);
    else if (type === "E" || type === "C" || type === "X") reduce(id, view.getUint32(at + 19));
    else if (type === "U") {
      const order = remove(id);
      const other = String(view.getBigUint64(at + 19));
      const size = view.getUint32(at + 27);
      if (order) add(order.locate, other, order.side, size, view.getUint32(at + 31));
    }
  }
  return { messages, ended: () => books.map((book, locate) => bestOf(book, locate)) };
}

function bestOf(book: PeerBook, locate: number): number[] {
  const [asks, bids] = book.depth();
  const ask = asks.reduce((least, level) => (level[0] < least[0] ? level : least), [Infinity, 0]);
  const bid = bids.reduce((most, level) => (level[0] > most[0] ? level : most), [0, 0]);
  return [locate, bid[0], bid[1], ask[1] === 0 ? 0 : ask[0], ask[1]];
}

function digestOf(rows: number[][]): string {
  const known = rows.filter((row) => row.slice(1).some((word) => word > 0));
  let hash = 0x811c9dc5;
  for (const row of known.sort((a, b) => a[0] - b[0])) {
    for (const word of row) hash = Math.imul(hash ^ word, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
