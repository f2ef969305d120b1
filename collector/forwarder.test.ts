import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Channels } from "../frames/channels.ts";
import { ChunkPacker, type PackedChunk } from "../frames/chunk.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { Spool } from "../frames/spool.ts";
import type { ControlRequest } from "../frames/transport.ts";
import { openZstd } from "../frames/zstd.ts";
import { Forwarder } from "./forwarder.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-forwarder-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const channels = new Channels();
channels.add({ group: "239.1.1.1", port: 1, feed: "nse-fo", stream: 1, line: 0 });
const packer = new ChunkPacker(channels, openZstd());
const BOOT = 1;

function chunk(number: number): PackedChunk {
  const frames = new FrameBatch(1);
  frames.reset(Uint8Array.of(number & 255));
  frames.add(0, 1, number, 0, 0);
  return packer.pack(
    {
      kind: "live",
      collector: "colo-1",
      boot: BOOT,
      number,
      previous: number - 1,
      oldest: 1,
      feed: "nse-fo",
      stream: 1,
      session: "",
      firstSequence: number,
      lastSequence: number,
      clock: "kernel",
      runs: [],
      copies: 0,
      runsDropped: 0,
    },
    frames,
  );
}

/** A sink that takes nothing until it is opened. */
class Gate {
  readonly name = "gate";
  readonly took: number[] = [];
  ask: (request: ControlRequest) => void = () => {};
  private open = false;
  private readonly waiting: (() => void)[] = [];

  send({ header }: PackedChunk): Promise<void> {
    const take = () => {
      this.took.push(header.number);
    };
    if (this.open) return Promise.resolve(take());
    return new Promise((resolve) => {
      this.waiting.push(() => {
        take();
        resolve();
      });
    });
  }

  onRequest(listener: (request: ControlRequest) => void): void {
    this.ask = listener;
  }

  onPosition(): void {}

  lift(): void {
    this.open = true;
    for (const go of this.waiting.splice(0)) go();
  }

  async close(): Promise<void> {}
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe("a sink that comes late", () => {
  test("gets every chunk in order, from the spool what memory no longer holds", async () => {
    const spool = new Spool(join(scratch, "a"));
    const gate = new Gate();
    const forwarder = new Forwarder(gate, BOOT, spool);
    for (const number of upTo(1000)) {
      const packed = chunk(number);
      spool.append(packed);
      forwarder.offer(packed);
    }
    expect(forwarder.behind).toBe(1000);
    gate.lift();
    expect(await forwarder.settle(0, 5000)).toBe(true);
    expect(gate.took).toEqual(upTo(1000));
    gate.ask({ ask: "resend", boot: BOOT, from: 2, to: 4 });
    await forwarder.settle(0, 5000);
    expect(gate.took.slice(1000)).toEqual([2, 3, 4]);
    await forwarder.close(0);
    spool.close();
  });

  test("misses, counted, only what neither memory nor spool could hold", async () => {
    const spool = new Spool(join(scratch, "b"), { segmentBytes: 4000, bytesLimit: 8000 });
    const gate = new Gate();
    const forwarder = new Forwarder(gate, BOOT, spool);
    for (const number of upTo(2000)) {
      const packed = chunk(number);
      spool.append(packed);
      forwarder.offer(packed);
    }
    gate.lift();
    await forwarder.settle(0, 5000);
    expect(gate.took.length + forwarder.missed).toBe(2000);
    expect(forwarder.missed).toBeGreaterThan(0);
    expect(gate.took.at(-1)).toBe(2000);
    await forwarder.close(0);
    spool.close();
  });
});
