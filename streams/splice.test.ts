import { describe, expect, test } from "bun:test";
import { MessageKind, RowFlag } from "../feed/message-batch.ts";
import type { SnapshotProtocol } from "../feed/recovery.ts";
import { SnapshotImage } from "./splice-image.ts";
import { HEARTBEAT, ToyBench, type ToyPacket, toyNs } from "./toy.ts";

/** Records of the toy: exchange time f64, content u32. */
const protocol: SnapshotProtocol = {
  recordBytes: 12,
  bytesLimit: 1 << 20,
  request: () => new Uint8Array(0),
  reply: () => {
    throw new Error("the toy has no server");
  },
  compare: (view, a, b) =>
    view.getFloat64(a, true) - view.getFloat64(b, true) ||
    view.getUint32(a + 8, true) - view.getUint32(b + 8, true),
  recordTime: (view, at) => view.getFloat64(at, true),
};

/** An image with a record for each `[time, content]`. */
function image(last: number, ...records: [number, number][]): SnapshotImage {
  const view = new DataView(new ArrayBuffer(12 * records.length));
  records.forEach(([time, content], i) => {
    view.setFloat64(12 * i, time, true);
    view.setUint32(12 * i + 8, content, true);
  });
  return new SnapshotImage(protocol, new Uint8Array(view.buffer), last, 0, 0);
}

const SNAPSHOT_MS = 1000;

function bench(windowMessages = 1000): ToyBench {
  const made = new ToyBench({ lateStartDoubtful: true, windowMessages });
  made.sequencer.expectRepairs(0, SNAPSHOT_MS * 1e6);
  return made;
}

const run = (from: number, to: number, atMs: number): ToyPacket[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ at: atMs + i, sequence: from + i }));

const splice = (on: ToyBench, snapshot: SnapshotImage) => on.sequencer.snapshot(0, snapshot);

/** `1 2 lost(3) 4G image(5: 2) 6`: flags behind a number, an image with its records. */
function words({ delivered }: ToyBench): string {
  const found: string[] = [];
  let records = 0;
  for (const { kind, sequence, flags } of delivered) {
    if (kind === MessageKind.SnapshotOrder) records++;
    else if (kind === MessageKind.SnapshotEnd) found.push(`image(${sequence}: ${records})`);
    else if (kind === MessageKind.Lost) found.push(`lost(${sequence})`);
    else if (kind === MessageKind.Epoch) found.push(`epoch(${sequence})`);
    else if (kind === MessageKind.Message) found.push(`${sequence}${letters(flags)}`);
    else records = 0;
  }
  return found.join(" ");
}

const letters = (flags: number) =>
  (flags & RowFlag.Recovered ? "V" : "") +
  (flags & RowFlag.Gap ? "G" : "") +
  (flags & RowFlag.JoinedLate ? "J" : "");

describe("a late start", () => {
  test("stands still for its snapshot, and has nothing doubtful behind it", () => {
    const on = bench().push(...run(10, 14, 0), ...run(15, 16, 200));
    expect(words(on)).toBe("");
    expect(on.sequencer.streams[0]).toMatchObject({ state: "held", isDoubtful: true });
    expect(splice(on, image(12, [11, 1], [12, 2]))).toBe("spliced");
    expect(words(on)).toBe("10J 11J 12J image(12: 2) 13 14 15 16");
    on.push(...run(17, 18, 300));
    expect(words(on)).toEndWith("16 17 18");
    expect(on.sequencer.streams[0]).toMatchObject({ state: "live", isDoubtful: false });
  });

  test("goes on, flagged, when no snapshot comes in time", () => {
    const on = bench().push(...run(10, 12, 0), { at: 200, sequence: 13 });
    on.push({ at: 200 + SNAPSHOT_MS + 200, sequence: 14 });
    expect(words(on)).toBe("10J 11J 12J 13J 14J");
  });

  test("an image that ends before it leaves a gap that can be asked for", () => {
    const on = bench().push(...run(10, 12, 0), { at: 200, sequence: 13 });
    expect(splice(on, image(7, [7, 1]))).toBe("spliced");
    expect(on.sequencer.openGaps()).toMatchObject([{ from: 8, to: 9, state: "held" }]);
    on.recover(0, { at: 210, sequence: 8 }, { at: 210, sequence: 9 });
    expect(words(on)).toBe("image(7: 1) 8V 9V 10 11 12 13");
    expect(on.sequencer.stats()).toMatchObject({ lost: 0, recovered: 2 });
  });

  test("an image that is ahead waits until a line has reached it", () => {
    const on = bench().push(...run(10, 12, 0), { at: 200, sequence: 13 });
    expect(splice(on, image(15, [15, 1]))).toBe("waiting");
    on.push({ at: 210, sequence: 14 });
    expect(words(on)).toBe("");
    on.push({ at: 211, sequence: 15 }, { at: 212, sequence: 16 });
    expect(words(on)).toBe("10J 11J 12J 13J 14J 15J image(15: 1) 16");
  });

  test("a buffer that is full ends the wait", () => {
    const on = bench(8).push(...run(10, 12, 0), ...run(13, 25, 200));
    expect(words(on)).toStartWith("10J 11J 12J 13J");
    expect(on.sequencer.stats().streams[0].heldMessages).toBeLessThanOrEqual(8);
  });
});

describe("a gap that nobody fills", () => {
  test("is repaired by a snapshot that reaches behind it", () => {
    const on = bench().push(...run(1, 4, 0), ...run(7, 9, 10));
    expect(splice(on, image(8, [3, 1], [8, 2], [5, 3]))).toBe("spliced");
    expect(words(on)).toBe("1 2 3 4 lost(5) 7G 8G image(8: 3) 9");
    const { ledger } = on.sequencer;
    expect(ledger.repaired.list()).toMatchObject([{ from: 5, to: 6, repairedBy: "snapshot" }]);
    expect(on.sequencer.stats()).toMatchObject({ lost: 0, recovered: 2, messages: 7 });
    on.finish();
    const [row] = ledger.epochs.list();
    expect(row.delivered + row.covered + row.lost).toBe(row.highWaterMark - row.first + 1);
  });

  test("is repaired up to where the snapshot reaches, and open from there", () => {
    const on = bench().push(...run(1, 4, 0), ...run(9, 10, 10));
    expect(splice(on, image(6, [6, 1]))).toBe("spliced");
    expect(on.sequencer.openGaps()).toMatchObject([{ from: 7, to: 8 }]);
    on.recover(0, { at: 30, sequence: 7 }, { at: 30, sequence: 8 });
    expect(words(on)).toBe("1 2 3 4 lost(5) image(6: 1) 7V 8V 9 10");
  });

  test("a tail that only a heartbeat knows of is repaired too", () => {
    const on = bench().push(...run(1, 4, 0), { at: 10, kind: HEARTBEAT, sequence: 6 });
    expect(splice(on, image(6, [6, 1]))).toBe("spliced");
    expect(words(on.push({ at: 20, sequence: 7 }))).toBe("1 2 3 4 lost(5) image(6: 1) 7");
  });

  test("stays open for an image that ends before it", () => {
    const on = bench().push(...run(1, 4, 0), ...run(7, 9, 10));
    expect(splice(on, image(3, [3, 1]))).toBe("old");
    expect(words(on)).toBe("1 2 3 4");
  });

  test("a copy of what the snapshot covered is late, and no conflict", () => {
    const on = bench().push(...run(1, 4, 0), ...run(7, 9, 10));
    splice(on, image(8, [8, 1]));
    on.push({ at: 30, sequence: 5, line: "B" }, { at: 31, sequence: 6, line: "B" });
    expect(on.sequencer.stats()).toMatchObject({ late: 2, conflicts: 0, duplicates: 0 });
  });
});

describe("a stream that went on after a lost gap", () => {
  function lost(): ToyBench {
    const on = bench().push(...run(1, 4, 0), ...run(7, 9, 10));
    return on.push(...run(10, 12, 20 + SNAPSHOT_MS + 200));
  }

  test("is healed by the next snapshot that it waits for", () => {
    const on = lost();
    expect(words(on)).toBe("1 2 3 4 lost(5) 7G 8G 9G 10G 11G 12G");
    on.sequencer.awaitSnapshot(0);
    on.push(...run(13, 15, 1300));
    expect(words(on)).toEndWith("12G");
    expect(splice(on, image(11, [9, 1]))).toBe("old");
    expect(splice(on, image(14, [9, 1]))).toBe("spliced");
    expect(words(on)).toEndWith("12G 13G 14G image(14: 1) 15");
    expect(on.sequencer.stats()).toMatchObject({ lost: 2 });
  });

  test("goes on flagged when none comes", () => {
    const on = lost();
    on.sequencer.awaitSnapshot(0);
    on.push({ at: 1300, sequence: 13 }, { at: 1300 + SNAPSHOT_MS + 300, sequence: 14 });
    expect(words(on)).toEndWith("12G 13G 14G");
  });
});

describe("an image that must not be believed", () => {
  test("nothing is spliced into a stream that lacks nothing", () => {
    const on = bench().push(...run(1, 9, 0));
    expect(splice(on, image(9, [9, 1]))).toBe("unneeded");
  });

  test("one of the epoch before is told by its times", () => {
    const restarted = [
      { at: 20, sequence: 1, time: 1000 },
      { at: 21, sequence: 2, time: 1001 },
      { at: 22, sequence: 5, time: 1004 },
    ];
    const on = bench().push(...run(1, 9, 0), ...restarted);
    expect(splice(on, image(5, [5, 1]))).toBe("other_epoch");
    expect(splice(on, image(5, [1003, 1]))).toBe("spliced");
  });

  test("one of the epoch that this stream has not seen begin is, too", () => {
    const on = bench().push(...run(1, 4, 0), ...run(7, 9, 10));
    expect(splice(on, image(8, [1000, 1]))).toBe("other_epoch");
    expect(words(on)).toBe("1 2 3 4");
  });

  test("a new epoch ends the wait for the old one's", () => {
    const on = bench().push(...run(10, 12, 0), { at: 200, sequence: 13 });
    expect(splice(on, image(15, [15, 1]))).toBe("waiting");
    on.push({ at: 300, sequence: 1, time: 1000 }, { at: 301, sequence: 2, time: 1001 });
    expect(words(on)).toBe("10J 11J 12J 13J epoch(1) 1 2");
    expect(on.sequencer.streams[0].image).toBeUndefined();
  });
});

test("records are delivered by time and then by id, however they came", () => {
  const on = bench().push(...run(10, 12, 0), { at: 200, sequence: 13 });
  const shuffled = image(13, [9, 4], [3, 9], [9, 2], [1, 7]);
  const order = [...shuffled.offsets].map((at) => shuffled.view.getUint32(at + 8, true));
  expect(order).toEqual([7, 9, 2, 4]);
  expect(splice(on, shuffled)).toBe("spliced");
});

test("a recovered message of another epoch, told by its time, fills no gap", () => {
  const on = bench().push(...run(1, 4, 0), ...run(7, 9, 10));
  on.recover(0, { at: 30, sequence: 5, time: 5000 }, { at: 30, sequence: 6, time: 6 });
  expect(on.sequencer.openGaps()).toMatchObject([{ from: 5, to: 5 }]);
  expect(on.sequencer.stats()).toMatchObject({ late: 1, recovered: 1 });
});

test("the verdict on a gap waits as long as repairs may take, and no longer", () => {
  const on = new ToyBench();
  on.sequencer.expectRepairs(300e6, 0);
  on.push(...run(1, 2, 0), { at: 10, sequence: 4 });
  on.sequencer.advance(toyNs(10 + 100 + 299));
  expect(words(on)).toBe("1 2");
  on.sequencer.advance(toyNs(10 + 100 + 301));
  expect(words(on)).toBe("1 2 lost(3) 4G");
});
