/** The one-file binary: alone in an empty folder it collects, and its chunks are the checkout's. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirChunkSink } from "../frames/transport-dir.ts";
import { openZstd } from "../frames/zstd.ts";
import { ethernet, ipv4, pcapFile, udp } from "./capture-files.ts";
import { edgebook } from "./cli-run.ts";
import { nseMessage } from "./nse-messages.ts";
import { smallMarket } from "./small-market.ts";

const house = join(import.meta.dir, "..");
const target = `linux-${process.arch}`;
const folder = mkdtempSync(join(tmpdir(), "edgebook-binary-"));
const alone = join(folder, "alone");
const capture = join(folder, "day.pcap");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const packets = Array.from({ length: 500 }, (_, at) => {
  const values = { order_id: 100 + at, token: 7, side: "B", price: 7000 + at, quantity: 50 };
  const bytes = nseMessage("N", 1, values, at + 1);
  return {
    sec: 1_700_000_000,
    fraction: at,
    bytes: ethernet(0x0800, ipv4("239.1.1.1", udp(10_000, bytes))),
  };
});

/** Without the checkout's folder, its node_modules, or its environment. */
async function binary(...words: string[]) {
  const child = Bun.spawn([join(alone, "edgebook"), ...words], {
    cwd: alone,
    env: { HOME: alone, PATH: "/usr/bin:/bin" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

/** Every file below, by its path there. */
function filesOf(path: string): Map<string, Buffer> {
  const names = readdirSync(path, { recursive: true, withFileTypes: true });
  const files = names
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
  return new Map(files.map((file) => [file.slice(path.length), readFileSync(file)]));
}

describe.skipIf(process.platform !== "linux")("the one-file binary", () => {
  beforeAll(async () => {
    const built = Bun.spawn([process.execPath, "scripts/build-binary.ts", target], {
      cwd: house,
      stdio: ["ignore", "inherit", "inherit"],
    });
    expect(await built.exited).toBe(0);
    mkdirSync(alone);
    copyFileSync(join(house, "dist", `edgebook-${target}`), join(alone, "edgebook"));
    writeFileSync(capture, pcapFile(packets));
  }, 120_000);

  test("says its version and what it was built from", async () => {
    expect((await binary("--version")).out).toMatch(/^edgebook \d+\.\d+\.\d+ .*linux-/);
  });

  test("collects, and its chunks are byte for byte the checkout's", async () => {
    const words = ["collect", "--pcap", capture, "--feed", "nse-fo", "--name", "one", "--to"];
    expect((await binary(...words, "dir:chunks")).code).toBe(0);
    expect((await edgebook([...words, `dir:${join(folder, "chunks")}`])).code).toBe(0);
    const own = filesOf(join(alone, "chunks"));
    expect(own.size).toBeGreaterThan(0);
    expect(own).toEqual(filesOf(join(folder, "chunks")));
  });

  test("has the dictionaries in it: it packs small chunks by them, and reads them", async () => {
    writeFileSync(join(alone, "few.pcap"), pcapFile(packets.slice(0, 30)));
    const words = ["collect", "--pcap", "few.pcap", "--feed", "nse-fo", "--to", "dir:few"];
    expect((await binary(...words)).code).toBe(0);
    const packed = [...filesOf(join(alone, "few")).keys()];
    expect(packed.filter((name) => name.endsWith(".zdict"))).toHaveLength(1);
    const archive = join(folder, "small");
    const sink = new DirChunkSink(archive);
    const chunks = smallMarket({ frames: 60 }).chunks(openZstd(), 20);
    expect(chunks.every(({ header }) => header.dictionary !== "")).toBe(true);
    for (const chunk of chunks) await sink.send(chunk);
    await sink.close();
    const [file] = [...filesOf(archive).keys()].filter((name) => name.endsWith(".ebch"));
    // Alone, without the dictionary's file that an archive has.
    copyFileSync(join(archive, file), join(alone, "small.ebch"));
    const { code, err } = await binary("chunks", "verify", "small.ebch");
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining("60 frames") });
  });

  test("rebuilds, lists chunks and knows the feeds", async () => {
    const rebuilt = await binary("rebuild", capture, "--feed", "nse-fo", "--schema", "bbo");
    expect(rebuilt.out.trimEnd().split("\n")).toHaveLength(500);
    const files = [...filesOf(join(alone, "chunks")).keys()];
    const chunks = files.find((name) => name.endsWith(".ebch")) ?? "";
    expect((await binary("chunks", "list", join("chunks", chunks))).code).toBe(0);
    expect((await binary("feeds")).out).toContain("nasdaq-itch50");
    for (const command of ["replay", "stat"]) {
      expect((await binary(command, "--help")).out).toContain(`edgebook ${command}`);
    }
  });

  test("says which command cannot come along, and why", async () => {
    const { code, err } = await binary("sim", "canary");
    expect(code).toBe(2);
    expect(err).toContain("'sim canary' is not in this one-file binary");
    expect(err).toContain("checkout");
  });
});
