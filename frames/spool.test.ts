import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { testChunk } from "../tests/test-chunk.ts";
import { until } from "../tests/until.ts";
import { ChunkFault, readChunkHeader } from "./chunk.ts";
import { Spool } from "./spool.ts";
import { DirChunkSink, DirChunkSource } from "./transport-dir.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "edgebook-spool-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const chunk = (number: number, boot = 1, stream = 1, sec = number) =>
  testChunk(number, { boot, stream, sec });

const numberOf = (bytes: Uint8Array | undefined) => {
  const found = bytes === undefined ? undefined : readChunkHeader(bytes);
  return found === undefined || found instanceof ChunkFault ? undefined : found.header.number;
};

describe("the spool", () => {
  test("gives every chunk back by its number, over segments and after a restart", () => {
    const spool = new Spool(directory, { segmentBytes: 600 });
    for (let number = 1; number <= 20; number++) expect(spool.append(chunk(number))).toBe(true);
    for (let number = 1; number <= 20; number++) {
      expect(spool.read(1, number)).toEqual(chunk(number).bytes);
    }
    spool.close();
    expect(readdirSync(directory).length).toBeGreaterThan(3);
    const again = new Spool(directory);
    again.append(chunk(1, 2));
    expect(numberOf(again.read(1, 13))).toBe(13);
    expect(numberOf(again.read(2, 1))).toBe(1);
    expect([again.read(1, 21), again.read(1, 0), again.read(3, 1)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    again.close();
  });

  test("gives chunks of a file that another took the place of", () => {
    const spool = new Spool(directory, { segmentBytes: 600 });
    for (let number = 1; number <= 9; number++) spool.append(chunk(number));
    expect(numberOf(spool.read(1, 2))).toBe(2);
    const [{ name, boot, first, last }] = spool.closedSegments;
    const path = join(directory, name);
    // The same numbers, their chunks of other sizes.
    const others = Array.from({ length: last }, (_, at) => chunk(at + 1, 1, 123_456));
    writeFileSync(`${path}.other`, Buffer.concat(others.map(({ bytes }) => bytes)));
    renameSync(`${path}.other`, path);
    spool.renew(boot, first, statSync(path).size);
    expect(spool.read(1, 2)).toEqual(others[1].bytes);
    expect(numberOf(spool.read(1, last + 1))).toBe(last + 1);
    expect(spool.counters.damaged).toBe(0);
    spool.close();
  });

  test("cuts a torn chunk off when it is opened, and loses no other", () => {
    const whole = chunk(1).bytes.length;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: whole - 1 }), (torn) => {
        const spool = new Spool(directory);
        const boot = 1;
        for (const number of [1, 2, 3]) spool.append(chunk(number, boot));
        spool.close();
        const [name] = readdirSync(directory).filter((one) => one.endsWith(".ebch"));
        const path = join(directory, name);
        truncateSync(path, spool.bytes - torn);
        const again = new Spool(directory);
        expect([1, 2, 3].map((number) => numberOf(again.read(boot, number)))).toEqual([
          1,
          2,
          undefined,
        ]);
        expect(again.bytesTorn).toBe(chunk(3).bytes.length - torn);
        again.close();
        for (const name of readdirSync(directory)) rmSync(join(directory, name));
      }),
      { numRuns: 50 },
    );
  });

  test("stays within its limit: the oldest chunks go, counted", () => {
    const spool = new Spool(directory, { segmentBytes: 1000, bytesLimit: 4000 });
    for (let number = 1; number <= 50; number++) spool.append(chunk(number));
    expect(spool.bytes).toBeLessThanOrEqual(4000);
    const oldest = spool.oldest(1);
    expect(spool.chunksDropped).toBe(oldest - 1);
    expect(spool.read(1, oldest - 1)).toBeUndefined();
    expect(numberOf(spool.read(1, oldest))).toBe(oldest);
    spool.close();
  });
});

describe("chunks in a directory", () => {
  async function numbersIn(): Promise<(number | undefined)[]> {
    const source = new DirChunkSource(directory);
    const numbers: (number | undefined)[] = [];
    await source.run((bytes) => {
      numbers.push(numberOf(bytes));
    });
    return numbers;
  }

  test("come back in the order of their capture times, streams merged and hours joined", async () => {
    const sink = new DirChunkSink(directory);
    for (let number = 1; number <= 12; number++) {
      await sink.send(chunk(number, 1, 1 + (number % 3), number * 1000));
    }
    await sink.close();
    expect(await numbersIn()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test("survive a writer that was killed in the middle of one", async () => {
    const sink = new DirChunkSink(directory);
    await sink.send(chunk(1));
    await sink.close();
    const [file] = readdirSync(join(directory, "nse-fo", "1"));
    appendFileSync(join(directory, "nse-fo", "1", file), chunk(2).bytes.subarray(0, 100));
    const next = new DirChunkSink(directory);
    await next.send(chunk(3));
    await next.close();
    expect(await numbersIn()).toEqual([1, 3]);
  });

  test("are not written twice by a writer that was killed before it knew", async () => {
    const sink = new DirChunkSink(directory);
    for (const number of [1, 2, 3]) await sink.send(chunk(number));
    await sink.close();
    const next = new DirChunkSink(directory);
    for (const number of [2, 3, 4]) await next.send(chunk(number));
    await next.send(chunk(1, 2));
    await next.close();
    expect([await numbersIn(), next.repeated]).toEqual([[1, 2, 3, 4, 1], 2]);
  });

  test("wait where nothing can be written, say so once, and come in order when it can", async () => {
    const said: string[] = [];
    const sink = new DirChunkSink(directory, (text) => said.push(text));
    // A file stands where a folder has to be.
    writeFileSync(join(directory, "nse-fo"), "");
    const sent = Promise.all([1, 2, 3].map((number) => sink.send(chunk(number))));
    await until(() => said.length > 0, "the first word");
    // It tries again meanwhile, and says no more.
    await Bun.sleep(700);
    expect(said).toEqual([expect.stringContaining("takes no chunks")]);
    rmSync(join(directory, "nse-fo"));
    await sent;
    await sink.close();
    expect([await numbersIn(), said.at(-1)]).toEqual([
      [1, 2, 3],
      expect.stringContaining("takes chunks again"),
    ]);
  });
});

describe("the folder of a spool", () => {
  test("has one spool at a time, and says so with what to do", () => {
    const spool = new Spool(directory);
    try {
      new Spool(directory);
      throw new Error("two spools in one folder");
    } catch (error) {
      expect(error).toMatchObject({ code: "in_use", hint: expect.stringContaining("Stop it") });
    }
    spool.close();
    new Spool(directory).close();
  });

  test("is read as it stands, as chunk files are", async () => {
    const spool = new Spool(directory, { segmentBytes: 600 });
    for (let number = 1; number <= 9; number++) spool.append(chunk(number));
    const source = new DirChunkSource(directory);
    const numbers: (number | undefined)[] = [];
    await source.run((bytes) => {
      numbers.push(numberOf(bytes));
    });
    expect([numbers, source.damages]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9], 0]);
    spool.close();
  });
});
