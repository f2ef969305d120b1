/** A case as a capture: what the first collector got from both lines, so that any handler can read it. */
import { FrameBatch } from "../frames/frame-batch.ts";
import { PcapWriter } from "../frames/pcap-writer.ts";
import type { Zstd } from "../frames/zstd-port.ts";
import type { WorldCase } from "./world/case.ts";
import { World } from "./world/world.ts";

/** The bytes of a pcap. Datagrams that came while the collector was down are in it too. */
export function captureOfCase(given: WorldCase, zstd: Zstd): Uint8Array {
  const parts: Uint8Array[] = [];
  const one = new FrameBatch(1);
  let writer: PcapWriter | undefined;
  const world = new World(given, zstd, (own, edge, index) => {
    if (index > 0) return edge;
    writer = new PcapWriter(own.channels);
    parts.push(writer.fileHeader());
    return {
      frame(channel, timeNs, bytes, offset, length) {
        const sec = Math.floor(timeNs / 1e9);
        one.reset(bytes.slice(offset, offset + length));
        one.add(0, length, own.startUnixSec + sec, timeNs - sec * 1e9, channel);
        if (writer !== undefined) parts.push(writer.packets(one).slice());
        edge.frame(channel, timeNs, bytes, offset, length);
      },
    };
  });
  world.run({ tick() {} });
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
