/**
 * The operator's `clear stream` through the edge: one chunk gives it one place, and whoever reads the
 * chunks, live in any order or from files, clears behind the same number.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Live } from "../book/live.ts";
import { FlagValues } from "../cli/flag-values.ts";
import { readOffline } from "../cli/offline.ts";
import { Rebuilding } from "../cli/rebuilding.ts";
import { Random } from "../faults/random.ts";
import type { PackedChunk } from "../frames/chunk.ts";
import { DirChunkSink } from "../frames/transport-dir.ts";
import { openZstd } from "../frames/zstd.ts";
import { Auditor } from "../sim/auditor.ts";
import { lastJson, run } from "./live-run.ts";
import { type Judged, judgeBooks } from "./recovery-judge.ts";
import { RecoveryWorld, type WorldOptions } from "./recovery-world.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-clear-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const SMALL = { streams: 2, instruments: 20, ordersPerStream: 150, messagesPerSecond: 3000 };
const CLEARED = 1;
const FEED = "nse-fo";
/** As the centre of that world has it. */
const SEQUENCER = { windowNs: 20e6 };

function cleared(options: Partial<WorldOptions> = {}): RecoveryWorld {
  return new RecoveryWorld({
    exchange: { seed: 7, ...SMALL },
    tradingMs: 900,
    quietMs: 500,
    seed: 7,
    isLost: () => false,
    clear: { stream: CLEARED, atMs: 500 },
    ...options,
  }).run();
}

/** What the ledger has of clears, and the books after it that differ from the auditor's. */
function reading(world: RecoveryWorld, pipeline: Rebuilding["pipeline"]) {
  pipeline.finish();
  const clears = pipeline.sequencer.ledger.clears.list();
  const places = clears.map(({ stream, sequence }) => `${stream} behind ${sequence}`);
  const wrong = world.exchange.streams.flatMap((engine) => {
    const stream = pipeline.streams.find((other) => other?.id === engine.id);
    if (stream === undefined) return [`nothing of stream ${engine.id}`];
    const judged = new Map<number, Judged>();
    const place = clears.find((clear) => clear.stream === engine.id);
    if (place !== undefined) judged.set(engine.id, clearedAt(engine, place.sequence));
    return judgeBooks(judged, engine, stream, 0) ?? [];
  });
  return { places, wrong };
}

/** An auditor that was told to clear behind that number. */
function clearedAt({ log }: RecoveryWorld["exchange"]["streams"][number], place: number): Judged {
  const auditor = new Auditor();
  let position = 0;
  for (; position < log.end && auditor.lastSequence < place; position++) {
    auditor.apply(log.datagram(position));
  }
  auditor.clear();
  return { auditor, position, epoch: 0 };
}

const pipelineOf = (live: Live) => live.feeds.get(FEED)!.pipeline;

/** Another service that gets the same chunks in another order. */
function shuffled(chunks: readonly PackedChunk[], seed: number): Live {
  const random = new Random(seed);
  const live = new Live({ zstd: openZstd(), sequencer: SEQUENCER, ask: () => {} });
  const order = chunks.map((chunk, at) => ({ chunk, at: at + random.below(6) }));
  order.sort((a, b) => a.at - b.at);
  for (const { chunk } of order) live.push(chunk.bytes, 1e9);
  return live;
}

async function toFolder(name: string, world: RecoveryWorld): Promise<string> {
  const path = join(scratch, name);
  const sink = new DirChunkSink(path);
  for (const chunk of world.kept.values()) await sink.send(chunk);
  await sink.close();
  return path;
}

async function rebuilt(path: string) {
  const choice = { schema: "none", settled: false, digest: true, sequencer: SEQUENCER } as const;
  const rowsTo = () => {
    throw new Error("no rows were asked for");
  };
  const work = new Rebuilding({ ...choice, mastersFor: async () => undefined, rowsTo });
  await readOffline([path], new FlagValues(new Map()), new AbortController().signal, work);
  return work.pipeline;
}

const WORLDS: [string, Partial<WorldOptions>][] = [
  ["a calm stream", {}],
  [
    "a stream that is held by a gap just then",
    { isLost: (stream, _sequence, atMs) => stream === CLEARED && atMs > 480 && atMs < 495 },
  ],
];

describe("a clear through the collector", () => {
  for (const [what, options] of WORLDS) {
    test(`of ${what} has one place for all who read the chunks`, async () => {
      const world = cleared(options);
      const { places, wrong } = reading(world, pipelineOf(world.live));
      expect(places).toHaveLength(1);
      expect(wrong).toEqual([]);
      expect(await world.cleared).toEqual({ collector: "edge" });
      const kinds = [...world.kept.values()].map(({ header }) => header.kind);
      expect(kinds.filter((kind) => kind === "clear")).toHaveLength(1);
      for (const seed of [1, 2, 3]) {
        const other = shuffled([...world.kept.values()], seed);
        expect(reading(world, pipelineOf(other))).toEqual({ places, wrong: [] });
      }
      const path = await toFolder(what.replaceAll(" ", "-"), world);
      expect(reading(world, await rebuilt(path))).toEqual({ places, wrong: [] });
    }, 60_000);
  }

  test("is no frame: what makes captures and rows of chunks leaves it out", async () => {
    const path = await toFolder("convert", cleared());
    const frames = async (...words: string[]) => lastJson((await run(...words)).err);
    const plain = await toFolder("plain", cleared({ clear: undefined }));
    const pcaps = [join(scratch, "clear.pcap"), join(scratch, "plain.pcap")] as const;
    expect((await run("chunks", "convert", path, "--out", pcaps[0])).code).toBe(0);
    expect((await run("chunks", "convert", plain, "--out", pcaps[1])).code).toBe(0);
    const stats = await Promise.all(
      pcaps.map((pcap) => frames("rebuild", pcap, "--feed", FEED, "--schema", "none", "--stats")),
    );
    expect(stats[0]?.frames).toBe(stats[1]?.frames);
    expect(stats[0]?.messages).toBe(stats[1]?.messages);
  }, 60_000);
});
