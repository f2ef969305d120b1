/** What a spool does when it is full, old, damaged, or on a disk that has no room. */
import { describe, expect, test } from "bun:test";
import { FaultyDisk } from "../faults/disk.ts";
import { Random } from "../faults/random.ts";
import { testChunk } from "../tests/test-chunk.ts";
import type { PackedChunk } from "./chunk.ts";
import { SpoolCore } from "./spool-core.ts";
import { SpoolError, type SpoolOptions } from "./spool-options.ts";
import { segmentName } from "./spool-segment.ts";

const BOOT = 7;

/** All of one size within a few bytes: what they hold does not compress. */
function chunk(number: number): PackedChunk {
  const random = new Random(number);
  const payload = new Uint8Array(600).map(() => random.below(256));
  return testChunk(number, { boot: BOOT, payload, codec: "raw" });
}

const EACH = chunk(1).bytes.length;
/** Three chunks a segment, four segments. */
const SMALL = { segmentBytes: 2.5 * EACH, bytesLimit: 12.5 * EACH };
const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, at) => from + at);

function filled(disk: FaultyDisk, count: number, options: Partial<SpoolOptions> = {}): SpoolCore {
  const spool = new SpoolCore(disk, { ...SMALL, ...options });
  for (const number of upTo(count)) spool.appendAt(chunk(number), 0);
  return spool;
}

const readable = (spool: SpoolCore, count: number) =>
  upTo(count).filter((number) => spool.read(BOOT, number) !== undefined);

describe("a full spool", () => {
  test("oldest: lets the oldest go, whoever still wants them", () => {
    const disk = new FaultyDisk({}, 1);
    const spool = new SpoolCore(disk, { ...SMALL, whenFull: "oldest" });
    spool.places.use("slow", BOOT);
    for (const number of upTo(40)) expect(spool.appendAt(chunk(number), 0)).toBe(true);
    const oldest = spool.oldest(BOOT);
    expect(readable(spool, 40)).toEqual(upTo(41 - oldest, oldest));
    expect(spool.counters.droppedBySize).toBe(oldest - 1);
    expect(spool.bytes).toBeLessThanOrEqual(SMALL.bytesLimit + EACH);
  });

  test("stop: lets nothing go that a destination still wants, and takes no more", () => {
    const spool = new SpoolCore(new FaultyDisk({}, 1), { ...SMALL, whenFull: "stop" });
    spool.places.use("fast", BOOT);
    spool.places.use("slow", BOOT);
    const taken = upTo(40).filter((number) => spool.appendAt(chunk(number), 0));
    expect(taken).toEqual(upTo(taken.length));
    expect(taken.length).toBeGreaterThan(8);
    expect(readable(spool, 40)).toEqual(taken);
    expect([spool.counters.refusedFull, spool.chunksDropped]).toEqual([40 - taken.length, 0]);
    spool.places.move("fast", { boot: BOOT, number: 40 });
    expect(spool.appendAt(chunk(41), 0)).toBe(false);
    spool.places.move("slow", { boot: BOOT, number: 6 });
    expect(spool.appendAt(chunk(42), 0)).toBe(true);
    // What was refused is a hole in the numbers; what comes after it is found all the same.
    expect(readable(spool, 42)).toEqual([...upTo(taken.length - 3, 4), 42]);
  });

  test("lets chunks go by age", () => {
    const spool = new SpoolCore(new FaultyDisk({}, 1), { ...SMALL, ageLimitMs: 1000 });
    for (const number of upTo(9)) spool.appendAt(chunk(number), number * 100);
    spool.tend(1301);
    expect(readable(spool, 9)).toEqual(upTo(6, 4));
    spool.tend(5000);
    expect([readable(spool, 9), spool.bytes, spool.counters.droppedByAge]).toEqual([[], 0, 9]);
    expect(spool.appendAt(chunk(10), 5000)).toBe(true);
    expect(readable(spool, 10)).toEqual([10]);
  });
});

describe("a disk without room", () => {
  test("the oldest segments make room for new chunks", () => {
    const disk = new FaultyDisk({}, 1);
    const spool = filled(disk, 9);
    disk.capacityBytes = disk.usedBytes + EACH / 2;
    expect(spool.appendAt(chunk(10), 0)).toBe(true);
    expect([readable(spool, 10), spool.counters.droppedForRoom]).toEqual([upTo(7, 4), 3]);
  });

  test("what cannot be kept is refused and counted, and what is kept stays whole", () => {
    const disk = new FaultyDisk({}, 1);
    const spool = filled(disk, 2, { whenFull: "stop" });
    spool.places.use("slow", BOOT);
    disk.capacityBytes = disk.usedBytes + EACH / 2;
    expect(spool.appendAt(chunk(3), 0)).toBe(false);
    expect(spool.counters.refusedNoRoom).toBe(1);
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    expect(spool.appendAt(chunk(4), 0)).toBe(true);
    expect(readable(spool, 4)).toEqual([1, 2, 4]);
    disk.restart();
    expect(readable(new SpoolCore(disk, SMALL), 4)).toEqual([1, 2, 4]);
  });

  test("is refused at the start, with what to do", () => {
    const disk = new FaultyDisk({ capacityBytes: 1 << 20 }, 1);
    expect(() => new SpoolCore(disk)).toThrow(SpoolError);
    try {
      new SpoolCore(disk);
    } catch (error) {
      expect([(error as SpoolError).code, (error as SpoolError).hint]).toEqual([
        "no_room",
        "Free some space, or name a folder on another disk.",
      ]);
    }
  });

  test("the limit is what the disk has room for", () => {
    const disk = new FaultyDisk({ capacityBytes: 8 << 20 }, 1);
    expect(new SpoolCore(disk).bytesLimit).toBe(8 << 20);
  });
});

describe("a disk that forgets", () => {
  test("a synced chunk survives a power cut; with always every one does", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = new FaultyDisk({}, seed);
      filled(disk, 5, { sync: "always" });
      disk.cutPower();
      disk.restart();
      expect(readable(new SpoolCore(disk, SMALL), 5)).toEqual(upTo(5));
    }
  });

  test("with interval what was there a while ago survives", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = new FaultyDisk({}, seed);
      const spool = filled(disk, 2, { sync: "interval", syncMs: 100 });
      // A sync that was begun is over a few calls later.
      for (let ms = 100; ms <= 3000; ms += 100) {
        spool.tend(ms);
        spool.read(BOOT, 1);
      }
      spool.appendAt(chunk(3), 3000);
      disk.cutPower();
      disk.restart();
      expect(readable(new SpoolCore(disk, SMALL), 2)).toEqual([1, 2]);
    }
  });

  test("a chunk that changed on the disk is never given out, and its neighbours are", () => {
    const disk = new FaultyDisk({}, 1);
    const spool = filled(disk, 3);
    disk.write(segmentName(BOOT, 1), Uint8Array.of(0), EACH + EACH - 20);
    expect([spool.read(BOOT, 2), spool.counters.damaged]).toEqual([undefined, 1]);
    expect(readable(spool, 3)).toEqual([1, 3]);
    disk.write(segmentName(BOOT, 1), new Uint8Array(40), EACH);
    const again = new SpoolCore(disk, SMALL);
    expect([readable(again, 3), again.counters.damagedPlaces]).toEqual([[1, 3], 1]);
    expect(again.counters.bytesTorn).toBe(0);
  });

  test("a place that cannot be read any more means that all is sent again, not nothing", () => {
    const disk = new FaultyDisk({}, 1);
    const spool = filled(disk, 3);
    spool.places.use("book", BOOT);
    spool.places.move("book", { boot: BOOT, number: 3 });
    spool.close();
    expect(new SpoolCore(disk, SMALL).places.use("book", 9)).toEqual({ boot: BOOT, number: 3 });
    expect(new SpoolCore(disk, SMALL).places.use("new", 9)).toEqual({ boot: 9, number: 0 });
    disk.replace("places.json", new Uint8Array(0));
    expect(new SpoolCore(disk, SMALL).places.use("book", 9)).toEqual({ boot: 0, number: 0 });
  });
});
