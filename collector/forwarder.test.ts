import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PackedChunk } from "../frames/chunk.ts";
import { Spool } from "../frames/spool.ts";
import type { ControlRequest } from "../frames/transport.ts";
import { testChunk } from "../tests/test-chunk.ts";
import { until } from "../tests/until.ts";
import { Forwarder } from "./forwarder.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-forwarder-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const BOOT = 1;

const chunk = (number: number, boot = BOOT) => testChunk(number, { boot });

/** A sink that takes nothing until it is opened. */
class Gate {
  readonly name: string;
  readonly took: number[] = [];
  ask: (request: ControlRequest) => void = () => {};
  private open = false;
  private readonly waiting: (() => void)[] = [];

  constructor(name = "gate") {
    this.name = name;
  }

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
    // A rest may lie between the question and the first chunk of its answer.
    await until(() => gate.took.length >= 1003, "the answer");
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

/** One without a centre: what it took is where it shall be. */
class Shelf {
  readonly name: string;
  readonly took: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  async send({ header }: PackedChunk): Promise<void> {
    this.took.push(`${header.boot}/${header.number}`);
  }

  async close(): Promise<void> {}
}

const keys = (boot: number, count: number) => upTo(count).map((number) => `${boot}/${number}`);

describe("several sinks", () => {
  test("a dead one holds up no other, and costs no memory that the spool has", async () => {
    const spool = new Spool(join(scratch, "c"));
    const dead = new Gate("dead");
    const shelf = new Shelf("shelf");
    const forwarders = [dead, shelf].map((sink) => new Forwarder(sink, BOOT, spool));
    for (const number of upTo(600)) {
      const packed = chunk(number);
      spool.append(packed);
      for (const forwarder of forwarders) forwarder.offer(packed);
    }
    expect(await forwarders[1].settle(0, 5000)).toBe(true);
    expect(shelf.took).toEqual(keys(BOOT, 600));
    expect([dead.took.length, forwarders[0].behind, forwarders[0].bytesUnkept]).toEqual([
      0, 600, 0,
    ]);
    for (const forwarder of forwarders) await forwarder.close(0);
    spool.close();
  });

  test("each goes on where it was in the life before, and a new one with the present", async () => {
    const first = new Spool(join(scratch, "d"));
    const before = new Forwarder(new Shelf("shelf"), BOOT, first);
    const stuck = new Forwarder(new Shelf("stuck"), BOOT, first);
    await stuck.close(0);
    for (const number of upTo(10)) {
      const packed = chunk(number);
      first.append(packed);
      before.offer(packed);
      stuck.offer(packed);
    }
    await before.settle(0, 5000);
    await before.close(0);
    first.close();
    const spool = new Spool(join(scratch, "d"));
    const shelves = ["shelf", "stuck", "new"].map((name) => new Shelf(name));
    const forwarders = shelves.map((shelf) => new Forwarder(shelf, BOOT + 1, spool));
    const packed = chunk(1, BOOT + 1);
    spool.append(packed);
    for (const forwarder of forwarders) forwarder.offer(packed);
    for (const forwarder of forwarders) expect(await forwarder.settle(0, 5000)).toBe(true);
    const present = keys(BOOT + 1, 1);
    expect(shelves.map(({ took }) => took)).toEqual([
      present,
      [...keys(BOOT, 10), ...present],
      present,
    ]);
    for (const forwarder of forwarders) await forwarder.close(0);
    spool.close();
  });
});

describe("a sink that gives chunks back", () => {
  test("gets each again until it takes it", async () => {
    let refusals = 3;
    const shelf = new Shelf("shelf");
    const take = shelf.send.bind(shelf);
    shelf.send = (packed) => {
      return refusals-- > 0 ? Promise.reject(new Error("not now")) : take(packed);
    };
    const forwarder = new Forwarder(shelf, BOOT, undefined);
    for (const number of upTo(10)) forwarder.offer(chunk(number));
    expect(await forwarder.settle(0, 10_000)).toBe(true);
    expect([[...shelf.took].sort(), forwarder.lastError]).toEqual([
      keys(BOOT, 10).sort(),
      "not now",
    ]);
    await forwarder.close(0);
  });
});

describe("a disk that takes nothing", () => {
  test("what is in no spool stays in memory until it is sent, within its bound", async () => {
    const gate = new Gate();
    const forwarder = new Forwarder(gate, BOOT, undefined);
    for (const number of upTo(2000)) forwarder.offer(chunk(number));
    expect(forwarder.bytesUnkept).toBeGreaterThan(0);
    gate.lift();
    expect(await forwarder.settle(0, 5000)).toBe(true);
    expect([gate.took, forwarder.missed, forwarder.bytesUnkept]).toEqual([upTo(2000), 0, 0]);
    await forwarder.close(0);
  });
});
