/**
 * A collector whose spool is on a disk that fills: a small file system in memory, mounted where only
 * the collector sees it, filled and emptied from outside.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker } from "../book/service-broker.ts";
import { ChunkFault, readChunkHeader } from "../frames/chunk.ts";
import { MqttChunkSource } from "../frames/transport-mqtt.ts";
import { freeGroup } from "./live-mqtt-broker.ts";
import { lastJson } from "./live-run.ts";
import { until } from "./until.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-full-disk-"));
const disk = join(folder, "disk");
mkdirSync(disk);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const DISK_MIB = 12;
const EDGEBOOK = join(import.meta.dir, "../bin/edgebook");
const SENDER = join(import.meta.dir, "../bench/receive-sender.ts");
const mounting = ["unshare", "-m", "sh", "-c"];
const mount = `mount -t tmpfs -o size=${DISK_MIB}m tmpfs ${disk}`;
const isAble = Bun.which("unshare") !== null && Bun.spawnSync([...mounting, mount]).success;
if (!isAble) console.log("not run: no right to mount a file system");

function collect(before: string, ...words: string[]) {
  const command = [EDGEBOOK, "collect", ...words].map((word) => `'${word}'`).join(" ");
  const child = Bun.spawn([...mounting, `${mount} && ${before} exec ${command}`], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: 60_000,
  });
  const said = { text: "" };
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const piece of child.stderr) said.text += decoder.decode(piece, { stream: true });
  })();
  return { child, said, reading };
}

function collectWords(to: string, group: string): string[] {
  const table = join(folder, "channels.toml");
  const [address, port] = group.split(":");
  writeFileSync(
    table,
    `[[channel]]\ngroup = "${address}"\nport = ${port}\nfeed = "sequenced"\nstream = 1\n` +
      `line = "A"\noffset = 0\nwidth = 8\nendianness = "little"\n`,
  );
  const wire = ["--channels", table, "--interface", "lo", "--to", to, "--stats"];
  return [...wire, "--spool", join(disk, "spool"), "--name", "full", "--chunk-age", "20ms"];
}

test.skipIf(!isAble)(
  "a disk that is full when it starts is refused, with what to do",
  async () => {
    const fill = `head -c ${DISK_MIB * 2 ** 20} /dev/zero > ${disk}/other 2>/dev/null;`;
    const { child, said, reading } = collect(
      fill,
      ...collectWords("mqtt://127.0.0.1:1", freeGroup()),
    );
    expect(await child.exited).toBe(1);
    await reading;
    expect(said.text).toContain("Free some space, or name a folder on another disk.");
  },
  60_000,
);

test.skipIf(!isAble)(
  "a disk that fills costs no chunk: all go on to the broker",
  async () => {
    const broker = await startBroker("127.0.0.1", 0);
    const reader = new MqttChunkSource(broker.url, { clientName: "reader" });
    const numbers = new Set<number>();
    const run = reader.run((bytes) => {
      const found = readChunkHeader(bytes);
      if (!(found instanceof ChunkFault)) numbers.add(found.header.number);
    });
    await reader.subscribed;
    const group = freeGroup();
    const { child, said, reading } = collect("", ...collectWords(broker.url, group));
    const sender = Bun.spawn(
      [process.execPath, SENDER, "lo", ...group.split(":"), "200", "1000000", "3000"],
      { stdin: "ignore", stdout: "ignore", stderr: "inherit" },
    );
    try {
      await until(
        () => numbers.size > 5,
        () => said.text,
      );
      const filler = `/proc/${child.pid}/root${disk}/other`;
      expect(() => writeFileSync(filler, new Uint8Array((DISK_MIB + 1) * 2 ** 20))).toThrow();
      const full = numbers.size;
      await until(
        () => numbers.size > full + 20,
        () => said.text,
      );
      rmSync(filler);
      const free = numbers.size;
      await until(
        () => numbers.size > free + 20,
        () => said.text,
      );
    } finally {
      sender.kill();
      child.kill("SIGINT");
      await child.exited;
      await reading;
      await reader.close();
      await run;
      await broker.close();
    }
    const { chunks, spool, sinks } = lastJson(said.text) as unknown as {
      chunks: number;
      spool: { refusedNoRoom: number; bytes: number };
      sinks: { missed: number }[];
    };
    console.log(`${chunks} chunks, ${spool.refusedNoRoom} that the disk did not take`);
    expect(spool.refusedNoRoom).toBeGreaterThan(0);
    expect(sinks[0].missed).toBe(0);
    expect([...numbers].sort((a, b) => a - b)).toEqual(
      Array.from({ length: chunks }, (_, at) => at + 1),
    );
    expect(spool.bytes).toBeGreaterThan(0);
  },
  60_000,
);
