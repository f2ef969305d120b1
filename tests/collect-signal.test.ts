/** What a collector does with datagrams that had arrived when it was told to end. */
import { expect, test } from "bun:test";
import { openCollecting } from "../cli/collecting.ts";
import { sequenced } from "../feed/sequenced/feed.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import type { MulticastReceiver } from "../frames/multicast-port.ts";
import { SeenWire } from "./seen-wire.ts";

const BATCHES = 50;
const FRAMES = 16;

/** So many full batches lie in it; then it is empty. */
class Backlog implements MulticastReceiver {
  readonly kind = "recvmmsg";
  readonly clock = "kernel";
  readonly receiveBufferBytes = 1 << 20;
  readonly kernelDrops = 0;
  private number = 1;
  private left: number;
  private readonly batch = new FrameBatch(FRAMES);

  constructor(batches: number) {
    this.left = batches;
  }

  receive(): FrameBatch {
    const { batch } = this;
    batch.reset(new Uint8Array(FRAMES * 64));
    if (this.left === 0) return batch;
    this.left--;
    for (let at = 0; at < FRAMES; at++) {
      batch.view.setBigUint64(at * 64, BigInt(this.number), true);
      batch.add(at * 64, 64, 1_780_000_000, this.number++ * 100, 0);
    }
    return batch;
  }

  close(): void {}
}

function open() {
  const channels = SeenWire.channels(new Channels());
  return openCollecting({
    name: "end",
    to: [],
    channels,
    feed: sequenced,
    keep: "first",
    clock: "kernel",
    tell() {},
  });
}

test("everything that had arrived is taken", async () => {
  const { collector, core } = open();
  await collector.receive(new Backlog(BATCHES), AbortSignal.abort());
  expect(core.counters.frames).toBe(BATCHES * FRAMES);
  await collector.finish(0);
});

test("a wire that never rests is left after two seconds", async () => {
  const { collector } = open();
  const began = performance.now();
  await collector.receive(new Backlog(Number.POSITIVE_INFINITY), AbortSignal.abort());
  expect(performance.now() - began).toBeGreaterThan(1900);
  expect(performance.now() - began).toBeLessThan(20_000);
  await collector.finish(0);
}, 60_000);
