/**
 * Edge: days of the simulated exchange as files, for yardsticks and for us: NASDAQ's own file, and a
 * pcap of one NSE line. Made once for each set of options, since the same options give the same bytes.
 *
 * Unlike the public generators' files: order ids that are sparse (NSE's have 16 digits in a double,
 * ITCH's all 64 bits), ticks and prices of several kinds, aggressions that cross the book.
 */
import { closeSync, existsSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { PcapWriter } from "../frames/pcap-writer.ts";
import { Exchange } from "../sim/exchange/exchange.ts";
import type { FeedLog } from "../sim/exchange/feed-log.ts";
import { unixSeconds } from "../sim/exchange/options.ts";
import { cacheFolder } from "./cache-folder.ts";
import type { YardstickFeed } from "./yardstick.ts";

export interface MarketFile {
  readonly path: string;
  readonly feed: YardstickFeed;
  readonly messages: number;
  readonly instruments: number;
}

/** Bumped when the bytes of the same options change. */
const EDITION = 1;
const STEP_NS = 10e6;
const MESSAGES_PER_SECOND = 200_000;
const BUFFER_BYTES = 1 << 20;
/** Bytes of a message: more than the longest has, fewer than the shortest. */
const LONGEST = 64;
const SHORTEST = 8;
const NS = 1_000_000_000;

/**
 * @param messages at least so many; a market's last step brings a few more
 * @param liveOrders near which the books stay once they are full
 */
export function marketFile(
  feed: YardstickFeed,
  messages: number,
  instruments: number,
  liveOrders: number,
): MarketFile {
  const ending = feed === "itch" ? "itch" : "pcap";
  const name = `day-${EDITION}-${feed}-${messages}-${instruments}-${liveOrders}.${ending}`;
  const path = join(cacheFolder(), name);
  if (!existsSync(path)) makeFile(path, feed, messages, instruments, liveOrders);
  return { path, feed, messages, instruments };
}

function makeFile(
  path: string,
  feed: YardstickFeed,
  messages: number,
  instruments: number,
  ordersPerStream: number,
): void {
  const exchange = new Exchange({
    segment: feed === "itch" ? "nasdaq-itch50" : "nse-fo",
    seed: 1,
    streams: 1,
    instruments,
    ordersPerStream,
    messagesPerSecond: MESSAGES_PER_SECOND,
    keepMessages: 100_000,
  });
  const part = `${path}.${process.pid}`;
  const file = openSync(part, "w");
  const write = (bytes: Uint8Array) => void writeSync(file, bytes);
  const { log } = exchange.streams[0];
  const sink = feed === "itch" ? new ItchSink(write) : new NseSink(write, exchange);
  let position = 0;
  for (let untilNs = STEP_NS; exchange.messages < messages; untilNs += STEP_NS) {
    exchange.step(untilNs);
    for (; position < log.end; position++) sink.take(log, position);
  }
  sink.flush();
  closeSync(file);
  renameSync(part, path);
}

/** Two bytes of length before each message; heartbeats are no messages of a file. */
class ItchSink {
  private readonly write: (bytes: Uint8Array) => void;
  private readonly bytes = new Uint8Array(BUFFER_BYTES);
  private used = 0;

  constructor(write: (bytes: Uint8Array) => void) {
    this.write = write;
  }

  take(log: FeedLog, position: number): void {
    const block = log.at(position);
    const slot = log.slot(position);
    if (block.numbered[slot] === 0) return;
    if (this.used + LONGEST > BUFFER_BYTES) this.flush();
    const length = block.length[slot];
    const offset = block.offset[slot];
    this.bytes[this.used] = length >>> 8;
    this.bytes[this.used + 1] = length;
    this.bytes.set(block.bytes.subarray(offset, offset + length), this.used + 2);
    this.used += 2 + length;
  }

  flush(): void {
    if (this.used > 0) this.write(this.bytes.subarray(0, this.used));
    this.used = 0;
  }
}

/** One message a datagram, as line A brings them. */
class NseSink {
  private readonly write: (bytes: Uint8Array) => void;
  private readonly bytes = new Uint8Array(BUFFER_BYTES);
  private readonly batch = new FrameBatch(BUFFER_BYTES / SHORTEST);
  private readonly writer: PcapWriter;
  private readonly startSec: number;
  private used = 0;

  constructor(write: (bytes: Uint8Array) => void, exchange: Exchange) {
    const channels = new Channels();
    channels.add({ group: "239.70.70.41", port: 17_741, feed: "nse-fo", stream: 1, line: 0 });
    this.writer = new PcapWriter(channels);
    this.write = write;
    this.startSec = unixSeconds(exchange.options.startSec);
    this.batch.reset(this.bytes);
    write(this.writer.fileHeader());
  }

  take(log: FeedLog, position: number): void {
    const block = log.at(position);
    const slot = log.slot(position);
    if (this.used + LONGEST > BUFFER_BYTES) this.flush();
    const length = block.length[slot];
    const offset = block.offset[slot];
    const sec = Math.floor(block.timeNs[slot] / NS);
    const nsec = block.timeNs[slot] - sec * NS;
    this.bytes.set(block.bytes.subarray(offset, offset + length), this.used);
    this.batch.add(this.used, length, this.startSec + sec, nsec, 0);
    this.used += length;
  }

  flush(): void {
    if (this.batch.count > 0) this.write(this.writer.packets(this.batch));
    this.batch.reset(this.bytes);
    this.used = 0;
  }
}
