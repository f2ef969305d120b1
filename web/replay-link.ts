/**
 * The WebSocket to `/v1/replay`: one instrument of a recorded day, played, paused and sought. What
 * comes goes to a market of its own, so that the live one goes on untouched.
 */
import { signal } from "@preact/signals";
import { answeredMs, type Book, type Level, type Named, type Trade } from "./api.ts";
import { Market } from "./market.ts";

export const SPEEDS: readonly string[] = ["0.5x", "1x", "2x", "5x", "10x", "50x", "100x"];
const DEPTH = 10;
/** How often a replay is asked where it is, while its instrument may be silent. */
const WHERE_MS = 500;

export type Phase = "idle" | "opening" | "playing" | "paused" | "ended" | "failed";

export const phase = signal<Phase>("idle");
export const speed = signal<string>("1x");
/** Capture time that it stands at, ns; empty: nowhere yet. */
export const position = signal("");
export const complaint = signal("");
export const pastMarket = new Market();

/** Its book, and its trades: two sessions of one history, steered together. */
const SCHEMAS = ["mbp-10", "trades"] as const;
let sockets: readonly WebSocket[] = [];
let playing: Named | undefined;
let timer = 0;

type Row = Readonly<Record<string, string | number | null>>;

export function open(instrument: Named, fromNs: string): void {
  shut();
  pastMarket.clear();
  playing = instrument;
  complaint.value = "";
  phase.value = "opening";
  sockets = SCHEMAS.map((schema) => openOne(instrument, schema, fromNs));
  timer = window.setInterval(() => {
    if (phase.value === "playing") sayTo(sockets[0], { op: "speed", speed: speed.value });
  }, WHERE_MS);
}

function openOne(
  { feed, token }: Named,
  schema: (typeof SCHEMAS)[number],
  fromNs: string,
): WebSocket {
  const query = new URLSearchParams({
    ...{ feed, token, schema, clock: "recv", speed: speed.value },
    ...(fromNs === "" ? {} : { from: fromNs }),
  });
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/v1/replay?${query}`);
  const isBook = schema === "mbp-10";
  socket.onopen = () => sayTo(socket, { op: "speed", speed: speed.value });
  socket.onmessage = ({ data }) => {
    if (sockets.includes(socket)) take(String(data), isBook);
  };
  socket.onclose = ({ code, reason }) => {
    if (isBook && sockets.includes(socket)) ended(code === 1000, reason);
  };
  return socket;
}

function ended(isWell: boolean, reason: string): void {
  clearInterval(timer);
  sockets = [];
  phase.value = isWell ? "ended" : "failed";
  if (isWell || complaint.value !== "") return;
  complaint.value = reason || "The recorded day is not to be had: its server does not answer.";
}

/** Ends it, and forgets whose it was. */
export function shut(): void {
  clearInterval(timer);
  const last = sockets;
  sockets = [];
  playing = undefined;
  for (const socket of last) socket.close();
  phase.value = "idle";
}

export const isOpenFor = (instrument: Named): boolean =>
  sockets.length > 0 && playing?.feed === instrument.feed && playing.token === instrument.token;

export function pause(): void {
  say({ op: "pause" });
}

export function resume(): void {
  say({ op: "resume" });
}

export function step(frames: number): void {
  say({ op: "step", frames });
}

export function setSpeed(next: string): void {
  speed.value = next;
  say({ op: "speed", speed: next });
}

export function seek(toNs: string): void {
  pastMarket.clear();
  position.value = toNs;
  say({ op: "seek", to: toNs });
}

function say(message: object): void {
  for (const socket of sockets) sayTo(socket, message);
}

function sayTo(socket: WebSocket | undefined, message: object): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function take(text: string, isBook: boolean): void {
  answeredMs.value = Date.now();
  const trades: Trade[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const row = JSON.parse(line) as Row & { readonly error?: { readonly message: string } };
    if (row.error !== undefined) complaint.value = String(row.error.message);
    else if (typeof row.state === "string" && row.token === undefined) {
      if (isBook) tell(row);
    } else if (row.token !== undefined) {
      if (!isBook) trades.push(row as unknown as Trade);
      else {
        position.value = String(row.ts_recv);
        pastMarket.put(bookOf(row));
      }
    }
  }
  if (trades.length > 0) pastMarket.add(trades);
}

/** How the replay stands, in its own words. */
function tell({ state, ts_recv }: Row): void {
  if (state === "playing" || state === "paused" || state === "ended") phase.value = state;
  if (typeof ts_recv === "string") position.value = ts_recv;
}

function bookOf(row: Row): Book {
  const flags = String(row.flags ?? "");
  const isLost = flags.includes("G");
  const isLate = flags.includes("J");
  return {
    feed: playing?.feed ?? "",
    token: String(row.token),
    symbol: playing?.symbol ?? null,
    stream: Number(row.stream),
    sequence: String(row.sequence),
    ts_recv: String(row.ts_recv),
    ts_event: row.ts_event === null ? null : String(row.ts_event),
    flags,
    state: isLost ? "lost" : isLate ? "joined_late" : "past",
    doubtful: isLost || isLate,
    crossed: flags.includes("X"),
    bids: levelsOf(row, "bid"),
    asks: levelsOf(row, "ask"),
  };
}

function levelsOf(row: Row, side: "bid" | "ask"): Level[] {
  const levels: Level[] = [];
  for (let at = 0; at < DEPTH; at++) {
    const place = String(at).padStart(2, "0");
    const price = row[`${side}_px_${place}`];
    if (typeof price !== "string") break;
    const size = Number(row[`${side}_sz_${place}`]);
    levels.push({ price, size, orders: Number(row[`${side}_ct_${place}`]) });
  }
  return levels;
}
