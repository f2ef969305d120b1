/**
 * A small simulated market through the real cores, without sockets: exchange, two lines, collector,
 * chunks. For tests of what comes after them.
 */
import { CollectorCore } from "../collector/core.ts";
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import type { PackedChunk } from "../frames/chunk.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { openZstd } from "../frames/zstd.ts";
import { Exchange } from "../sim/exchange/exchange.ts";
import { Lines } from "../sim/exchange/lines.ts";

export interface MarketOptions {
  readonly seed: number;
  readonly milliseconds: number;
  /** Says which datagrams never arrive. */
  readonly isLost?: (line: number, stream: number, sendNs: number) => boolean;
}

export interface Market {
  readonly exchange: Exchange;
  readonly chunks: readonly PackedChunk[];
}

const STREAMS = 2;
const START_SEC = 1_780_000_000;

export function runMarket({ seed, milliseconds, isLost = () => false }: MarketOptions): Market {
  const exchange = new Exchange({ seed, streams: STREAMS, instruments: 30, ordersPerStream: 300 });
  const channels = new Channels();
  for (let stream = 1; stream <= STREAMS; stream++) {
    for (let line = 0; line < 2; line++) {
      channels.add({ group: `239.1.${line}.${stream}`, port: 9000, feed: "nse-fo", stream, line });
    }
  }
  const chunks: PackedChunk[] = [];
  const collector = new CollectorCore(
    channels,
    ({ feed }) => feedById(feed),
    openZstd(),
    (chunk) => chunks.push({ header: chunk.header, bytes: chunk.bytes.slice() }),
    {
      collector: "test",
      boot: 1,
      clock: "kernel",
      keep: "first",
      chunkAgeNs: 50e6,
      copiesWindow: 1 << 16,
    },
  );
  const frames = new FrameBatch(1);
  const lines = new Lines(exchange);
  lines.step(milliseconds * 1e6, {
    datagram(line, stream, sendNs, bytes, offset, length) {
      if (isLost(line, stream, sendNs)) return;
      const sec = START_SEC + Math.floor(sendNs / 1e9);
      frames.reset(bytes.slice(offset, offset + length));
      frames.add(0, length, sec, Math.floor(sendNs % 1e9), (stream - 1) * 2 + line);
      collector.push(frames, sendNs);
    },
  });
  collector.finish();
  return { exchange, chunks };
}
