/**
 * Edge: the traffic that sizes are measured on: the simulated NSE derivatives segment, and real
 * captures of MoldUDP64 and IEX. Each as one list of frames, and as the pcap that zstd is given.
 */
import { existsSync } from "node:fs";
import { Random } from "../faults/random.ts";
import { captureFrames } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { openInput } from "../frames/input.ts";
import { PcapWriter } from "../frames/pcap-writer.ts";
import { Exchange } from "../sim/exchange/exchange.ts";
import type { Segment } from "../sim/exchange/instruments.ts";
import { Lines } from "../sim/exchange/lines.ts";
import { MoldLines } from "../sim/exchange/mold-lines.ts";
import { unixSeconds } from "../sim/exchange/options.ts";

export interface Traffic {
  readonly name: string;
  readonly feed: string;
  readonly channels: Channels;
  /** All frames in the order of their capture. */
  readonly frames: FrameBatch;
  /** The same as a pcap, as `zstd` is given it. */
  readonly pcap: Uint8Array;
  /** What a reader of the figures has to know about the traffic. */
  readonly note: string;
}

/** Of a simulated exchange. */
export interface Market {
  readonly segment: Segment;
  readonly seed: number;
  readonly streams: number;
}

const FOLDER = new URL("../../shared/data/", import.meta.url).pathname;
const NS = 1_000_000_000;
const STREAMS = 18;
const ORDERS_PER_STREAM = 4000;
/** Average of the record day, all streams together. */
const MESSAGES_PER_SECOND = 900_000;
/** From the exchange to the host's clock, and how much it shakes: a mean, exponentially spread. */
const DELAY_NS = 12_000;
const JITTER_NS = 400;

/** Line A of NSE FO's streams, `messages` of them after the opening has filled the books. */
export function nseTraffic(messages: number): Traffic {
  return {
    ...simulatedTraffic({ segment: "nse-fo", seed: 1, streams: STREAMS }, messages),
    name: "NSE FO, simulated",
  };
}

/** Line A of a simulated market, `messages` datagrams of it after the opening has filled the books. */
export function simulatedTraffic(market: Market, messages: number): Traffic {
  const { segment, seed, streams } = market;
  const exchange = new Exchange({
    segment,
    seed,
    streams,
    instruments: 500 * streams,
    messagesPerSecond: (MESSAGES_PER_SECOND * streams) / STREAMS,
    ordersPerStream: ORDERS_PER_STREAM,
    keepMessages: 100_000,
  });
  const channels = new Channels();
  for (let stream = 1; stream <= streams; stream++) {
    channels.add({ group: `239.70.1.${stream}`, port: 10_000, feed: segment, stream, line: 0 });
  }
  const isItch = segment === "nasdaq-itch50";
  // Opening datagrams carry several messages in ITCH, and an order takes fewer of them.
  const opening = isItch ? streams * ORDERS_PER_STREAM : streams * ORDERS_PER_STREAM * 6;
  const random = new Random(7 * seed);
  const startSec = unixSeconds(exchange.options.startSec);
  const store = new FrameStore(messages, messages * 40);
  let seen = 0;
  const lines = isItch ? new MoldLines(exchange, [0]) : new Lines(exchange, [0]);
  const stepNs = 5e6;
  for (let untilNs = stepNs; store.frames.count < messages; untilNs += stepNs) {
    lines.step(untilNs, {
      datagram(_line, stream, sendNs, bytes, offset, length) {
        seen++;
        if (seen <= opening || store.frames.count === messages) return;
        const jitter = -Math.log(1 - random.unit()) * JITTER_NS;
        const ns = sendNs + DELAY_NS + Math.floor(jitter);
        const seconds = Math.floor(ns / NS);
        store.add(bytes, offset, length, startSec + seconds, ns - seconds * NS, stream - 1);
      },
    });
  }
  const frames = store.done();
  return {
    name: `${segment}, simulated, seed ${seed}`,
    feed: segment,
    channels,
    frames,
    pcap: pcapOf(frames, channels),
    note:
      "ids count up by one within a stream (real ones: not known to), cancels hit any live order " +
      "alike (real ones mostly young orders), quantities are whole lots, a message comes when " +
      `chance says so and is captured ${DELAY_NS} ns and an exponential ${JITTER_NS} ns later`,
  };
}

/** A real capture, or its first `most` frames; undefined where the captures are not there. */
export async function captureTraffic(
  name: string,
  feed: string,
  file: string,
  most: number,
): Promise<Traffic | undefined> {
  const path = `${FOLDER}${file}`;
  if (!existsSync(path)) return undefined;
  const channels = new Channels();
  const input = await openInput(path);
  const store = new FrameStore(1 << 18, 1 << 24);
  await captureFrames(input, channels, new CaptureCounters(), (batch) => {
    for (let i = 0; i < batch.count && store.frames.count < most; i++) {
      const { bytes, offset, length, sec, nsec, channel } = batch;
      store.add(bytes, offset[i], length[i], sec[i], nsec[i], channel[i]);
    }
  });
  const frames = store.done();
  const whole = Bun.gunzipSync(await Bun.file(path).bytes());
  const pcap = frames.count < most ? whole : pcapOf(frames, channels);
  return { name, feed, channels, frames, pcap, note: "as captured" };
}

function pcapOf(frames: FrameBatch, channels: Channels): Uint8Array {
  const writer = new PcapWriter(channels);
  const parts = [writer.fileHeader()];
  for (let at = 0; at < frames.count; at += 4096) {
    parts.push(writer.packets(frames, at, Math.min(at + 4096, frames.count)).slice());
  }
  return Buffer.concat(parts);
}

/** Frames copied into one growing buffer. */
class FrameStore {
  frames: FrameBatch;
  private bytes: Uint8Array;
  private used = 0;

  constructor(frames: number, bytes: number) {
    this.frames = new FrameBatch(frames);
    this.bytes = new Uint8Array(bytes);
  }

  add(
    from: Uint8Array,
    offset: number,
    length: number,
    sec: number,
    nsec: number,
    channel: number,
  ): void {
    if (this.used + length > this.bytes.length) {
      const grown = new Uint8Array(this.bytes.length * 2);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(from.subarray(offset, offset + length), this.used);
    this.frames.add(this.used, length, sec, nsec, channel);
    this.used += length;
  }

  done(): FrameBatch {
    const { count } = this.frames;
    this.frames.reset(this.bytes);
    this.frames.count = count;
    return this.frames;
  }
}
