/** Chunks with recovered messages and snapshots, read from files, give what the live service gave. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Certifying } from "../cli/certifying.ts";
import { FlagValues } from "../cli/flag-values.ts";
import { parseHistoryQuery } from "../cli/history-query.ts";
import { HistorySession } from "../cli/history-session.ts";
import { type Consumer, readOffline } from "../cli/offline.ts";
import { Rebuilding } from "../cli/rebuilding.ts";
import { Channels } from "../frames/channels.ts";
import { DirChunkSink } from "../frames/transport-dir.ts";
import { type Certificate, certificatesOf } from "../streams/certificate.ts";
import { compareCertificates, contradictions } from "../streams/certificate-check.ts";
import { lastJson, run } from "./live-run.ts";
import { type Judged, judgeBooks } from "./recovery-judge.ts";
import { RecoveryWorld, type WorldOptions } from "./recovery-world.ts";

/** A world in virtual time takes a second, and more where others want the processor. */
setDefaultTimeout(60_000);

const scratch = mkdtempSync(join(tmpdir(), "edgebook-offline-repairs-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const SMALL = { streams: 2, instruments: 20, ordersPerStream: 150, messagesPerSecond: 3000 };
const TOOL = "edgebook test";
/** As the centre of that world has it. */
const SEQUENCER = { windowNs: 20e6 };

/** A run of the world, its chunks in a directory as `--to dir:` writes them. */
async function collected(name: string, options: Partial<WorldOptions>) {
  const world = new RecoveryWorld({
    exchange: { seed: 5, ...SMALL },
    tradingMs: 1500,
    quietMs: 1500,
    seed: 5,
    isLost: (stream, sequence) => stream === 1 && sequence >= 300 && sequence <= 340,
    ...options,
  }).run();
  const path = join(scratch, name);
  const sink = new DirChunkSink(path);
  for (const chunk of world.kept.values()) await sink.send(chunk);
  await sink.close();
  return { world, path };
}

async function readAll<C extends Consumer>(path: string, consumer: C): Promise<C> {
  const flags = new FlagValues(new Map());
  const report = await readOffline([path], flags, new AbortController().signal, consumer);
  expect(report.complaints).toEqual([]);
  return consumer;
}

async function rebuilt(path: string): Promise<Rebuilding> {
  const choice = { schema: "none", settled: false, digest: true, sequencer: SEQUENCER } as const;
  const rowsTo = () => {
    throw new Error("no rows were asked for");
  };
  return readAll(path, new Rebuilding({ ...choice, mastersFor: async () => undefined, rowsTo }));
}

/** What is wrong with the books by the auditor, in words. */
function problems(world: RecoveryWorld, { pipeline }: Rebuilding): string[] {
  const judged = new Map<number, Judged>();
  return world.exchange.streams.flatMap((engine) => {
    const stream = pipeline.streams.find((other) => other?.id === engine.id);
    if (stream === undefined) return [`nothing of stream ${engine.id}`];
    const { lastSequence } = engine.publisher;
    if (stream.lastSequence !== lastSequence) return [`stream ${engine.id} is not at its end`];
    return judgeBooks(judged, engine, stream, 0) ?? [];
  });
}

function liveCertificates({ live }: RecoveryWorld): Certificate[] {
  const { feed, pipeline, tallies } = live.feeds.get("nse-fo")!;
  pipeline.finish();
  return certificatesOf(feed, pipeline.sequencer, tallies!, { tool: TOOL });
}

describe("chunks of what both lines lost", () => {
  test("that recovery brought back: nothing is lost, and the books are the auditor's", async () => {
    const { world, path } = await collected("ticks", {});
    expect(world.chunkKinds.get("recovered")).toBeGreaterThan(0);
    const work = await rebuilt(path);
    const { lost, recovered } = work.pipeline.sequencer.stats();
    expect({ lost, recovered }).toEqual({ lost: 0, recovered: 41 });
    expect(problems(world, work)).toEqual([]);
    const whole = await rebuilt((await collected("whole", { isLost: () => false })).path);
    expect([work.digestText, work.digestChanges]).toEqual([whole.digestText, whole.digestChanges]);
  });

  test("that only a snapshot mended: the same, and no row of it is doubtful", async () => {
    const { world, path } = await collected("image", { edge: { ticks: false } });
    expect(world.chunkKinds.get("snapshot")).toBeGreaterThan(0);
    const work = await rebuilt(path);
    const { lost, recovered } = work.pipeline.sequencer.stats();
    expect({ lost, recovered }).toEqual({ lost: 0, recovered: 41 });
    expect(work.pipeline.sequencer.streams.map(({ isDoubtful }) => isDoubtful)).toEqual([
      false,
      false,
    ]);
    expect(problems(world, work)).toEqual([]);
  });

  test("that joined late: a snapshot makes the books whole", async () => {
    const { world, path } = await collected("noon", { centreFromMs: 700, isLost: () => false });
    const work = await rebuilt(path);
    expect(work.pipeline.sequencer.streams.some(({ isDoubtful }) => isDoubtful)).toBe(false);
    expect(problems(world, work)).toEqual([]);
  });

  test("that nobody could be asked for stay lost, as they are live", async () => {
    const { path } = await collected("nobody", { edge: { ticks: false, snapshots: false } });
    const { lost, recovered } = (await rebuilt(path)).pipeline.sequencer.stats();
    expect({ lost, recovered }).toEqual({ lost: 41, recovered: 0 });
  });

  for (const ticks of [true, false]) {
    test(`certify as the service does, ${ticks ? "recovered" : "spliced"}`, async () => {
      const { world, path } = await collected(`certify-${ticks}`, { edge: { ticks } });
      const work = await readAll(path, new Certifying(SEQUENCER));
      expect(work.complaints()).toEqual([]);
      const ours = work.certificates(TOOL, undefined);
      const sum = (of: (certificate: Certificate) => number) =>
        ours.reduce((total, certificate) => total + of(certificate), 0);
      // What `rebuild --stats` says of the same chunks: a snapshot repairs, it loses nothing.
      expect(sum(({ lost }) => lost)).toBe(0);
      expect(sum(({ recovered }) => recovered)).toBe(41);
      expect(sum((certificate) => certificate.by_snapshot)).toBe(ticks ? 0 : 41);
      expect(ours.flatMap(contradictions)).toEqual([]);
      const sides = { ours: "the chunks", theirs: "the service" };
      const options = { strict: true, sides };
      expect(compareCertificates(ours, liveCertificates(world), options)).toEqual([]);
    });
  }
});

/** What a client of `replay --serve` gets of these chunks. */
async function history(path: string) {
  const source = {
    paths: [path],
    channels: () => new Channels(),
    feed: undefined,
    spec: undefined,
    date: undefined,
    mastersFor: async () => undefined,
  };
  const said: string[] = [];
  const out = async (lines: Uint8Array) => void said.push(new TextDecoder().decode(lines));
  const session = new HistorySession(source, parseHistoryQuery(new URLSearchParams()), out);
  await session.run(new AbortController().signal);
  type Line = { gap?: { from: string; to: string }; sequence: string; stream: number };
  const lines = said.join("").trimEnd().split("\n");
  const records = lines.map((line) => JSON.parse(line) as Line);
  return {
    gaps: records.flatMap(({ gap }) => (gap === undefined ? [] : [gap])),
    ofLost: records.filter(({ stream, sequence: at }) => stream === 1 && +at >= 300 && +at <= 340),
  };
}

describe("the history that a replay serves of chunks", () => {
  // An exchange that is slow to answer: by then a window would long be over.
  const slow = { tickServer: { lagNs: 400e6 } };

  test("has the rows that recovery brought, however late, and tells of no gap", async () => {
    const { path } = await collected("history", slow);
    const { gaps, ofLost } = await history(path);
    expect(gaps).toEqual([]);
    expect(ofLost.length).toBeGreaterThan(0);
  });

  test("has what a snapshot mended, and tells of no gap", async () => {
    const { path } = await collected("history-image", { edge: { ticks: false } });
    expect((await history(path)).gaps).toEqual([]);
  });

  test("tells of the gap that nobody mended", async () => {
    const nobody = { edge: { ticks: false, snapshots: false } };
    const { path } = await collected("history-nobody", nobody);
    const { gaps, ofLost } = await history(path);
    expect(gaps).toMatchObject([{ from: "300", to: "340" }]);
    expect(ofLost).toEqual([]);
  });
});

describe("the command", () => {
  test("reads a directory of them, and the files of it, alike", async () => {
    const { path } = await collected("command", {});
    const folder = await run("rebuild", path, "--schema", "none", "--stats", "--digest");
    expect(folder.code).toBe(0);
    const stats = lastJson(folder.err);
    expect(stats).toMatchObject({ lost: 0, recovered: 41 });
    const [one] = [...new Bun.Glob("**/*.ebch").scanSync({ cwd: path, absolute: true })].filter(
      (file) => file.includes("/1/"),
    );
    const alone = await run("rebuild", one!, "--schema", "none", "--stats");
    expect(alone.code).toBe(0);
    expect(lastJson(alone.err)).toMatchObject({ lost: 0, recovered: 41 });
  }, 60_000);
});
