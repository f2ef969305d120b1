import { afterAll, describe, expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openZstd } from "../../frames/zstd.ts";
import { answers } from "../../tests/live-answers.ts";
import { runMarket } from "../../tests/live-market.ts";
import { Live } from "../live.ts";
import type { OrderBooks } from "../order-books.ts";
import { CheckpointFault, readCheckpoint } from "./file.ts";
import { CheckpointFolder } from "./folder.ts";
import { restoreLive } from "./live-state.ts";
import { openLive } from "./opening.ts";
import { CheckpointSaver } from "./saver.ts";

const NOW_NS = 1.78e18;
const scratch = mkdtempSync(join(tmpdir(), "edgebook-checkpoints-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const zstd = openZstd();
const newLive = () => new Live({ zstd, ask() {} });
const market = runMarket({ seed: 11, milliseconds: 300 });

/** Saves after each of `cuts` chunks, into a folder of its own. */
async function saved(
  name: string,
  cuts: readonly number[],
  onWrite: (bytes: number) => void = () => {},
) {
  const folder = new CheckpointFolder(join(scratch, name));
  const live = newLive();
  const written: number[] = [];
  const errors: Error[] = [];
  const saver = new CheckpointSaver(live, "key", zstd, 0, {
    open: (number) => {
      const writer = folder.writer(number, (whole) => written.push(whole));
      return {
        ...writer,
        write(bytes) {
          onWrite(bytes.length);
          writer.write(bytes);
        },
      };
    },
    clockNs: () => 0,
    saved() {},
    failed: (error) => errors.push(error),
  });
  let at = 0;
  for (const cut of cuts) {
    for (; at < cut; at++) live.push(market.chunks[at].bytes, NOW_NS);
    saver.saveNow(NOW_NS);
    for (const number of written.splice(0)) await folder.seal(number);
  }
  return { folder, live, saver, errors };
}

const stand = (live: Live) => live.intake.positions("")[0]?.chunk ?? 0;
const open = (folder: CheckpointFolder, key = "key") => openLive(folder, key, zstd, newLive);

describe("checkpoints in a folder", () => {
  test("the newest is what a new life begins with, and two are kept", async () => {
    const { folder } = await saved("newest", [2, 4, 6]);
    expect(folder.numbers()).toEqual([3, 2]);
    const { live, head, refused } = open(folder);
    expect([stand(live), head?.positions[0].chunk, refused]).toEqual([6, 6, []]);
  });

  test("any byte changed, or the end cut off, and the one before is taken, and said", async () => {
    const { folder } = await saved("damaged", [2, 4]);
    const path = join(folder.path, "000000000002.ebcp");
    const good = readFileSync(path);
    for (let at = 0; at < good.length; at += Math.ceil(good.length / 20)) {
      const bad = Buffer.from(good);
      bad[at] ^= 1 << (at % 8);
      writeFileSync(path, bad);
      const { live, refused } = open(folder);
      expect([stand(live), refused.length]).toEqual([2, 1]);
    }
    for (const length of [0, 7, 20, Math.floor(good.length / 2), good.length - 1]) {
      writeFileSync(path, good);
      truncateSync(path, length);
      expect(stand(open(folder).live)).toBe(2);
    }
  }, 30_000);

  test("all damaged: it begins with nothing, and the next number is new", async () => {
    const { folder } = await saved("all", [2]);
    writeFileSync(join(folder.path, "000000000001.ebcp"), "nonsense");
    const { live, head, newest, refused } = open(folder);
    expect([stand(live), head, newest]).toEqual([0, undefined, 1]);
    expect(refused).toEqual([{ number: 1, why: "it does not begin as a checkpoint does" }]);
  });

  test("of other options it is not read", async () => {
    const { folder } = await saved("options", [2]);
    expect(open(folder, "another key").refused[0].why).toContain("other options");
  });

  test("a full disk leaves the checkpoint before, and the service goes on", async () => {
    let room = Number.POSITIVE_INFINITY;
    const onWrite = (bytes: number) => {
      room -= bytes;
      if (room < 0) throw new Error("no space left on device");
    };
    const { folder, live, saver, errors } = await saved("full", [2], onWrite);
    room = 5000;
    live.push(market.chunks[2].bytes, NOW_NS);
    saver.saveNow(NOW_NS);
    expect([errors.length, saver.failures, saver.isBusy]).toEqual([1, 1, false]);
    expect(readdirSync(folder.path)).toEqual(["000000000001.ebcp"]);
    expect(stand(open(folder).live)).toBe(2);
  });

  test("taken while chunks go on, it is the state of its stop, and goes on from there", () => {
    const unbroken = newLive();
    for (const { bytes } of market.chunks) unbroken.push(bytes, NOW_NS);
    const truth = answers(unbroken, market);
    const cuts = market.chunks.length - 1;
    let copied = 0;
    for (let cut = 0; cut < cuts; cut += Math.ceil(cuts / 8)) {
      const live = newLive();
      const pieces: Uint8Array[] = [];
      const saver = new CheckpointSaver(live, "key", zstd, 0, {
        open: () => ({ write: (piece) => pieces.push(piece.slice()), commit() {}, abort() {} }),
        copyStepBytes: 1024,
        clockNs: () => 0,
        saved() {},
        failed(error) {
          throw error;
        },
      });
      let at = 0;
      const push = () => {
        if (at < market.chunks.length) live.push(market.chunks[at++].bytes, NOW_NS);
      };
      while (at < cut) push();
      saver.begin(NOW_NS);
      while (saver.step()) {
        if (saver.isCopying) copied++;
        push();
      }
      const read = readCheckpoint(Buffer.concat(pieces), "key", zstd);
      if (read instanceof CheckpointFault) throw new Error(read.message);
      const after = newLive();
      restoreLive(after, read.state);
      for (let rest = stand(after); rest < market.chunks.length; rest++) {
        after.push(market.chunks[rest].bytes, NOW_NS);
      }
      expect(answers(after, market)).toEqual(truth);
    }
    expect(copied).toBeGreaterThan(8);
  });

  test("a stop that fails half-way leaves no copy under way, and the next is good", async () => {
    const { folder, live, errors } = await saved("broken", [2]);
    const saver = new CheckpointSaver(live, "key", zstd, 1, {
      open: (number) => folder.writer(number, () => {}),
      clockNs: () => 0,
      saved() {},
      failed: (error) => errors.push(error),
    });
    const books = [...live.feeds.values()].flatMap(({ pipeline }) =>
      pipeline.streams.flatMap((stream) => (stream?.books ? [stream.books as OrderBooks] : [])),
    );
    expect(books.length).toBeGreaterThan(1);
    const last = books[books.length - 1];
    last.copyLater = () => {
      throw new Error("out of memory");
    };
    saver.saveNow(NOW_NS);
    expect([errors.length, saver.failures, saver.isCopying]).toEqual([1, 1, false]);
    Reflect.deleteProperty(last, "copyLater");
    live.push(market.chunks[2].bytes, NOW_NS);
    saver.saveNow(NOW_NS);
    await folder.seal(2);
    expect([stand(open(folder).live), saver.failures, saver.isCopying]).toEqual([3, 1, false]);
  });

  test("what is done between the stop and the last piece is not in it", async () => {
    const { folder, live, saver } = await saved("between", [2]);
    saver.begin(NOW_NS);
    for (let chunk = 2; saver.step() && chunk < market.chunks.length; chunk++) {
      live.push(market.chunks[chunk].bytes, NOW_NS);
    }
    while (saver.step());
    await folder.seal(2);
    const there = open(folder);
    expect(there.head?.number).toBe(2);
    expect(stand(there.live)).toBe(there.head?.positions[0].chunk ?? -1);
  });
});
