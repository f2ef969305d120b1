/**
 * Edge: one capture on its whole way: replayed over multicast on loopback, collected, sent over MQTT
 * through a real broker, rebuilt live by the book service. Every process is the command that users
 * run. Serves the small tests and the full proof.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Channels } from "../frames/channels.ts";
import { ChunkFault, ChunkUnpacker } from "../frames/chunk.ts";
import { DirChunkSource } from "../frames/transport-dir.ts";
import { openZstd } from "../frames/zstd.ts";
import { type BrokerName, freeGroup, startMosquitto } from "./live-mqtt-broker.ts";
import { type Book, type LiveCapture, type Piece, pieceOf } from "./live-mqtt-capture.ts";
import { lastJson, type Running, run, start } from "./live-run.ts";

export interface LiveOptions {
  readonly broker: BrokerName;
  readonly capture: LiveCapture;
  readonly first: { readonly frames?: number; readonly seconds?: number };
  /** Of `replay`: `10x`, `50000pps`, `max`. */
  readonly speed: string;
  /** Stops the collector while the capture is sent, with a small receive buffer: loss for certain. */
  readonly stopped?: boolean;
}

/** What the API says of the one stream, and of all its books. */
export interface Served {
  readonly messages: number;
  readonly lost: number;
  readonly liveOrders: number;
  readonly instruments: number;
  readonly state: string;
  readonly doubtful: boolean;
  /** Numbers in the lost rows of `/v1/gaps`. */
  readonly lostInLedger: number;
  readonly lostRows: number;
  readonly books: ReadonlyMap<string, Book>;
}

export interface LiveRun {
  readonly piece: Piece;
  readonly served: Served;
  readonly replayed: { sent: number; seconds: number; reached_per_second: number };
  readonly collected: { frames: number; messages: number; lost: number; chunks: number };
  /** How far each frame's arrival was from where the capture's time at that speed puts it, ns. */
  readonly offPaceNs: readonly number[];
}

interface StreamRow {
  readonly messages: number;
  readonly lost: number;
  readonly live_orders: number;
  readonly instruments: number;
  readonly state: string;
  readonly doubtful: boolean;
  readonly open_gaps: number;
  readonly held_messages: number;
}

const SETTLE_MS = 30_000;
/** The API lists so many books at most. */
const LISTED = 500;
/** Rows that `/v1/gaps` gives at most. */
export const GAP_ROWS = 1000;

export async function liveRun(options: LiveOptions): Promise<LiveRun> {
  const folder = mkdtempSync(join(tmpdir(), "edgebook-live-mqtt-"));
  const piece = await pieceOf(options.capture, options.first, folder);
  const broker = options.broker === "mosquitto" ? await startMosquitto() : undefined;
  const started: Running[] = [];
  try {
    const http = ["--http", "127.0.0.1:0"];
    const source = broker ? ["--from", `mqtt://${broker.address}`] : ["--broker", "127.0.0.1:0"];
    const service = start("book", ...source, ...http);
    started.push(service);
    const api = await service.hears(/books at (http:\S+)/);
    const to = broker ? `mqtt://${broker.address}` : await service.hears(/broker at (mqtt:\S+)/);
    const group = freeGroup();
    const collector = start(...collectWords(options, group, to, folder));
    started.push(collector);
    await collector.says("collecting");
    const replayed = await send(options, piece, group, collector);
    const served = await settled(api, options.capture.feed, piece);
    const stopped = await collector.interrupt();
    if (stopped.code !== 130) throw new Error(`collect ended with ${stopped.code}: ${stopped.err}`);
    return {
      piece,
      served,
      replayed: lastJson(replayed) as unknown as LiveRun["replayed"],
      collected: lastJson(stopped.err) as unknown as LiveRun["collected"],
      offPaceNs: await offPace(join(folder, "chunks"), piece, options.speed),
    };
  } finally {
    for (const process of started.reverse()) await process.interrupt();
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function collectWords(
  { capture, stopped }: LiveOptions,
  group: string,
  to: string,
  folder: string,
): string[] {
  const words = ["collect", "--join", group, "--feed", capture.feed, "--interface", "lo"];
  words.push("--to", to, "--to", `dir:${join(folder, "chunks")}`, "--spool", join(folder, "spool"));
  words.push("--name", `live-${process.pid}`, "--stats");
  if (!stopped) return words;
  const config = join(folder, "collector.toml");
  writeFileSync(config, "receive_buffer_mib = 1\n");
  return [...words, "--config", config];
}

/** Sends the capture, then its tail once more; the report on the capture. */
async function send(
  { speed, stopped }: LiveOptions,
  { path, tail }: Piece,
  group: string,
  { pid }: Running,
): Promise<string> {
  const words = ["--to", `udp://${group}`, "--interface", "lo", "--format", "json"];
  if (stopped) process.kill(pid, "SIGSTOP");
  let report = "";
  try {
    const sent = await run("replay", path, ...words, "--speed", speed);
    if (sent.code !== 0) throw new Error(`replay ended with ${sent.code}: ${sent.err}`);
    report = sent.out;
  } finally {
    if (stopped) process.kill(pid, "SIGCONT");
  }
  // Loss at the very end shows only in what comes after it.
  if (speed === "max") {
    await Bun.sleep(300);
    await run("replay", tail, ...words, "--speed", "100pps");
  }
  return report;
}

async function ask<T>(url: string): Promise<T> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** A book of the service; empty where every message of the instrument was lost before it came. */
async function bookAt(url: string): Promise<Book> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (answer.status === 404) return { bids: [], asks: [] };
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  const { bids, asks } = (await answer.json()) as Book;
  return { bids, asks };
}

/** What is served once every number is delivered or lost, or after the time for that. */
async function settled(api: string, feed: string, piece: Piece): Promise<Served> {
  const { messages, books } = piece.expected;
  let row: StreamRow | undefined;
  for (const end = performance.now() + SETTLE_MS; performance.now() < end; await Bun.sleep(50)) {
    [row] = (await ask<{ streams: StreamRow[] }>(`${api}/v1/streams`)).streams;
    if (row === undefined || row.open_gaps > 0 || row.held_messages > 0) continue;
    if (row.messages + row.lost >= messages) break;
  }
  if (row === undefined) throw new Error("no stream has come to the book service");
  const { gaps } = await ask<{ gaps: { state: string; from: string; to: string }[] }>(
    `${api}/v1/gaps`,
  );
  const lostGaps = gaps.filter(({ state }) => state === "lost");
  const listed = await ask<{ books: { token: string }[] }>(
    `${api}/v1/books?feed=${feed}&limit=${LISTED}`,
  );
  const tokens = new Set([...books.keys(), ...listed.books.map(({ token }) => token)]);
  const found = new Map<string, Book>();
  for (const token of tokens) {
    const url = `${api}/v1/books/${feed}/${encodeURIComponent(token)}?depth=10`;
    found.set(token, await bookAt(url));
  }
  return {
    messages: row.messages,
    lost: row.lost,
    liveOrders: row.live_orders,
    instruments: row.instruments,
    state: row.state,
    doubtful: row.doubtful,
    lostInLedger: lostGaps.reduce((sum, { from, to }) => sum + Number(to) - Number(from) + 1, 0),
    lostRows: lostGaps.length,
    books: found,
  };
}

/** From the chunks: kernel times of the frames against the capture's, where all of them arrived. */
async function offPace(directory: string, piece: Piece, speed: string): Promise<number[]> {
  const factor = /^(\d+)x$/.exec(speed)?.[1];
  if (factor === undefined) return [];
  const arrivals: number[] = [];
  let firstSec = 0;
  const unpacker = new ChunkUnpacker(new Channels(), openZstd());
  await new DirChunkSource(directory).run((bytes) => {
    const chunk = unpacker.unpack(bytes);
    if (chunk instanceof ChunkFault) throw new Error(chunk.message);
    const { sec, nsec, count } = chunk.frames;
    for (let i = 0; i < count; i++) {
      if (arrivals.length === 0) firstSec = sec[i];
      arrivals.push((sec[i] - firstSec) * 1e9 + nsec[i]);
    }
  });
  if (arrivals.length !== piece.frames) return [];
  const start = arrivals[0];
  return arrivals.map((ns, i) => Math.abs(ns - start - piece.offsetsNs[i] / Number(factor)));
}

/** Where the served books are not those of `rebuild`; empty: nowhere. */
export function bookDifferences({ piece, served }: LiveRun): string[] {
  const found: string[] = [];
  const empty: Book = { bids: [], asks: [] };
  for (const [token, book] of served.books) {
    const expected = piece.expected.books.get(token) ?? empty;
    if (Bun.deepEquals(book, expected)) continue;
    found.push(`${token}: ${JSON.stringify(book)}, rebuild ${JSON.stringify(expected)}`);
  }
  return found;
}
