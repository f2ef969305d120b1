/**
 * The replay proof in small: what crosses a wire of our own is the capture, in its order and
 * rhythm.
 */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { PcapWriter } from "../frames/pcap-writer.ts";
import { ReceiveWire, wireObstacle } from "./receive-wire.ts";
import { cutPiece, machineJitter, playAndHear, playTopSpeed, tcpreplayObstacle } from "./replay.ts";

const FRAMES = 2000;
const SPACING_NS = 1e6;
const LENGTH_MOST = 2000;
/** Other processes of a busy machine may hold a player up for so long, but not drift. */
const HELD_UP_NS = 1e9;

const obstacle = wireObstacle();
if (obstacle !== undefined) console.log(`not run: ${obstacle}`);

/** @param lengthOf of each payload, at least 4 bytes */
function evenCapture(lengthOf: (i: number) => number): Uint8Array {
  const channels = new Channels();
  channels.add({ group: "239.1.2.3", port: 26_400, feed: "", stream: 0, line: 0 });
  const frames = new FrameBatch(FRAMES);
  frames.reset(new Uint8Array(FRAMES * LENGTH_MOST));
  for (let i = 0; i < FRAMES; i++) {
    frames.view.setUint32(i * LENGTH_MOST, i);
    const ns = i * SPACING_NS;
    const sec = 1_700_000_000 + Math.floor(ns / 1e9);
    frames.add(i * LENGTH_MOST, lengthOf(i), sec, ns % 1e9, 0);
  }
  const writer = new PcapWriter(channels);
  return Buffer.concat([writer.fileHeader(), writer.packets(frames)]);
}

test.skipIf(obstacle !== undefined)(
  "every frame arrives once, in order, at its distance from the first, and at full speed too",
  async () => {
    const scratch = mkdtempSync(join(tmpdir(), "edgebook-replay-"));
    const wire = new ReceiveWire();
    try {
      const source = join(scratch, "source.pcap");
      writeFileSync(
        source,
        evenCapture(() => 4),
      );
      const piece = await cutPiece("even", source, join(scratch, "piece.pcap"), FRAMES);
      expect(piece.frames).toBe(FRAMES);
      const heard = await playAndHear(wire, "edgebook", piece, 2, scratch);
      expect([heard.frames, heard.whole]).toEqual([FRAMES, true]);
      expect(heard.lateP99Ns).toBeLessThan(HELD_UP_NS);
      expect((await machineJitter(wire, SPACING_NS, 20)).lateP99Ns).toBeLessThan(HELD_UP_NS);
      const top = await playTopSpeed(wire, "edgebook", piece, 5);
      expect(top.arrived).toBeGreaterThanOrEqual(5 * FRAMES);
      const missing = tcpreplayObstacle();
      if (missing !== undefined) console.log(`not run: ${missing}`);
      else {
        const other = await playTopSpeed(wire, "tcpreplay", piece, 5);
        expect(other.arrived).toBeGreaterThanOrEqual(5 * FRAMES);
      }
    } finally {
      wire.remove();
      rmSync(scratch, { recursive: true, force: true });
    }
  },
  60_000,
);

for (const [side, who] of [
  ["other", "the other host hears"],
  ["sender", "who has joined on the sending host hears"],
] as const) {
  test.skipIf(obstacle !== undefined)(
    `at full speed ${who} every frame once and in order, whatever the lengths`,
    async () => {
      const scratch = mkdtempSync(join(tmpdir(), "edgebook-replay-"));
      const wire = new ReceiveWire();
      try {
        const source = join(scratch, "source.pcap");
        // Single frames, runs that are worth their while and such that are not, and ones so long
        // that they go as fragments, which a ring would not put together.
        const lengths = [40, 60, 60, 4, 4, 4, 4, 4, 4, 90, LENGTH_MOST, 7];
        const lengthOf = (i: number) => lengths[Math.floor((i * i) / 5) % lengths.length];
        writeFileSync(source, evenCapture(lengthOf));
        const piece = await cutPiece("mixed", source, join(scratch, "piece.pcap"), FRAMES);
        const speed = Number.POSITIVE_INFINITY;
        const hearing = { way: "socket", side } as const;
        const heard = await playAndHear(wire, "edgebook", piece, speed, scratch, hearing);
        expect([heard.frames, heard.whole]).toEqual([FRAMES, true]);
      } finally {
        wire.remove();
        rmSync(scratch, { recursive: true, force: true });
      }
    },
    60_000,
  );
}
