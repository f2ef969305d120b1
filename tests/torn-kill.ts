/**
 * Edge: a real collector, killed (`kill -9`) again and again while it writes its spool and sends to a
 * broker and a directory at once. Serves the small test and the full proof.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker } from "../book/service-broker.ts";
import { Random } from "../faults/random.ts";
import { Channels } from "../frames/channels.ts";
import { ChunkFault, ChunkUnpacker } from "../frames/chunk.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { Spool } from "../frames/spool.ts";
import { DirChunkSource } from "../frames/transport-dir.ts";
import { MqttChunkSource } from "../frames/transport-mqtt.ts";
import { openZstd } from "../frames/zstd.ts";
import { headersUnder } from "./chunk-files.ts";
import { freeGroup } from "./live-mqtt-broker.ts";
import { type Running, start } from "./live-run.ts";
import { until } from "./until.ts";

const NAME = "torn";
const SIZE = 200;
const RATE = 4000;
/** A life ends once so many of its chunks at most came to the reader, and up to so long after. */
const LIFE_CHUNKS = 200;
const LIFE_MORE_MS = 30;
const READ_LIMIT_MS = 30_000;

export interface KillRun {
  readonly kills: number;
  readonly boots: number;
  /** In the spool at the end, frame for frame what they were. */
  readonly chunks: number;
  /** Chunks that the reader got from the broker more than once, and knew by boot and number. */
  readonly repeated: number;
  readonly bytesTorn: number;
  readonly complaints: readonly string[];
}

/**
 * What came, by boot and number, as a hash of its frames: one that was stored in a hurry is compressed
 * later, and is the same chunk all the same.
 */
class Seen {
  readonly byKey = new Map<string, string>();
  repeated = 0;
  readonly complaints: string[] = [];
  private readonly where: string;
  private readonly unpacker = new ChunkUnpacker(new Channels(), openZstd());

  constructor(where: string) {
    this.where = where;
  }

  take(bytes: Uint8Array): { boot: number; number: number } | undefined {
    const found = this.unpacker.unpack(bytes);
    if (found instanceof ChunkFault) {
      this.complaints.push(`${this.where}: ${found.message}`);
      return undefined;
    }
    const { boot, number } = found.header;
    const key = `${boot}/${number}`;
    const hash = hashOf(found.frames);
    const before = this.byKey.get(key);
    if (before !== undefined) this.repeated++;
    if (before !== undefined && before !== hash) {
      this.complaints.push(`${this.where}: ${key} came twice, and not the same`);
    }
    this.byKey.set(key, hash);
    return { boot, number };
  }
}

function hashOf({ bytes, offset, length, sec, nsec, count }: FrameBatch): string {
  const hasher = new Bun.CryptoHasher("sha1");
  for (let at = 0; at < count; at++) {
    hasher.update(bytes.subarray(offset[at], offset[at] + length[at]));
  }
  return hasher.update(sec.subarray(0, count)).update(nsec.subarray(0, count)).digest("hex");
}

export async function killRun(kills: number, seed: number): Promise<KillRun> {
  const folder = mkdtempSync(join(tmpdir(), "edgebook-torn-"));
  const broker = await startBroker("127.0.0.1", 0);
  const reader = new MqttChunkSource(broker.url, { clientName: "reader" });
  const read = new Seen("broker");
  const reading = reader.run((bytes) => {
    const chunk = read.take(bytes);
    if (chunk === undefined) return;
    const position = { consumer: "reader", collector: NAME, boot: chunk.boot, chunk: chunk.number };
    reader.publishPosition(position).catch(() => {});
  });
  await reader.subscribed;
  const group = freeGroup();
  const words = collectWords(folder, group, broker.url);
  const random = new Random(seed);
  const sender = startSender(group);
  let collector: Running | undefined;
  try {
    for (let kill = 0; kill < kills; kill++) {
      collector = start(...words);
      await collector.says("collecting");
      const wanted = read.byKey.size + random.below(LIFE_CHUNKS);
      await until(() => read.byKey.size >= wanted, "chunks of a life");
      await Bun.sleep(random.below(LIFE_MORE_MS));
      process.kill(collector.pid, "SIGKILL");
      await collector.ended();
    }
    collector = start(...words);
    await collector.says("collecting");
    const wanted = read.byKey.size + LIFE_CHUNKS;
    await until(() => read.byKey.size >= wanted, "chunks of the last life");
    sender.kill();
    await sender.exited;
    await untilAllRead(folder, read);
    await collector.interrupt();
    await untilAllRead(folder, read);
    return await verdict(folder, read, kills);
  } finally {
    sender.kill();
    if (collector !== undefined) await collector.interrupt();
    await reader.close();
    await reading;
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function collectWords(folder: string, group: string, url: string): string[] {
  const table = join(folder, "channels.toml");
  const [address, port] = group.split(":");
  writeFileSync(
    table,
    `[[channel]]\ngroup = "${address}"\nport = ${port}\nfeed = "sequenced"\nstream = 1\n` +
      `line = "A"\noffset = 0\nwidth = 8\nendianness = "little"\n`,
  );
  const places = ["--to", url, "--to", `dir:${join(folder, "archive")}`];
  const kept = ["--spool", join(folder, "spool"), "--name", NAME, "--chunk-age", "4ms"];
  return ["collect", "--channels", table, "--interface", "lo", ...places, ...kept];
}

function startSender(group: string) {
  const program = join(import.meta.dir, "../bench/receive-sender.ts");
  const [address, port] = group.split(":");
  const numbers = [port, SIZE, RATE * 3600, RATE].map(String);
  return Bun.spawn([process.execPath, program, "lo", address, ...numbers], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
}

/** Until the reader has what the spool keeps; what it never gets is the verdict's to say. */
async function untilAllRead(folder: string, read: Seen): Promise<void> {
  const spool = join(folder, "spool");
  const isAllRead = () =>
    headersUnder(spool).every(({ boot, number }) => read.byKey.has(`${boot}/${number}`));
  await until(isAllRead, "the reader to have all", READ_LIMIT_MS).catch(() => {});
}

async function verdict(folder: string, read: Seen, kills: number): Promise<KillRun> {
  const archived = new Seen("directory");
  await new DirChunkSource(join(folder, "archive")).run((bytes) => {
    archived.take(bytes);
  });
  const spool = new Spool(join(folder, "spool"));
  const kept = new Seen("spool");
  for (const boot of spool.boots) {
    for (let number = spool.oldest(boot); number <= spool.newest(boot); number++) {
      const bytes = spool.read(boot, number);
      if (bytes !== undefined) kept.take(bytes);
    }
  }
  const { boots, bytesTorn } = spool;
  spool.close();
  const complaints = [...read.complaints, ...archived.complaints, ...kept.complaints];
  if (archived.repeated > 0) complaints.push(`${archived.repeated} are twice in the directory`);
  for (const [where, seen] of [
    ["the broker", read],
    ["the directory", archived],
  ] as const) {
    for (const [key, hash] of kept.byKey) {
      const came = seen.byKey.get(key);
      if (came === undefined) complaints.push(`${key} is in the spool and never came to ${where}`);
      else if (came !== hash) complaints.push(`${key} came to ${where} with other frames`);
    }
    for (const key of seen.byKey.keys()) {
      if (!kept.byKey.has(key)) complaints.push(`${key} came to ${where} and is not in the spool`);
    }
  }
  const { repeated } = read;
  return { kills, boots: boots.length, chunks: kept.byKey.size, repeated, bytesTorn, complaints };
}
