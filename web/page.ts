/**
 * The page: joins the search, the ladder, the tape, the queue and the stream tiles. The instrument
 * that is shown stands in the address, so that a link leads to it.
 */
import { ask, type Listed, type Named, type StreamStatus } from "./api.ts";
import { byId, setText } from "./dom.ts";
import { Ladder } from "./ladder.ts";
import { LiveLink } from "./live.ts";
import { Picker } from "./picker.ts";
import { QueuePanel } from "./queue.ts";
import { StreamTiles } from "./streams.ts";
import { Tape } from "./tape.ts";

const POLL_MS = 1000;

const tape = new Tape();
const tiles = new StreamTiles();
const queue = new QueuePanel();
const ladder = new Ladder((side, price) => {
  if (shown !== undefined) queue.show(shown, side, price);
});
const link = new LiveLink({
  connected: showConnection,
  book: (book) => ladder.show(book),
  trades: (rows) => tape.add(rows),
});
let shown: Named | undefined;

function pick(instrument: Named): void {
  shown = instrument;
  tape.clear();
  queue.clear();
  setText(byId("book-name"), instrument.symbol ?? instrument.token);
  history.replaceState(null, "", `#${instrument.feed}/${encodeURIComponent(instrument.token)}`);
  link.watch(instrument);
}

/** The instrument of the address, else the busiest one, as soon as there is any. */
async function pickFirst(): Promise<void> {
  const [feed, token] = location.hash.slice(1).split("/");
  if (feed && token) {
    pick({ feed, token: decodeURIComponent(token), symbol: null });
    return;
  }
  const answer = await ask<{ books: Listed[] }>("/v1/books?limit=20");
  const books = answer?.books ?? [];
  const first = books.find(({ bid, ask: offer }) => bid !== null && offer !== null) ?? books[0];
  if (first !== undefined && shown === undefined) pick(first);
}

function showConnection(now: boolean): void {
  const badge = byId("connection");
  badge.dataset.state = now ? "live" : "gone";
  setText(badge, now ? "connected" : "not connected");
  // After a break the same rows come again.
  if (now) tape.clear();
}

async function poll(): Promise<void> {
  const answer = await ask<{ streams: StreamStatus[] }>("/v1/streams");
  if (answer !== null) tiles.show(answer.streams);
  if (shown === undefined) await pickFirst();
  await queue.refresh();
  setTimeout(() => void poll(), POLL_MS);
}

byId("theme").onclick = () => {
  const root = document.documentElement;
  const light = matchMedia("(prefers-color-scheme: light)").matches;
  const now = root.dataset.theme ?? (light ? "light" : "dark");
  root.dataset.theme = now === "dark" ? "light" : "dark";
};
new Picker(pick);
void poll();
