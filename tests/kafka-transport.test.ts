/** Chunks over a real Kafka: to the centre and back, through a broker that dies and comes again. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Channels } from "../frames/channels.ts";
import { ChunkFault, ChunkUnpacker } from "../frames/chunk.ts";
import { parseKafkaAddress, partitionOf } from "../frames/kafka-topics.ts";
import type { ControlRequest } from "../frames/transport.ts";
import { KafkaChunkSink, KafkaChunkSource } from "../frames/transport-kafka.ts";
import { type KafkaBroker, KafkaMissing, startKafka } from "../scripts/kafka/broker.ts";
import { kcat } from "./kafka-kcat.ts";
import { freshZstd, ownChunks } from "./own-dictionary.ts";
import { testChunk } from "./test-chunk.ts";
import { until } from "./until.ts";

const LIMIT_MS = 120_000;
const PREFIX = "transport-test";
let broker: KafkaBroker | undefined;

beforeAll(async () => {
  // Its own: it is killed.
  broker = await startKafka().catch((error) => {
    if (!(error instanceof KafkaMissing) || process.env.CI) throw error;
    console.log(`not run: no Kafka (${error.message} ${error.hint})`);
    return undefined;
  });
}, LIMIT_MS);
afterAll(() => broker?.stop());

const chunk = (number: number, stream: number) => testChunk(number, { stream });

test(
  "chunks come in the order of their stream, and the centre speaks back",
  async () => {
    if (broker === undefined) return;
    const url = `kafka://${broker.brokers}/${PREFIX}`;
    const sink = new KafkaChunkSink(url, { clientName: "colo-1" });
    const source = new KafkaChunkSource(url, { clientName: "book-1" });
    const took = new Map<string, number>();
    const run = source.run((bytes) => {
      const key = Buffer.from(bytes).toString("base64");
      took.set(key, (took.get(key) ?? 0) + 1);
    });
    const heard: ControlRequest[] = [];
    sink.onRequest((request) => heard.push(request));
    const chunks = Array.from({ length: 40 }, (_, at) => chunk(at + 1, (at % 5) + 1));
    await Promise.all(chunks.map((each) => sink.send(each)));
    await until(() => took.size === 40, "forty chunks");
    for (const { bytes } of chunks) {
      expect(took.get(Buffer.from(bytes).toString("base64"))).toBe(1);
    }
    const resend = { ask: "resend", boot: 1, from: 2, to: 3 } as const;
    const position = { consumer: "book-1", collector: "colo-1", boot: 1, chunk: 40 };
    await source.request("somebody-else", resend);
    await source.request("colo-1", resend);
    await source.publishPosition(position);
    await until(() => heard.length >= 1, "a request");
    expect(heard).toEqual([resend]);
    expect("onPosition" in sink).toBe(false);
    const told = kcat(broker, `${PREFIX}.position`, "%k %s");
    if (told !== undefined) expect(told).toBe(`book-1/colo-1 ${JSON.stringify(position)}`);
    await sink.close();
    await source.close();
    await run;
  },
  LIMIT_MS,
);

test(
  "a dictionary is in its topic before the chunks that need it, and whoever reads them fetches it",
  async () => {
    if (broker === undefined) return;
    const { chunks, dictionary, zstd } = ownChunks(5);
    const url = `kafka://${broker.brokers}/dictionaries`;
    const sink = new KafkaChunkSink(url, {
      clientName: "colo-5",
      dictionaries: zstd.dictionaries,
    });
    await Promise.all(chunks.map((each) => sink.send(each)));
    const told = kcat(broker, "dictionaries.dictionaries", "%k %S\n");
    if (told !== undefined) {
      expect(told.trim()).toBe(`${dictionary.name} ${dictionary.bytes.length}`);
    }
    const other = freshZstd();
    const source = new KafkaChunkSource(url, {
      clientName: "book-5",
      dictionaries: other.dictionaries,
    });
    const unpacker = new ChunkUnpacker(new Channels(), other);
    const read: boolean[] = [];
    const run = source.run((bytes) => {
      read.push(!(unpacker.unpack(bytes) instanceof ChunkFault));
    });
    await until(() => read.length === chunks.length, "the chunks", 60_000);
    expect(new Set(read)).toEqual(new Set([true]));
    await sink.close();
    await source.close();
    await run;
  },
  LIMIT_MS,
);

test(
  "of many dictionaries the one that a chunk needs is found, and one that is nowhere is passed",
  async () => {
    if (broker === undefined) return;
    const url = `kafka://${broker.brokers}/many`;
    // The one that is needed was written first, and more came than anybody keeps.
    const senders = Array.from({ length: 36 }, (_, at) => ownChunks(200 + at, 2));
    const { dictionaries } = freshZstd();
    const sink = new KafkaChunkSink(url, { clientName: "colo-6", dictionaries });
    for (const { chunks, dictionary } of senders) {
      dictionaries.learn(dictionary.name, dictionary.bytes);
      await sink.send(chunks[0]);
    }
    const nowhere = ownChunks(300, 2);
    const { dictionaries: unknowing } = freshZstd();
    const liar = new KafkaChunkSink(url, { clientName: "colo-7", dictionaries: unknowing });
    await liar.send(nowhere.chunks[0]);
    await liar.send(nowhere.chunks[1]);
    await sink.send(senders[0].chunks[1]);
    const other = freshZstd();
    const unpacker = new ChunkUnpacker(new Channels(), other);
    const read: boolean[] = [];
    const source = new KafkaChunkSource(url, {
      clientName: "book-6",
      dictionaries: other.dictionaries,
    });
    const run = source.run((bytes) => {
      read.push(!(unpacker.unpack(bytes) instanceof ChunkFault));
    });
    await until(() => read.length === senders.length + 3, "the chunks", 60_000);
    expect(read.map((isRead, at) => (isRead ? -1 : at)).filter((at) => at >= 0)).toEqual([36, 37]);
    await Promise.all([sink.close(), liar.close(), source.close()]);
    await run;
  },
  LIMIT_MS,
);

test(
  "a broker that is killed loses nothing, and what is under way stays within its bound",
  async () => {
    if (broker?.pid === undefined) return;
    const limit = 200_000;
    const url = `kafka://${broker.brokers}/${PREFIX}`;
    const said: string[] = [];
    const sink = new KafkaChunkSink(url, {
      clientName: "colo-2",
      kafka: { bytesLimit: limit },
      onStatus: (text) => said.push(text),
    });
    const source = new KafkaChunkSource(url, { clientName: "book-2" });
    const took = new Set<string>();
    const run = source.run((bytes) => {
      took.add(Bun.hash(bytes).toString());
    });
    // Random bytes do not get smaller.
    const chunks = Array.from({ length: 30 }, (_, at) => {
      const each = chunk(100 + at, 1);
      const bytes = new Uint8Array(40_000);
      crypto.getRandomValues(bytes);
      return { header: each.header, bytes };
    });
    await sink.send(chunks[0]);
    await broker.kill();
    const sending = Promise.all(chunks.slice(1).map((each) => sink.send(each)));
    await until(
      () => said.some((text) => text.includes("Kafka does not take it")),
      "a word that Kafka takes nothing",
    );
    expect(sink.budget.used).toBeGreaterThan(0);
    await broker.restart();
    await sending;
    expect(sink.budget.usedMost).toBeLessThanOrEqual(limit);
    expect(sink.budget.used).toBe(0);
    await until(
      () => chunks.every(({ bytes }) => took.has(Bun.hash(bytes).toString())),
      "every chunk after the restart",
    );
    await sink.close();
    await source.close();
    await run;
  },
  LIMIT_MS,
);

test(
  "of two processes of one member's name the newer stays, and the other says so",
  async () => {
    if (broker === undefined) return;
    const url = `kafka://${broker.brokers}/double`;
    const sink = new KafkaChunkSink(url, { clientName: "colo-3" });
    await sink.send(chunk(1, 1));
    const ends: string[] = [];
    const begin = () => {
      const source = new KafkaChunkSource(url, { clientName: "group", member: "same" });
      const ports = { places: () => [], onAssigned() {} };
      const run = source
        .runPlaced(source.groupId, () => {}, ports)
        .then(
          () => ends.push("closed"),
          (error: Error) => ends.push(error.message),
        );
      return { source, run };
    };
    const members = [begin()];
    await Bun.sleep(5000);
    members.push(begin());
    await until(() => ends.length > 0, "one to give way");
    expect(ends[0]).toContain("member 'same'");
    await Bun.sleep(2500);
    expect(ends).toHaveLength(1);
    await Promise.all(members.map(({ source }) => source.close()));
    await Promise.all(members.map(({ run }) => run));
    await sink.close();
  },
  LIMIT_MS,
);

test("streams go to partitions by the map, and round where it says nothing", () => {
  const map = new Map([[3, 7]]);
  expect([1, 2, 3, 4, 5].map((stream) => partitionOf(stream, 4, map))).toEqual([0, 1, 3, 3, 0]);
});

test("an address that is none says what to write", () => {
  expect(parseKafkaAddress("kafka://127.0.0.1:1/mine").prefix).toBe("mine");
  expect(parseKafkaAddress("kafka://127.0.0.1").brokers).toEqual(["127.0.0.1:9092"]);
  expect(parseKafkaAddress("kafka://127.0.0.1:1,127.0.0.1:2").brokers).toHaveLength(2);
  expect(() => parseKafkaAddress("kafka://")).toThrow("is no address of Kafka");
});
