/**
 * Real captures over multicast on loopback: replayed by one process, received by another, brought
 * into chunks, and unpacked again. Nothing may be lost at a rate that exchanges reach; at full speed
 * what is lost must be known to the last datagram.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { captureFrames } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import { ChunkFault, ChunkUnpacker } from "../frames/chunk.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { openInput } from "../frames/input.ts";
import { DirChunkSource } from "../frames/transport-dir.ts";
import { openZstd } from "../frames/zstd.ts";
import { lastJson, run, start } from "./live-run.ts";
import { until } from "./until.ts";

const captures = join(import.meta.dir, "../../shared/data");
const present = existsSync(captures);
if (!present) console.log("not run: no captures");

const scratch = mkdtempSync(join(tmpdir(), "edgebook-live-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const MOLD = join(captures, "books/amzn_l5.mold64.pcap.gz");
const MOLD_GROUP = "239.1.1.1:26400";
const DEEP = join(captures, "captures/iex-deep/iex-deep-2023-10-02.pcap.gz");
const CME = join(captures, "captures/other/Cme.Mdp3.Sbe.v8.1.Example.pcap.gz");
const TIMEOUT_MS = 90_000;

/** Frames and a hash over all payloads in order. */
class Digest {
  frames = 0;
  private readonly hasher = new Bun.CryptoHasher("sha1");
  private readonly limit: number;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.limit = limit;
  }

  take({ bytes, offset, length, count }: FrameBatch): void {
    for (let i = 0; i < count && this.frames < this.limit; i++, this.frames++) {
      this.hasher.update(bytes.subarray(offset[i], offset[i] + length[i]));
    }
  }

  end() {
    return { frames: this.frames, sha1: this.hasher.digest("hex") };
  }
}

async function ofCapture(path: string, limit?: number) {
  const digest = new Digest(limit);
  const input = await openInput(path);
  await captureFrames(input, new Channels(), new CaptureCounters(), (batch) => digest.take(batch));
  return digest.end();
}

async function ofChunks(directory: string) {
  const digest = new Digest();
  const unpacker = new ChunkUnpacker(new Channels(), openZstd());
  const source = new DirChunkSource(directory);
  await source.run((bytes) => {
    const chunk = unpacker.unpack(bytes);
    if (chunk instanceof ChunkFault) throw new Error(chunk.message);
    digest.take(chunk.frames);
  });
  return digest.end();
}

/** Collects these groups into a directory while `file` is replayed to its own groups. */
async function overTheWire(file: string, speed: string, groups: string[], ...more: string[]) {
  const directory = mkdtempSync(join(scratch, "chunks-"));
  const joins = groups.flatMap((group) => ["--join", group]);
  const collecting = start(
    ...["collect", ...joins, "--interface", "lo", "--to", `dir:${directory}`, "--stats", ...more],
    ...["--http", "127.0.0.1:0"],
  );
  await collecting.says("collecting");
  const to = ["--to", "udp://same", "--interface", "lo", "--speed", speed];
  const replayed = await run("replay", file, ...to, "--format", "json");
  expect(replayed.code).toBe(0);
  const status = `${await collecting.hears(/status at (\S+)/)}/v1/collector`;
  await allRead(status, Number(lastJson(replayed.out).sent));
  const collected = await collecting.interrupt();
  expect(collected.code).toBe(130);
  return { directory, sent: lastJson(replayed.out), got: lastJson(collected.err) };
}

/** What the kernel has taken is in the socket: the collector reads it until nothing more comes. */
async function allRead(status: string, sent: number): Promise<void> {
  let before = -1;
  await until(async () => {
    const { frames } = (await (await fetch(status)).json()) as { frames: number };
    if (frames >= sent || frames === before) return true;
    before = frames;
    await Bun.sleep(1000);
    return false;
  }, "the collector to read what was sent");
}

describe.skipIf(!present)("a capture over multicast on loopback", () => {
  test(
    "IEX DEEP at 50000pps arrives whole, byte for byte and in order",
    async () => {
      const groups = ["233.215.21.4:10378"];
      const wire = await overTheWire(DEEP, "50000pps", groups, "--feed", "iex-deep");
      expect(wire.sent).toMatchObject({ sent: 5000, failed: 0 });
      expect(wire.got).toMatchObject({ frames: 5000, messages: 48_325, lost: 0, gaps: 0 });
      expect(await ofChunks(wire.directory)).toEqual(await ofCapture(DEEP));
    },
    TIMEOUT_MS,
  );

  test(
    "MoldUDP64 at 50000pps arrives whole, byte for byte and in order",
    async () => {
      const wire = await overTheWire(MOLD, "50000pps", [MOLD_GROUP], "--feed", "nasdaq-itch50");
      expect(wire.got).toMatchObject({ frames: 148_580, messages: 178_367, lost: 0 });
      expect(await ofChunks(wire.directory)).toEqual(await ofCapture(MOLD));
      const { late } = wire.sent as { late: { p50_us: number } };
      // A busy host is late; `prove -- replay` judges by how much.
      console.log(`50000pps: half of it was sent within ${late.p50_us} us of its time`);
    },
    TIMEOUT_MS,
  );

  test(
    "at max, what does not arrive is known exactly",
    async () => {
      const wire = await overTheWire(MOLD, "max", [MOLD_GROUP], "--feed", "nasdaq-itch50");
      const missing = 148_580 - Number(wire.got.frames);
      const { reached_per_second: rate } = wire.sent;
      console.log(
        `max: ${rate} datagrams/s, ${missing} did not arrive, ${wire.got.lost} numbers lost`,
      );
      expect(Number(wire.got.messages) + Number(wire.got.lost)).toBe(178_367);
      expect((await ofChunks(wire.directory)).frames).toBe(Number(wire.got.frames));
    },
    TIMEOUT_MS,
  );

  test(
    "of two lines each message goes on once, whoever brought it",
    async () => {
      const table = join(scratch, "cme.toml");
      const lines = [
        ["224.0.31.11", 14320, "A"],
        ["224.0.32.11", 15320, "B"],
      ];
      const entries = lines.map(
        ([group, port, line]) =>
          `[[channel]]\ngroup = "${group}"\nport = ${port}\nfeed = "sequenced"\nstream = 310\n` +
          `line = "${line}"\noffset = 0\nwidth = 4\nendianness = "little"\n`,
      );
      writeFileSync(table, entries.join("\n"));
      const wire = await overTheWire(CME, "20000pps", [], "--channels", table);
      expect(wire.got).toMatchObject({
        frames: 10_000,
        framesForwarded: 5000,
        copies: 5000,
        messages: 5000,
        duplicates: 5000,
        lost: 0,
      });
      expect((await ofChunks(wire.directory)).frames).toBe(5000);
    },
    TIMEOUT_MS,
  );

  test(
    "pacing keeps to the capture's time: 10x over its first minutes",
    async () => {
      const { out } = await run(
        ...["replay", NYSE, "--to", "udp://239.255.77.9:19000", "--speed", "10x"],
        ...["--limit", "5000", "--format", "json"],
      );
      // This capture's frames are 2.000 ms apart: 5,000 of them at 10x take one second.
      const report = lastJson(out) as { seconds: number };
      // A busy host is late; nobody is early, and at 1x it would take ten.
      expect(report.seconds).toBeGreaterThan(0.95);
      expect(report.seconds).toBeLessThan(8);
    },
    TIMEOUT_MS,
  );
});

const NYSE = join(captures, "captures/other/Nyse.ImbalancesFeed.v2.1.f.Example.pcap.gz");

describe("commands that cannot do what is asked", () => {
  test(
    "say what is missing and how to mend it",
    async () => {
      const cases: [string[], number, string][] = [
        [["collect"], 2, "--to"],
        [["collect", "--to", "dir:x"], 2, "--join"],
        [["collect", "--to", "nowhere", "--pcap", "x"], 2, "mqtt://HOST:PORT"],
        [["collect", "--to", "dir:x", "--join", "239.1.1.1:1", "--feed", "nse-fo"], 2, "lo ("],
        [["collect", "--to", "dir:x", "--join", "239.1.1.1", "--feed", "nse-fo"], 2, "GROUP:PORT"],
        [["replay", "x", "--to", "udp://same"], 2, "--interface lo"],
        [["replay", "x", "--to", "udp://239.1.1.1:1", "--speed", "fast"], 2, "50000pps"],
        [["replay", "x"], 2, "--to"],
      ];
      const ended = await Promise.all(cases.map(([words]) => run(...words)));
      ended.forEach(({ code, err }, i) => {
        expect([cases[i][0], code, err]).toEqual([cases[i][0], cases[i][1], expect.any(String)]);
        expect(err).toContain(cases[i][2]);
      });
    },
    TIMEOUT_MS,
  );
});
