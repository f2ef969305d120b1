/** Two lines of one NSE stream, put together by hand, through the sequencer to certificates. */
import { nseFo } from "../feed/nse/feed.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { type Certificate, certificatesOf } from "../streams/certificate.ts";
import { type GapJson, gapsOf } from "../streams/certificate-gaps.ts";
import { Tallies } from "../streams/certificate-tally.ts";
import { Sequencer, type SequencerOptions } from "../streams/sequencer.ts";
import { nseMessage } from "./nse-messages.ts";

/** 2026-05-28, shortly after the opening in Mumbai. */
export const OPEN_SEC = 1_779_940_000;
const NSE_EPOCH_SEC = 315_532_800 - 19_800;
const ORDER_TYPES = "NMX";

export interface Datagram {
  readonly line: "A" | "B";
  /** Capture time in µs after the opening. */
  readonly atUsec: number;
  readonly bytes: Uint8Array;
}

/** The stream's message of that number; `price` sets it apart from the one it should be. */
export function order(sequence: number, price = 7000, eventUsec = sequence): Uint8Array {
  const sinceNs = BigInt(OPEN_SEC - NSE_EPOCH_SEC) * 1_000_000_000n;
  return nseMessage(ORDER_TYPES[sequence % ORDER_TYPES.length], sequence, {
    timestamp: sinceNs + BigInt(eventUsec) * 1000n,
    order_id: sequence,
    token: 35_001,
    side: "B",
    price,
    quantity: 50,
  });
}

/** One datagram for each number on a line, 100 µs apart. */
export function onLine(line: "A" | "B", numbers: readonly number[], lagUsec = 0): Datagram[] {
  return numbers.map((number) => ({ line, atUsec: number * 100 + lagUsec, bytes: order(number) }));
}

export const numbersTo = (last: number, ...without: number[]) =>
  Array.from({ length: last }, (_, at) => at + 1).filter((number) => !without.includes(number));

export function byTime(...lines: readonly Datagram[][]): Datagram[] {
  return lines.flat().sort((a, b) => a.atUsec - b.atUsec);
}

export interface Certified {
  readonly certificates: Certificate[];
  readonly gaps: GapJson[];
}

export class CertifyBench {
  readonly tallies = new Tallies(nseFo, () => Number.NaN);
  readonly sequencer: Sequencer;

  constructor(options: Partial<SequencerOptions> = {}) {
    const channels = new Channels();
    for (const line of [0, 1]) {
      channels.add({ group: `239.1.1.${line}`, port: 1, feed: "nse-fo", stream: 1, line });
    }
    this.sequencer = new Sequencer(nseFo.framing(), channels, this.tallies, options);
  }

  /** @param cuts sizes of the frame batches, over and over */
  push(datagrams: readonly Datagram[], cuts: readonly number[] = [1024]): this {
    let at = 0;
    for (let turn = 0; at < datagrams.length; turn++) {
      const size = cuts[turn % cuts.length];
      this.sequencer.push(framesOf(datagrams.slice(at, at + size)));
      at += size;
    }
    return this;
  }

  recover(datagrams: readonly Datagram[]): this {
    this.sequencer.recover(framesOf(datagrams), 0, this.sequencer.streams[0].epoch);
    return this;
  }

  finish(): Certified {
    this.sequencer.finish();
    return this.now();
  }

  now(): Certified {
    const { sequencer, tallies } = this;
    const certificates = certificatesOf(nseFo, sequencer, tallies, { tool: "test" });
    return { certificates, gaps: gapsOf(nseFo.id, sequencer) };
  }
}

export function certified(datagrams: readonly Datagram[], cuts?: readonly number[]): Certificate {
  return new CertifyBench().push(datagrams, cuts).finish().certificates[0];
}

function framesOf(datagrams: readonly Datagram[]): FrameBatch {
  const frames = new FrameBatch(Math.max(1, datagrams.length));
  const bytes = new Uint8Array(datagrams.reduce((sum, datagram) => sum + datagram.bytes.length, 0));
  frames.reset(bytes);
  let at = 0;
  for (const datagram of datagrams) {
    bytes.set(datagram.bytes, at);
    const sec = OPEN_SEC + Math.floor(datagram.atUsec / 1e6);
    const nsec = (datagram.atUsec % 1e6) * 1000;
    frames.add(at, datagram.bytes.length, sec, nsec, datagram.line === "A" ? 0 : 1);
    at += datagram.bytes.length;
  }
  return frames;
}
