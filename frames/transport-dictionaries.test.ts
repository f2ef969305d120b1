/** Dictionaries are where chunks go before the first chunk that needs one, and are learned from there. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { FaultyDisk } from "../faults/disk.ts";
import { mosquittoProgram, startMosquitto } from "../tests/live-mqtt-broker.ts";
import { freshZstd, ownChunks } from "../tests/own-dictionary.ts";
import { until } from "../tests/until.ts";
import { Channels } from "./channels.ts";
import { ChunkFault, ChunkUnpacker } from "./chunk.ts";
import { SpoolCore } from "./spool-core.ts";
import { DICTIONARY_ENDING } from "./spool-dictionaries.ts";
import { dictionaryTopic } from "./transport.ts";
import { DirChunkSink, DirChunkSource } from "./transport-dir.ts";
import { MqttChunkSink, MqttChunkSource } from "./transport-mqtt.ts";
import type { Zstd } from "./zstd-port.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-dictionaries-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const readable = (bytes: Uint8Array, zstd: Zstd) =>
  !(new ChunkUnpacker(new Channels(), zstd).unpack(bytes) instanceof ChunkFault);

describe("a spool", () => {
  const { chunks, dictionary, zstd } = ownChunks(1, 40);
  const file = `${dictionary.name}${DICTIONARY_ENDING}`;
  const small = { segmentBytes: 3000, bytesLimit: 9000 };
  const contentOf = (disk: FaultyDisk) => {
    const bytes = new Uint8Array(dictionary.bytes.length);
    return disk.list().some(({ name }) => name === file) && disk.read(file, bytes, 0) > 0
      ? bytes
      : undefined;
  };

  test("has the dictionary before the chunk, keeps it when segments go, and learns it again", () => {
    const disk = new FaultyDisk({}, 1);
    const spool = new SpoolCore(disk, small, zstd.dictionaries);
    expect(contentOf(disk)).toBeUndefined();
    spool.appendAt(chunks[0], 1000);
    expect(contentOf(disk)).toEqual(dictionary.bytes);
    for (const chunk of chunks.slice(1)) spool.appendAt(chunk, 1000);
    expect(spool.counters.droppedBySize).toBeGreaterThan(0);
    expect(contentOf(disk)).toEqual(dictionary.bytes);
    const next = freshZstd();
    const again = new SpoolCore(disk, small, next.dictionaries);
    expect(next.dictionaries.get(dictionary.name)).toBeDefined();
    const bytes = again.read(1, chunks.length);
    expect(readable(bytes ?? new Uint8Array(), next)).toBe(true);
  });

  test("killed at any byte has no chunk without its dictionary", () => {
    const later = ownChunks(1, 5, 2).chunks;
    for (let bytes = 0; bytes < 2500; bytes += 100) {
      const disk = new FaultyDisk({}, bytes);
      const spool = new SpoolCore(disk, {}, zstd.dictionaries);
      disk.bytesToKill = bytes;
      for (const chunk of chunks.slice(0, 5)) {
        try {
          spool.appendAt(chunk, 1000);
        } catch {
          // It is dead.
        }
      }
      disk.kill();
      disk.restart();
      const next = freshZstd();
      const again = new SpoolCore(disk, {}, next.dictionaries);
      for (let number = again.oldest(1); number > 0 && number <= again.newest(1); number++) {
        expect(readable(again.read(1, number) ?? new Uint8Array(), next)).toBe(true);
      }
      // And it goes on.
      const life = new SpoolCore(disk, {}, zstd.dictionaries);
      for (const chunk of later) expect(life.appendAt(chunk, 2000)).toBe(true);
      expect(contentOf(disk)).toEqual(dictionary.bytes);
    }
  });

  test("writes a dictionary again that was torn, and takes no chunk that has no room for its own", () => {
    const disk = new FaultyDisk({}, 3);
    disk.replace(file, dictionary.bytes.subarray(0, 99));
    const spool = new SpoolCore(disk, {}, zstd.dictionaries);
    expect(spool.appendAt(chunks[0], 1000)).toBe(true);
    expect(contentOf(disk)).toEqual(dictionary.bytes);
    const full = new FaultyDisk({ capacityBytes: 20_000 }, 3);
    const other = new SpoolCore(full, { bytesLimit: 10_000 }, zstd.dictionaries);
    expect(other.appendAt(chunks[0], 1000)).toBe(false);
    expect(other.counters.refusedNoRoom).toBe(1);
  });
});

describe("a directory", () => {
  test("has the dictionary at its top, and readers of any of its folders find it", async () => {
    const { chunks, dictionary, zstd } = ownChunks(2);
    const path = join(scratch, "archive");
    const sink = new DirChunkSink(path, () => {}, zstd.dictionaries);
    for (const chunk of chunks) await sink.send(chunk);
    await sink.close();
    const file = join(path, `${dictionary.name}${DICTIONARY_ENDING}`);
    expect(new Uint8Array(readFileSync(file))).toEqual(dictionary.bytes);
    for (const folder of [path, join(path, "nse-fo"), join(path, "nse-fo", "1")]) {
      const other = freshZstd();
      let read = 0;
      await new DirChunkSource(folder, other.dictionaries).run((bytes) => {
        if (readable(bytes, other)) read++;
      });
      expect(read).toBe(chunks.length);
    }
    // Another content under its name is as good as none, and is mended by the next who writes.
    writeFileSync(file, dictionary.bytes.subarray(0, 1000));
    const other = freshZstd();
    const faults: unknown[] = [];
    await new DirChunkSource(path, other.dictionaries).run((bytes) => {
      faults.push(new ChunkUnpacker(new Channels(), other).unpack(bytes));
    });
    expect(faults[0]).toMatchObject({ code: "missing_dictionary", detail: dictionary.name });
    const next = new DirChunkSink(path, () => {}, zstd.dictionaries);
    await next.send({ ...chunks[0], header: { ...chunks[0].header, boot: 2 } });
    await next.close();
    expect(new Uint8Array(readFileSync(file))).toEqual(dictionary.bytes);
  });
});

/** Sends, then lets a reader come late, then loses the broker's memory. */
async function overMqtt(url: string): Promise<void> {
  const { chunks, dictionary, zstd } = ownChunks(3);
  const sink = new MqttChunkSink(url, { clientName: "colo-1", dictionaries: zstd.dictionaries });
  const readers = [];
  try {
    for (const clientName of ["early", "late"]) {
      const other = freshZstd();
      const said: string[] = [];
      const onStatus = (text: string) => void said.push(text);
      const dictionaries = other.dictionaries;
      const source = new MqttChunkSource(url, { clientName, dictionaries, onStatus });
      readers.push(source);
      const took: boolean[] = [];
      void source.run((bytes) => {
        took.push(readable(bytes, other));
      });
      await source.subscribed;
      await Promise.all(chunks.map((chunk) => sink.send(chunk)));
      await until(() => took.length >= chunks.length, "the chunks");
      expect(new Set(took)).toEqual(new Set([true]));
      expect(other.dictionaries.learned.map(({ name }) => name)).toEqual([dictionary.name]);
      expect(said).toEqual([]);
    }
  } finally {
    for (const source of readers) await source.close();
    await sink.close();
  }
}

async function startAedes(port = 0) {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const stop = async () => {
    await new Promise<void>((resolve) => broker.close(resolve));
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { broker, port: (server.address() as { port: number }).port, stop };
}

describe("MQTT", () => {
  test("readers that come early and late have the dictionary before the chunks", async () => {
    const running = await startAedes();
    await overMqtt(`mqtt://127.0.0.1:${running.port}`);
    await running.stop();
  }, 20_000);

  test.skipIf(mosquittoProgram() === null)(
    "so it is with a real broker",
    async () => {
      const running = await startMosquitto();
      await overMqtt(`mqtt://${running.address}`);
      await running.stop();
    },
    20_000,
  );

  test("a broker that forgot is told again, and who sends rubbish is refused with a reason", async () => {
    const { chunks, dictionary, zstd } = ownChunks(4);
    const first = await startAedes();
    const url = `mqtt://127.0.0.1:${first.port}`;
    const sink = new MqttChunkSink(url, { clientName: "colo-1", dictionaries: zstd.dictionaries });
    await sink.send(chunks[0]);
    await first.stop();
    const second = await startAedes(first.port);
    const other = freshZstd();
    const said: string[] = [];
    const source = new MqttChunkSource(url, {
      clientName: "book-1",
      dictionaries: other.dictionaries,
      onStatus: (text) => void said.push(text),
    });
    void source.run(() => {});
    await source.subscribed;
    await until(() => other.dictionaries.get(dictionary.name) !== undefined, "the dictionary");
    const topic = dictionaryTopic("nse-fo-0123456789abcdef");
    const rubbish = { cmd: "publish", qos: 1, dup: false, retain: false } as const;
    second.broker.publish({ ...rubbish, topic, payload: Buffer.from("rubbish") }, () => {});
    await until(() => said.some((text) => text.includes("is refused")), "the refusal");
    expect(said.join()).toContain("it is no trained zstd dictionary");
    await source.close();
    await sink.close();
    await second.stop();
  }, 20_000);
});
