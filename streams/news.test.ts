/** What the log is told of gaps: once when one opens, once when it closes, and no noise between. */
import { expect, test } from "bun:test";
import { sequenced } from "../feed/sequenced/feed.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { StreamNews } from "./news.ts";
import { Sequencer } from "./sequencer.ts";

const SEC = 1_780_000_000;

function world() {
  const channels = new Channels();
  const sequenceField = { offset: 0, width: 8, littleEndian: true };
  channels.add({
    group: "239.1.1.1",
    port: 1,
    feed: "sequenced",
    stream: 1,
    line: 0,
    sequenceField,
  });
  const sequencer = new Sequencer(sequenced.framing(), channels, { deliver() {} });
  const told: string[] = [];
  const news = new StreamNews((text, event, place) => {
    told.push(`${event} ${place?.missing ?? place?.lost ?? ""}`.trim());
    expect(text).toContain("stream 1 of sequenced");
  });
  let nowMs = 0;
  const batch = new FrameBatch(64);
  return {
    told,
    /** Numbers come, and then so much time goes by, looked at every 100 ms. */
    bring(numbers: readonly number[], ms: number) {
      const bytes = new Uint8Array(16 * Math.max(1, numbers.length));
      batch.reset(bytes);
      numbers.forEach((number, at) => {
        batch.view.setBigUint64(16 * at, BigInt(number), true);
        batch.add(16 * at, 16, SEC + Math.floor(nowMs / 1000), (nowMs % 1000) * 1e6, 0);
      });
      if (numbers.length > 0) sequencer.push(batch);
      for (const end = nowMs + ms; nowMs < end; nowMs += 100) {
        sequencer.advance((SEC + nowMs / 1000) * 1e9);
        news.look("sequenced", sequencer, nowMs * 1e6);
      }
    },
  };
}

test("a gap that is lost says twice something, whatever it lasts", () => {
  const { told, bring } = world();
  bring([1, 2, 3], 1000);
  bring([6, 7], 2000);
  expect(told).toEqual(["gap_opened 2", "gap_closed 2"]);
  bring([8, 9], 5000);
  expect(told).toHaveLength(2);
});

test("a hole that is filled at once is nobody's news", () => {
  const { told, bring } = world();
  bring([1, 2, 4], 0);
  bring([3, 5], 1000);
  expect(told).toEqual([]);
});

test("a storm of gaps is one story a second, and counts all that was lost", () => {
  const { told, bring } = world();
  bring([1, 2], 500);
  for (let at = 0; at < 50; at++) bring([4 + 2 * at], 100);
  bring([], 3000);
  const sum = (event: string) =>
    told
      .filter((line) => line.startsWith(event))
      .reduce((total, line) => total + Number(line.split(" ")[1]), 0);
  expect(told.filter((line) => line.startsWith("gap_opened")).length).toBeLessThan(8);
  expect(told.filter((line) => line.startsWith("gap_")).length % 2).toBe(0);
  expect(sum("gap_closed")).toBe(50);
});
