/** A dictionary of one's own, as a user makes and uses it: train, collect, verify, convert, rebuild. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { PcapWriter } from "../frames/pcap-writer.ts";
import { Exchange } from "../sim/exchange/exchange.ts";
import { Lines } from "../sim/exchange/lines.ts";
import { edgebook, statsOf } from "./cli-run.ts";
import { ownDictionary } from "./own-dictionary.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-own-dictionary-"));
const at = (...names: string[]) => join(folder, ...names);
const hasTool = Bun.which("zstd") !== null;
if (!hasTool) console.log("not run: no zstd tool");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FRAMES = 6000;

beforeAll(() => {
  capture().forEach((bytes, half) => {
    writeFileSync(at(`day-${half}.pcap`), bytes);
  });
});

/** A quiet market in two files, a datagram here and a datagram there: merged, they come bit by bit. */
function capture(): Uint8Array[] {
  const channels = new Channels();
  channels.add({ group: "239.1.1.1", port: 10_000, feed: "", stream: 0, line: -1 });
  const market = { seed: 12, streams: 1, instruments: 40, ordersPerStream: 300 };
  const exchange = new Exchange({ ...market, messagesPerSecond: 500, isEven: true });
  const writer = new PcapWriter(channels);
  const halves = [[writer.fileHeader()], [writer.fileHeader()]];
  const frames = new FrameBatch(1);
  const lines = new Lines(exchange, [0]);
  let count = 0;
  for (let untilNs = 1e9; count < FRAMES; untilNs += 1e9) {
    lines.step(untilNs, {
      datagram(_line, _stream, sendNs, bytes, offset, length) {
        if (count >= FRAMES) return;
        const ns = Math.floor(sendNs);
        frames.reset(bytes.slice(offset, offset + length));
        frames.add(0, length, 1_748_403_900 + Math.floor(ns / 1e9), ns % 1e9, 0);
        halves[count++ % 2].push(writer.packets(frames).slice());
      },
    });
  }
  return halves.map((parts) => Buffer.concat(parts));
}

/** Small chunks: a quiet market's. */
const collect = (to: string, ...more: string[]) =>
  edgebook([
    ...["collect", "--pcap", at("day-0.pcap"), "--pcap", at("day-1.pcap"), "--feed", "nse-fo"],
    ...["--chunk-age", "20ms"],
    ...["--name", "one", "--to", `dir:${to}`, ...more],
  ]);

async function dictionariesOf(archive: string): Promise<Set<string>> {
  const { out } = await edgebook(["chunks", "list", archive, "--format", "json"]);
  const lines = out.trimEnd().split("\n");
  return new Set(lines.map((line) => (JSON.parse(line) as { dictionary: string }).dictionary));
}

describe.skipIf(!hasTool)("a dictionary of one's own", () => {
  let own = "";
  let name = "";

  test("is trained on an archive, names itself, and the zstd tool can use it", async () => {
    expect((await collect(at("plain"), "--dictionary", "none")).code).toBe(0);
    expect(await dictionariesOf(at("plain"))).toEqual(new Set([""]));
    mkdirSync(at("own"));
    const { code, out, err } = await edgebook(["chunks", "train", at("plain"), "--out", at("own")]);
    expect({ code, err }).toMatchObject({ code: 0 });
    own = out.trim();
    name = own.slice(at("own").length + 1, -".zdict".length);
    expect(name).toMatch(/^nse-fo-[0-9a-f]{16}$/);
    const packed = Bun.spawnSync(["zstd", "-q", "-c", "-D", own, at("day-0.pcap")]).stdout;
    const unpack = Bun.spawnSync(["zstd", "-q", "-d", "-c", "-D", own], { stdin: packed });
    expect(Buffer.compare(unpack.stdout, readFileSync(at("day-0.pcap")))).toBe(0);
    const again = await edgebook(["chunks", "train", at("plain"), "--out", own]);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining("--force") });
  }, 60_000);

  test("is packed by, stands in the archive, and every command reads it from there", async () => {
    expect((await collect(at("shipped"))).code).toBe(0);
    expect((await collect(at("archive"), "--dictionary", own)).code).toBe(0);
    expect(await dictionariesOf(at("archive"))).toEqual(new Set([name]));
    expect(readFileSync(at("archive", `${name}.zdict`))).toEqual(readFileSync(own));
    const stream = at("archive", "nse-fo", "1");
    for (const place of [at("archive"), stream]) {
      expect(await edgebook(["chunks", "verify", place])).toMatchObject({ code: 0 });
    }
    const converted = ["chunks", "convert", at("archive"), "--out", at("back.pcap")];
    expect(await edgebook(converted)).toMatchObject({ code: 0 });
    const [file] = readdirSync(stream);
    const words = ["--feed", "nse-fo", "--schema", "none", "--digest", "--stats"];
    const digests = await Promise.all(
      [at("back.pcap"), join(stream, file), at("plain", "nse-fo", "1", file)].map(async (path) => {
        const { messages, bbo_digest } = statsOf(await edgebook(["rebuild", path, ...words]));
        return { messages, bbo_digest };
      }),
    );
    expect(new Set(digests.map((each) => JSON.stringify(each))).size).toBe(1);
    const bytes = (archive: string) => {
      const path = at(archive, "nse-fo", "1", file);
      return readFileSync(path).length;
    };
    expect(bytes("shipped")).toBeLessThan(0.92 * bytes("plain"));
    expect(bytes("archive")).toBeLessThan(0.92 * bytes("plain"));
  }, 120_000);

  test("that is gone is named, and nothing is read wrong", async () => {
    const [file] = readdirSync(at("archive", "nse-fo", "1"));
    writeFileSync(at("alone.ebch"), readFileSync(at("archive", "nse-fo", "1", file)));
    const verified = await edgebook(["chunks", "verify", at("alone.ebch")]);
    expect(verified.code).toBe(3);
    expect(verified.out).toContain(`needs a dictionary that is not here (${name})`);
    const rebuilt = await edgebook([
      "rebuild",
      at("alone.ebch"),
      "--feed",
      "nse-fo",
      "--schema",
      "bbo",
    ]);
    expect(rebuilt).toMatchObject({ code: 3, err: expect.stringContaining(`dictionary ${name}`) });
    // Beside it, it is found.
    writeFileSync(at(`${name}.zdict`), readFileSync(own));
    expect((await edgebook(["chunks", "verify", at("alone.ebch")])).code).toBe(0);
  }, 60_000);

  test("that cannot be is refused before anything begins, with what to do", async () => {
    const bad = readFileSync(own);
    bad[bad.length - 1] ^= 1;
    writeFileSync(at("own", `${name}.changed.zdict`), bad);
    mkdirSync(at("changed"));
    writeFileSync(at("changed", `${name}.zdict`), bad);
    const says = async (file: string, text: string) => {
      const { code, err } = await collect(at("never"), "--dictionary", file);
      expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining(text) });
    };
    await says(at("changed", `${name}.zdict`), "its content is that of");
    await says(at("day-0.pcap"), "are the most");
    await says(at("alone.ebch"), "no trained zstd dictionary");
    await says(at("nowhere.zdict"), "cannot be read");
    const other = ownDictionary(1);
    writeFileSync(at(`${other.name}.zdict`), other.bytes);
    const two = ["--dictionary", own, "--dictionary", at(`${other.name}.zdict`)];
    expect(await collect(at("never"), ...two)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`names two of nse-fo: ${name} and ${other.name}`),
    });
    const few = await edgebook(["chunks", "train", at("alone.ebch"), "--out", at("few.zdict")]);
    expect(few.code).toBe(0);
    const none = await edgebook(["chunks", "train", at("day-0.pcap"), "--out", at("few2.zdict")]);
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining("are the least") });
    const env = { PATH: "/nowhere" };
    const noTool = await edgebook(["chunks", "train", at("plain"), "--out", at("x.zdict")], {
      env,
    });
    expect(noTool).toMatchObject({ code: 1, err: expect.stringContaining("apt install zstd") });
  }, 60_000);
});
