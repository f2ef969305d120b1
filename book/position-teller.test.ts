import { expect, test } from "bun:test";
import type { Position } from "../frames/transport.ts";
import { PositionTeller } from "./position-teller.ts";

function scene() {
  const told: number[] = [];
  const source = {
    name: "broker",
    connected: true,
    isDeaf: false,
    async publishPosition({ chunk }: Position) {
      told.push(chunk);
      if (source.isDeaf) throw new Error("lost");
    },
  };
  const at = { consumer: "book", collector: "edge", boot: 7, chunk: 0 };
  const teller = new PositionTeller(() => [{ ...at }], [source]);
  const take = (chunks: number) => {
    for (let i = 0; i < chunks; i++) {
      at.chunk++;
      teller.took();
    }
  };
  return { told, source, teller, take };
}

test("a collector whose window is full of chunks that came at once is told before any timer", () => {
  const { told, take } = scene();
  take(64);
  expect(told).toEqual([16, 32, 48, 64]);
});

test("a position is told once, and again where it did not arrive", async () => {
  const { told, source, teller, take } = scene();
  take(3);
  teller.publish();
  teller.publish();
  expect(told).toEqual([3]);
  source.isDeaf = true;
  take(1);
  teller.publish();
  await Promise.resolve();
  source.isDeaf = false;
  teller.publish();
  expect(told).toEqual([3, 4, 4]);
});

test("nothing is told to a broker that is not there, and all once it is back", () => {
  const { told, source, teller, take } = scene();
  source.connected = false;
  take(40);
  expect(told).toEqual([]);
  source.connected = true;
  teller.publish();
  expect(told).toEqual([40]);
});
