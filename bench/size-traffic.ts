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
import { Lines } from "../sim/exchange/lines.ts";
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

const FOLDER = new URL("../../shared/data/", import.meta.url).pathname;
const NS = 1_000_000_000;
const STREAMS = 18;
/** Average of the record day, all streams together. */
const MESSAGES_PER_SECOND = 900_000;
/** From the exchange to the host's clock, and how much it shakes: a mean, exponentially spread. */
const DELAY_NS = 12_000;
const JITTER_NS = 400;

/** Line A of NSE FO's streams, `messages` of them after the opening has filled the books. */
export function nseTraffic(messages: number): Traffic {
  const exchange = new Exchange({
    segment: "nse-fo",
    seed: 1,
    streams: STREAMS,
    instruments: 500 * STREAMS,
    messagesPerSecond: MESSAGES_PER_SECOND,
    ordersPerStream: 4000,
    keepMessages: 100_000,
  });
  const channels = new Channels();
  for (let stream = 1; stream <= STREAMS; stream++) {
    channels.add({ group: `239.70.1.${stream}`, port: 10_000, feed: "nse-fo", stream, line: 0 });
  }
  const opening = STREAMS * 4000 * 6;
  const random = new Random(7);
  const startSec = unixSeconds(exchange.options.startSec);
  const store = new FrameStore(messages, messages * 40);
  let seen = 0;
  const lines = new Lines(exchange, [0]);
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
    name: "NSE FO, simulated",
    feed: "nse-fo",
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
