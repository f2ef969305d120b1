/** Dictionaries are where chunks go before the first chunk that needs one, and are learned from there. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { FaultyDisk } from "../faults/disk.ts";
import { mosquittoProgram, startMosquitto } from "../tests/live-mqtt-broker.ts";
import { freshZstd, ownChunks, ownDictionary } from "../tests/own-dictionary.ts";
import { until } from "../tests/until.ts";
import { Channels } from "./channels.ts";
import { ChunkFault, ChunkUnpacker } from "./chunk.ts";
import { keepDictionary } from "./dictionary-files.ts";
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
    const bytes = again.read(1, chunks.length);
    expect(readable(bytes ?? new Uint8Array(), next)).toBe(true);
  });

  test("learns of many dictionaries what the chunks need that are read from it", () => {
    const disk = new FaultyDisk({}, 1);
    const lives = Array.from({ length: 40 }, (_, at) => ownChunks(50 + at, 1, 1 + at));
    for (const life of lives) {
      new SpoolCore(disk, {}, life.zstd.dictionaries).appendAt(life.chunks[0], 1000);
    }
    const next = freshZstd();
    const spool = new SpoolCore(disk, {}, next.dictionaries);
    expect(next.dictionaries.learned).toEqual([]);
    for (const boot of [1, 40, ...spool.boots]) {
      expect(readable(spool.read(boot, 1) ?? new Uint8Array(), next)).toBe(true);
    }
  });

  test("has before the first chunk what chunks of its feeds will need", () => {
    const disk = new FaultyDisk({}, 1);
    const spool = new SpoolCore(disk, {}, zstd.dictionaries);
    spool.keepDictionaries(["nse-fo", "nse-cm", "of nobody", ""]);
    const names = disk.list().map(({ name }) => name);
    const shipped = zstd.dictionaries.forFeed("nse-cm")?.name;
    expect(names.sort()).toEqual([`${shipped}${DICTIONARY_ENDING}`, file].sort());
    expect(contentOf(disk)).toEqual(dictionary.bytes);
    // The first chunk that needs it neither reads nor writes it.
    const { read, replace, sync } = disk;
    disk.read =
      disk.replace =
      disk.sync =
        () => {
          throw new Error("the disk is slow");
        };
    expect(spool.appendAt(chunks[0], 1000)).toBe(true);
    Object.assign(disk, { read, replace, sync });
    const full = new FaultyDisk({ capacityBytes: 20_000 }, 3);
    const other = new SpoolCore(full, { bytesLimit: 10_000 }, zstd.dictionaries);
    other.keepDictionaries(["nse-fo"]);
    expect(full.list()).toEqual([]);
  });

  test("counts chunks whose dictionary nobody has, and names it", () => {
    const spool = new SpoolCore(new FaultyDisk({}, 1), {}, freshZstd().dictionaries);
    for (const chunk of chunks.slice(0, 3)) expect(spool.appendAt(chunk, 1000)).toBe(true);
    expect(spool.counters.withoutDictionary).toBe(3);
    expect([...spool.missingDictionaries]).toEqual([dictionary.name]);
  });

  test("killed at any byte has no chunk without its dictionary", () => {
    const later = ownChunks(1, 5, 2).chunks;
    // Through the dictionary, and on through the chunks.
    for (let bytes = 0; bytes < 40_000; bytes += bytes < 30_000 ? 3001 : 97) {
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

  test("is written at by two at once, and a chunk without its dictionary is told once", async () => {
    const { chunks, dictionary, zstd } = ownChunks(10);
    const path = join(scratch, "two");
    const said: string[] = [];
    const unknowing = new DirChunkSink(
      path,
      (text) => void said.push(text),
      freshZstd().dictionaries,
    );
    for (const chunk of chunks.slice(0, 3)) await unknowing.send(chunk);
    await unknowing.close();
    expect(unknowing.withoutDictionary).toBe(3);
    expect(said).toEqual([
      expect.stringContaining(`the dictionary ${dictionary.name}, which is not here`),
    ]);
    await Promise.all(Array.from({ length: 8 }, () => keepDictionary(path, dictionary)));
    expect(readdirSync(path).sort()).toEqual(["nse-fo", `${dictionary.name}${DICTIONARY_ENDING}`]);
    // It is found there by who did not bring it.
    const next = new DirChunkSink(path, (text) => void said.push(text), freshZstd().dictionaries);
    await next.send({ ...chunks[3], header: { ...chunks[3].header, number: 9 } });
    await next.close();
    expect([next.withoutDictionary, said.length]).toEqual([0, 1]);
    expect(zstd.dictionaries.get(dictionary.name)).toBeDefined();
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

  /** A sink with its own dictionary, and a reader that knows nothing; `took` says what it could read. */
  function pair(url: string, number: number) {
    const own = ownChunks(number);
    const { dictionaries } = own.zstd;
    const sink = new MqttChunkSink(url, { clientName: "colo-1", dictionaries });
    const other = freshZstd();
    const said: string[] = [];
    const source = new MqttChunkSource(url, {
      clientName: "book-1",
      dictionaries: other.dictionaries,
      onStatus: (text) => void said.push(text),
    });
    const took: boolean[] = [];
    void source.run((bytes) => {
      took.push(readable(bytes, other));
    });
    const close = async () => {
      await source.close();
      await sink.close();
    };
    return { ...own, sink, source, other, said, took, close };
  }

  const retained = { cmd: "publish", qos: 1, dup: false, retain: true } as const;

  test("what goes to a broker that forgot can be read, also chunks that waited for it", async () => {
    const first = await startAedes();
    const url = `mqtt://127.0.0.1:${first.port}`;
    const { chunks, dictionary, zstd } = ownChunks(4);
    const sink = new MqttChunkSink(url, { clientName: "colo-1", dictionaries: zstd.dictionaries });
    await sink.send(chunks[0]);
    await first.stop();
    await until(() => !sink.connected, "the end of the broker");
    const waiting = sink.send(chunks[1]);
    const second = await startAedes(first.port);
    await waiting;
    const next = pair(url, 4);
    await next.source.subscribed;
    await sink.send(chunks[2]);
    await until(() => next.took.length > 0, "a chunk");
    expect(next.took).toEqual([true]);
    expect(next.other.dictionaries.learned.map(({ name }) => name)).toEqual([dictionary.name]);
    await next.close();
    await sink.close();
    await second.stop();
  }, 20_000);

  test("of many dictionaries a reader takes what its chunks need, and refuses rubbish", async () => {
    const running = await startAedes();
    const { broker } = running;
    const url = `mqtt://127.0.0.1:${running.port}`;
    const publish = (name: string, payload: Buffer) =>
      new Promise<void>((resolve) => {
        broker.publish({ ...retained, topic: dictionaryTopic(name), payload }, () => resolve());
      });
    for (let number = 100; number < 140; number++) {
      const { name, bytes } = ownDictionary(number);
      await publish(name, Buffer.from(bytes));
    }
    const { source, sink, chunks, dictionary, other, took, said, close } = pair(url, 5);
    await source.subscribed;
    for (const chunk of chunks) await sink.send(chunk);
    await until(() => took.length === chunks.length, "the chunks");
    expect(new Set(took)).toEqual(new Set([true]));
    expect(other.dictionaries.learned.map(({ name }) => name)).toEqual([dictionary.name]);
    const bad = ownChunks(6);
    await publish(bad.dictionary.name, Buffer.from("rubbish"));
    const liar = new MqttChunkSink(url, {
      clientName: "liar",
      dictionaries: freshZstd().dictionaries,
    });
    await liar.send(bad.chunks[0]);
    await until(() => took.length > chunks.length, "the chunk that cannot be read");
    expect(took.at(-1)).toBe(false);
    expect(said.join()).toContain("it is no trained zstd dictionary");
    // Nobody waits for it a second time, and who brings the right one is heard.
    const beganMs = performance.now();
    await liar.send(bad.chunks[1]);
    await until(() => took.length > chunks.length + 1, "the next");
    expect(performance.now() - beganMs).toBeLessThan(1000);
    await publish(bad.dictionary.name, Buffer.from(bad.dictionary.bytes));
    await until(() => other.dictionaries.get(bad.dictionary.name) !== undefined, "the right one");
    await liar.close();
    await close();
    await running.stop();
  }, 20_000);

  test("a broker that refuses dictionaries leaves frames, also after a reconnection, and that is said", async () => {
    const first = await startAedes();
    const url = `mqtt://127.0.0.1:${first.port}`;
    const refuseDictionaries = ({ broker }: typeof first) => {
      broker.authorizeSubscribe = (_client, subscription, callback) => {
        callback(null, subscription.topic.includes("/dictionary/") ? null : subscription);
      };
    };
    refuseDictionaries(first);
    const { source, sink, chunks, took, said, close } = pair(url, 7);
    await source.subscribed;
    await sink.send(chunks[0]);
    await until(() => took.length === 1, "a chunk");
    expect(took).toEqual([false]);
    expect(said.join()).toContain("refuses the subscription to 'edgebook/dictionary/");
    await first.stop();
    await until(() => !source.connected, "the end of the broker");
    const second = await startAedes(first.port);
    refuseDictionaries(second);
    await until(() => source.connected && sink.connected, "the broker");
    await until(async () => {
      await sink.send(chunks[1]);
      return took.length > 1;
    }, "frames after the reconnection");
    await close();
    await second.stop();
  }, 30_000);

  test("frames that are refused are said to be so, once, and dictionaries are none the worse", async () => {
    const running = await startAedes();
    running.broker.authorizeSubscribe = (_client, subscription, callback) => {
      callback(null, subscription.topic.includes("/frames/") ? null : subscription);
    };
    const { said, close } = pair(`mqtt://127.0.0.1:${running.port}`, 8);
    await until(() => said.length > 0, "the refusal");
    expect(said[0]).toContain("refuses the subscription to 'edgebook/frames/+/+'");
    await Bun.sleep(300);
    expect(said).toHaveLength(1);
    await close();
    await running.stop();
  }, 20_000);

  test("a retained dictionary that the broker lost is there again when the centre asks for chunks", async () => {
    const running = await startAedes();
    const { broker } = running;
    const { source, sink, chunks, dictionary, close } = pair(`mqtt://127.0.0.1:${running.port}`, 9);
    const topic = dictionaryTopic(dictionary.name);
    let published = 0;
    broker.on("publish", (packet) => {
      if (packet.topic === topic && packet.payload.length > 0) published++;
    });
    await source.subscribed;
    await sink.send(chunks[0]);
    expect(published).toBe(1);
    await new Promise<void>((resolve) => {
      broker.publish({ ...retained, topic, payload: Buffer.alloc(0) }, () => resolve());
    });
    const heard: unknown[] = [];
    sink.onRequest((request) => heard.push(request));
    for (let from = 1; from <= 3; from++) {
      await source.request("colo-1", { ask: "resend", boot: 1, from, to: from });
    }
    await until(() => heard.length === 3, "the requests");
    await until(() => published === 2, "the dictionary");
    const late = pair(`mqtt://127.0.0.1:${running.port}`, 9);
    await late.source.subscribed;
    await sink.send(chunks[1]);
    await until(() => late.took.length === 1, "the chunk");
    expect([late.took[0], published]).toEqual([true, 2]);
    await late.close();
    await close();
    await running.stop();
  }, 20_000);
});
