/**
 * Every capture of the captures folder, against what Wireshark's capinfos says of it: the number of
 * packets, the earliest and the latest time. A file that is damaged ends with a reason.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { captureFrames } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import { openInput } from "../frames/input.ts";
import { InputError } from "../frames/input-error.ts";

const folder = join(import.meta.dir, "../../shared/data");
const present = existsSync(folder);
if (!present) console.log("not run: no captures");

/** No file of the folder takes longer, on the slowest machine. */
const FILE_MS = 5000;

interface Row {
  readonly file: string;
  readonly packets: string;
  readonly first: string;
  readonly last: string;
  readonly readable: boolean;
}

function rows(): Row[] {
  const table = readFileSync(join(folder, "robustness/capinfos.tsv"), "utf8");
  return table
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("file\t"))
    .map((line) => line.split("\t"))
    .map(([file, , , packets, , first, last, status]) => {
      return { file, packets, first, last, readable: status === "ok" };
    });
}

interface Read {
  readonly counters: CaptureCounters;
  readonly channels: Channels;
  readonly payloadBytes: number;
  /** Code of the error, or empty. */
  readonly error: string;
}

async function read(file: string): Promise<Read> {
  const counters = new CaptureCounters();
  const channels = new Channels();
  let payloadBytes = 0;
  let error = "";
  const started = performance.now();
  try {
    await captureFrames(await openInput(join(folder, file)), channels, counters, (batch) => {
      for (let i = 0; i < batch.count; i++) payloadBytes += batch.length[i];
    });
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    error = cause.code;
  }
  expect(performance.now() - started).toBeLessThan(FILE_MS);
  return { counters, channels, payloadBytes, error };
}

const time = (sec: number, nsec: number) => `${sec}.${String(nsec).padStart(9, "0")}`;
const padded = (epoch: string) => epoch.replace(/\.(\d+)$/, (_, f) => `.${f.padEnd(9, "0")}`);

/** What the file gives that capinfos says otherwise. */
async function differences(row: Row): Promise<string[]> {
  const { counters, error } = await read(row.file);
  if (!row.readable) {
    // capinfos gives up on these; any clear end will do, and a packet is never counted twice.
    const kinds = counters.byVerdict.reduce((sum, count) => sum + count, 0);
    return kinds === counters.packets ? [] : [`${row.file}: ${kinds} of ${counters.packets}`];
  }
  const found: string[] = [];
  const check = (what: string, ours: string, theirs: string) => {
    if (ours !== theirs) found.push(`${row.file}: ${what} ${ours}, capinfos ${theirs}`);
  };
  check("error", error, "");
  check("packets", String(counters.packets), row.packets);
  // Where stamps are out of range, or first is after last, the two overflow in different ways.
  const sane = Number(row.first) <= Number(row.last) && counters.damagedTimes === 0;
  if (row.first !== "n/a" && sane) {
    check("first", time(counters.firstSec, counters.firstNsec), padded(row.first));
    check("last", time(counters.lastSec, counters.lastNsec), padded(row.last));
  }
  return found;
}

describe.if(present)("the captures folder", () => {
  test("every file reads as capinfos reads it, or ends in a clear result", async () => {
    const found: string[] = [];
    const all = rows();
    for (const row of all) found.push(...(await differences(row)));
    expect(found).toEqual([]);
    expect(all.length).toBe(797);
  });

  test("the files that no oracle lists read to their end", async () => {
    const files = [...new Bun.Glob("{captures,books}/**/*.pcap*").scanSync(folder)];
    for (const file of files) {
      const { counters, error } = await read(file);
      expect([file, error, counters.truncated]).toEqual([file, "", false]);
    }
    expect(files.length).toBeGreaterThan(330);
  });

  test("what is no capture is said to be none", async () => {
    const others = ["captures/itch/bbekele-head.itch", "books/amzn_l5.itch50.gz", "INDEX.md"];
    for (const file of others) expect((await read(file)).error).toBe("not_a_capture");
  });

  test("the large captures give the frames that their index counts", async () => {
    const iex = await read("captures/iex-deep/iex-deep-2023-10-02.pcap.gz");
    expect([iex.counters.packets, iex.counters.frames]).toEqual([5000, 5000]);
    expect(iex.channels.list.map(({ group, port }) => `${group}:${port}`)).toEqual([
      "233.215.21.4:10378",
    ]);
    const tops = await read("captures/iex-tops/TOPS16.pcapng.gz");
    expect(tops.counters.packets).toBe(13_022);
    const mold = await read("books/amzn_l5.mold64.pcap.gz");
    expect([mold.counters.frames, mold.channels.list[0].port]).toEqual([148_580, 26_400]);
    const cme = await read("captures/other/Cme.Mdp3.Sbe.v8.1.Example.pcap.gz");
    expect(cme.counters.frames).toBe(10_000);
    expect(cme.channels.list.map(({ port }) => port).sort()).toEqual([14_320, 15_320]);
    const pim = await read("captures/other/Cme.Mdp3.Sbe.v9.1.Example.pcap.gz");
    expect([pim.counters.frames, pim.counters.otherProtocols]).toEqual([99, 1]);
  });
});
