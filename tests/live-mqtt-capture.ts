/**
 * Edge: the captures that live tests replay, pieces of them as files of their own, and what
 * `rebuild` makes of those: the books that the live service has to end with.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { captureFrames } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import { openInput } from "../frames/input.ts";
import { PcapWriter } from "../frames/pcap-writer.ts";
import { csvRows, edgebook, statsOf } from "./cli-run.ts";
import { capturePath } from "./feed-reading.ts";

export interface LiveCapture {
  readonly name: string;
  readonly feed: string;
  readonly path: string;
}

/** Undefined, and said so, where the captures are not there. */
export function liveCaptures(): LiveCapture[] | undefined {
  const mold = capturePath("books/amzn_l5.mold64.pcap.gz");
  const deep = capturePath("captures/iex-deep/iex-deep-2023-10-02.pcap.gz");
  if (mold === undefined || deep === undefined) return undefined;
  return [
    { name: "MoldUDP64 (AMZN)", feed: "nasdaq-itch50", path: mold },
    { name: "IEX DEEP", feed: "iex-deep", path: deep },
  ];
}

export interface Level {
  readonly price: string;
  readonly size: number;
  readonly orders: number;
}

export interface Book {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** What a live service must come to. */
export interface Expected {
  readonly messages: number;
  readonly liveOrders: number;
  readonly instruments: number;
  /** Ten levels a side of every instrument that an order or a level ever named. */
  readonly books: ReadonlyMap<string, Book>;
}

/** A piece of a capture. */
export interface Piece {
  readonly path: string;
  readonly frames: number;
  /** Its last datagrams: sent again at the end, as heartbeats would tell that they were sent. */
  readonly tail: string;
  /** Capture time of each frame after the first one's, ns. */
  readonly offsetsNs: readonly number[];
  readonly expected: Expected;
}

const TAIL_FRAMES = 5;

/** The first frames of a capture: so many, or those of so many seconds of capture time. */
export async function pieceOf(
  { path, feed }: LiveCapture,
  first: { readonly frames?: number; readonly seconds?: number },
  folder: string,
): Promise<Piece> {
  const times = await captureTimes(path);
  const { frames: count = times.length, seconds = Number.POSITIVE_INFINITY } = first;
  const span = times.findIndex((ns) => ns > seconds * 1e9);
  const frames = Math.min(count, times.length, span < 0 ? times.length : span);
  const head = join(folder, "head.pcap");
  const tail = join(folder, "tail.pcap");
  await cut(path, 0, frames, head);
  await cut(path, Math.max(0, frames - TAIL_FRAMES), frames, tail);
  const offsetsNs = times.slice(0, frames);
  return { path: head, frames, tail, offsetsNs, expected: await expectedOf(head, feed) };
}

/** Capture times after the first, ns. */
async function captureTimes(path: string): Promise<number[]> {
  const times: number[] = [];
  let first = 0;
  await captureFrames(await openInput(path), new Channels(), new CaptureCounters(), (batch) => {
    for (let i = 0; i < batch.count; i++) {
      if (times.length === 0) first = batch.sec[i];
      times.push((batch.sec[i] - first) * 1e9 + batch.nsec[i]);
    }
  });
  const start = times[0] ?? 0;
  return times.map((ns) => ns - start);
}

async function cut(path: string, from: number, to: number, out: string): Promise<void> {
  const channels = new Channels();
  const writer = new PcapWriter(channels);
  const file = openSync(out, "w");
  writeSync(file, writer.fileHeader());
  let at = 0;
  await captureFrames(await openInput(path), channels, new CaptureCounters(), (batch) => {
    const start = Math.max(0, from - at);
    const end = Math.min(batch.count, to - at);
    if (start < end) writeSync(file, writer.packets(batch, start, end));
    at += batch.count;
  });
  closeSync(file);
}

async function expectedOf(path: string, feed: string): Promise<Expected> {
  const words = ["rebuild", path, "--feed", feed, "--schema", "mbp-10", "--format", "csv"];
  const run = await edgebook([...words, "--stats"]);
  if (run.code !== 0) throw new Error(`rebuild of ${path} ended with ${run.code}: ${run.err}`);
  const { messages, live_orders: liveOrders, instruments } = statsOf(run);
  return { messages, liveOrders, instruments, books: lastBooks(run.out) };
}

/** The book in the last row of each instrument. */
function lastBooks(csv: string): Map<string, Book> {
  const [header, ...lines] = csv.trimEnd().split("\n");
  const column = header.split(",").indexOf("token");
  const last = new Map<string, string>();
  for (const line of lines) last.set(line.split(",", column + 1)[column], line);
  return new Map(
    [...last].map(([token, line]) => {
      const [row] = csvRows(`${header}\n${line}\n`);
      return [token, { bids: levelsOf(row, "bid"), asks: levelsOf(row, "ask") }];
    }),
  );
}

function levelsOf(row: Record<string, string>, side: "bid" | "ask"): Level[] {
  const levels: Level[] = [];
  for (let at = 0; at < 10; at++) {
    const place = String(at).padStart(2, "0");
    const price = row[`${side}_px_${place}`];
    if (price === "") break;
    const size = Number(row[`${side}_sz_${place}`]);
    levels.push({ price, size, orders: Number(row[`${side}_ct_${place}`]) });
  }
  return levels;
}
