/** The watch sees what a sequencer that delivers sees, though it keeps no bytes of what waits. */
import { expect, test } from "bun:test";
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { Sequencer } from "../streams/sequencer.ts";
import { LineWatch } from "./watch.ts";

const BYTES = 300;
const FRAMES = 4000;

/** Two lines of one stream, each missing some, the second late, a conflict now and then. */
function lines(): FrameBatch {
  const frames = new FrameBatch(FRAMES * 2);
  const bytes = new Uint8Array(FRAMES * 2 * BYTES);
  const view = new DataView(bytes.buffer);
  frames.reset(bytes);
  const add = (number: number, line: number, nsec: number) => {
    const at = frames.count * BYTES;
    view.setUint32(at, number, true);
    bytes.fill(number & 255, at + 8, at + BYTES);
    if (line === 1 && number % 97 === 0) bytes[at + BYTES - 1] ^= 1;
    frames.add(at, BYTES, 1_700_000_000, nsec, line);
  };
  for (let number = 1; number <= FRAMES; number++) {
    if (number % 7 !== 0) add(number, 0, number * 1000);
    const other = number - 50;
    if (other > 0 && other % 11 !== 0) add(other, 1, number * 1000);
  }
  return frames;
}

test("gaps, losses, copies and conflicts are those of a sequencer that keeps all bytes", () => {
  const channels = new Channels();
  const sequenceField = { offset: 0, width: 8, littleEndian: true } as const;
  for (const line of [0, 1]) {
    const where = { group: `239.1.1.${line + 1}`, port: 7, feed: "sequenced", stream: 1, line };
    channels.add({ ...where, sequenceField });
  }
  const feed = feedById("sequenced");
  if (feed === undefined) throw new Error("no such feed");
  let delivered = 0;
  const whole = new Sequencer(feed.framing(), channels, {
    deliver: ({ count }) => {
      delivered += count;
    },
  });
  const watch = new LineWatch(channels, () => feed);
  const frames = lines();
  for (const one of [whole, watch]) {
    one.push(frames);
    one.finish();
  }
  const seen = watch.sequencerOf("sequenced")?.stats();
  const { heldMemoryBytes: _, ...expected } = whole.stats();
  expect(seen).toMatchObject(expected);
  expect(expected.lost).toBeGreaterThan(0);
  expect(expected.duplicates).toBeGreaterThan(0);
  expect(delivered).toBeGreaterThan(FRAMES / 2);
});
