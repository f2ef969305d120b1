import { describe, expect, test } from "bun:test";
import { writeSnapshotHeader } from "../feed/nse/recovery.ts";
import { nseRecovery } from "../feed/nse/recovery-protocol.ts";
import { Connections } from "./recovery-connections.ts";
import { SnapshotScheduler } from "./recovery-snapshots.ts";

const MS = 1e6;
const SPACING_MS = 10;
const YES = [10, 0, 1, 0, 0, 0, 0, 0, 0x42, 0x53];
const NO = [10, 0, 1, 0, 0, 0, 0, 0, 0x42, 0x45];

/** Header and records, as the exchange sends them after its reply. */
function image(lastSequence: number, orders: number): number[] {
  const bytes = new Uint8Array(16 + 30 * orders);
  writeSnapshotHeader({ stream: 1, orders, lastSequence }, new DataView(bytes.buffer), 0);
  for (let i = 0; i < orders; i++) bytes[16 + 30 * i] = 0x4e;
  return [...bytes];
}

class Bench {
  epoch = 0;
  readonly came: string[] = [];
  readonly connects: number[] = [];
  readonly connections = new Connections();
  readonly scheduler: SnapshotScheduler;
  private now = 0;

  constructor(policy = {}) {
    const protocol = nseRecovery(true).snapshots!;
    const sink = {
      epochOf: () => this.epoch,
      snapshot: (stream: number, epoch: number, last: number, records: Uint8Array) => {
        this.came.push(`${stream} in ${epoch} to ${last}: ${records.length / 30} orders`);
        return true;
      },
    };
    this.scheduler = new SnapshotScheduler(
      protocol,
      this.connections,
      sink,
      policy,
      SPACING_MS * MS,
    );
    // It began a while ago.
    this.scheduler.advance(-SPACING_MS * MS);
  }

  want(atLeast: number): this {
    this.scheduler.want(1, atLeast, this.now * MS);
    return this;
  }

  until(ms: number): this {
    for (; this.now <= ms; this.now++) {
      this.scheduler.advance(this.now * MS);
      for (const effect of this.connections.take()) {
        if (effect.kind !== "connect") continue;
        this.connects.push(this.now);
        this.connections.connected(effect.id, this.now * MS);
      }
    }
    return this;
  }

  /** To the connection opened last. */
  answer(...bytes: readonly number[]): this {
    this.connections.received(this.connects.length, Uint8Array.from(bytes), this.now * MS);
    return this;
  }

  cut(): this {
    this.connections.closed(this.connects.length, this.now * MS);
    return this;
  }
}

describe("snapshots", () => {
  test("a whole one comes once, and ends the wish", () => {
    const bench = new Bench()
      .want(50)
      .until(5)
      .answer(...YES, ...image(60, 3))
      .until(100);
    expect(bench.came).toEqual(["1 in 0 to 60: 3 orders"]);
    expect(bench.scheduler.waiting).toBe(0);
    expect(bench.connects).toHaveLength(1);
  });

  test("one in pieces is the same, and an empty one is one", () => {
    const bench = new Bench().want(0).until(5);
    for (const byte of [...YES, ...image(60, 2)]) bench.answer(byte);
    expect(bench.came).toEqual(["1 in 0 to 60: 2 orders"]);
    const empty = new Bench()
      .want(0)
      .until(5)
      .answer(...YES, ...image(9, 0));
    expect(empty.came).toEqual(["1 in 0 to 9: 0 orders"]);
  });

  test("one that is cut is dropped and asked for again", () => {
    const bench = new Bench({ backoffNs: 50 * MS }).want(0).until(5);
    bench.answer(...YES, ...image(60, 3).slice(0, 80)).cut();
    expect(bench.until(40).connects).toHaveLength(1);
    expect(bench.until(80).connects).toHaveLength(2);
    bench.answer(...YES, ...image(61, 1));
    expect(bench.came).toEqual(["1 in 0 to 61: 1 orders"]);
    expect(bench.scheduler.counts).toMatchObject({ cut: 1, whole: 1 });
  });

  test("one that is too old is dropped; the next is asked for when there may be a new one", () => {
    const bench = new Bench({ refreshNs: 200 * MS }).want(50).until(5);
    bench.answer(...YES, ...image(49, 3));
    expect(bench.until(150).connects).toHaveLength(1);
    bench.until(250).answer(...YES, ...image(50, 3));
    expect(bench.came).toEqual(["1 in 0 to 50: 3 orders"]);
    expect(bench.scheduler.counts).toMatchObject({ old: 1, whole: 1 });
  });

  test("refusals, damage and silence end in giving up, and never in an image", () => {
    const policy = { backoffNs: MS, backoffMostNs: MS, answerNs: 20 * MS, snapshotTries: 4 };
    const bench = new Bench(policy)
      .want(0)
      .until(5)
      .answer(...NO)
      .until(20);
    const badCount = [...YES, ...image(60, 3)];
    badCount[10 + 6] = 99;
    bench.answer(...badCount).until(40);
    const otherStream = [...YES, ...image(60, 3)];
    otherStream[10 + 14] = 2;
    bench.answer(...otherStream).until(500);
    expect(bench.came).toEqual([]);
    expect(bench.scheduler.counts).toMatchObject({ refused: 1, wrong: 2, silent: 1, givenUp: 1 });
    expect(bench.scheduler.waiting).toBe(0);
  });

  test("two that connect at once ask one after the other", () => {
    const bench = new Bench({ snapshotsAtOnce: 2 });
    bench.scheduler.want(1, 0, 0);
    bench.scheduler.want(2, 0, 0);
    for (const ms of [0, 10]) bench.scheduler.advance(ms * MS);
    const kinds = () => bench.connections.take().map(({ kind }) => kind);
    expect(kinds()).toEqual(["connect", "connect"]);
    for (const id of [1, 2]) bench.connections.connected(id, 30 * MS);
    expect(kinds()).toEqual(["send"]);
    bench.scheduler.advance(39 * MS);
    expect(kinds()).toEqual([]);
    bench.scheduler.advance(40 * MS);
    expect(kinds()).toEqual(["send"]);
  });

  test("bytes behind the image make it none", () => {
    const bench = new Bench()
      .want(0)
      .until(5)
      .answer(...YES, ...image(60, 1), 1);
    expect(bench.came).toEqual([]);
    expect(bench.scheduler.counts.wrong).toBe(1);
  });

  test("one of an epoch that ended on the way is dropped", () => {
    const bench = new Bench().want(0).until(5);
    bench.epoch = 1;
    bench.answer(...YES, ...image(60, 3));
    expect(bench.came).toEqual([]);
    expect(bench.scheduler.counts.stale).toBe(1);
  });
});
