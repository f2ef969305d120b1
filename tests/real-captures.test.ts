/**
 * Real exchange traffic against what others made of it. The captures stand beside the checkout; where
 * they are not there, nothing is run.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { BookPipeline } from "../book/pipeline.ts";
import { FlagValues } from "../cli/flag-values.ts";
import { type Consumer, readOffline } from "../cli/offline.ts";
import { nasdaqItch50 } from "../feed/nasdaq/feed.ts";
import { sequenced } from "../feed/sequenced/feed.ts";
import { captureFrames } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import { openInput } from "../frames/input.ts";
import type { SequencerStats } from "../streams/stats.ts";
import { csvRows, edgebook, statsOf } from "./cli-run.ts";
import { capturePath } from "./feed-reading.ts";
import { LobsterCheck, readLobster } from "./lobster.ts";

const iexDeep = capturePath("captures/iex-deep/iex-deep-2023-10-02.pcap.gz");
const SYMBOLS = ["AAPL", "MSFT", "TSLA", "GOOGL", "AMZN"];

/** The other parser's times went through a double: only these digits survived. */
function roundedTime(ns: string | undefined): number {
  return Number(ns);
}

function expectedRows(name: string): Record<string, string>[] {
  const path = capturePath(`captures/iex-deep/expected/${name}`);
  return csvRows(readFileSync(path ?? "", "latin1"));
}

describe.if(iexDeep !== undefined)("IEX DEEP, half an hour of production", () => {
  test("48,325 messages arrive without a gap", async () => {
    const run = await edgebook(["rebuild", iexDeep ?? "", "--schema", "none", "--stats"]);
    expect(run.code).toBe(0);
    expect(statsOf(run)).toMatchObject({
      packets: 5000,
      frames: 5000,
      messages: 48_325,
      duplicates: 0,
      gaps: 0,
      lost: 0,
      anomalies: {},
    });
  });

  test("trades equal those of another parser", async () => {
    const run = await edgebook(["rebuild", iexDeep ?? "", "--schema", "trades", "--format", "csv"]);
    const ours = csvRows(run.out);
    expect(ours).toHaveLength(37);
    const shown = ours
      .filter((row) => SYMBOLS.includes(row.token))
      .map((row) => [
        row.token,
        row.ts_event,
        Number(row.price),
        row.size,
        row.trade_id,
        roundedTime(row.ts_recv),
      ]);
    const expected = expectedRows("test_trd.csv").map((row) => [
      row.Symbol,
      row["Exchange Timestamp"],
      Number(row.Price),
      row.Size,
      row["Trade ID"],
      roundedTime(row["Packet Capture Time"]),
    ]);
    expect(shown).toEqual(expected);
  });

  test("price levels equal those of another parser", async () => {
    const run = await edgebook(["decode", iexDeep ?? "", "--format", "csv"]);
    const levels = csvRows(run.out).filter((row) => row.type === "8" || row.type === "5");
    expect(levels).toHaveLength(2752);
    const shown = levels
      .filter((row) => SYMBOLS.includes(row.symbol))
      .map((row) => [
        row.symbol,
        row.timestamp,
        Number(row.price),
        row.size,
        row.type === "8" ? "0" : "1",
        row.event_flags,
        roundedTime(row.ts_recv),
      ]);
    const expected = expectedRows("test_prl.csv").map((row) => [
      row.Symbol,
      row["Exchange Timestamp"],
      Number(row.Price),
      row.Size,
      row[" Buy_Ask Flag"],
      row["Event Flag"],
      roundedTime(row["Packet Capture Time"]),
    ]);
    expect(shown).toEqual(expected);
  });

  test("no book is crossed once an event is complete", async () => {
    const run = await edgebook(["rebuild", iexDeep ?? "", "--schema", "mbp-1", "--format", "csv"]);
    const rows = csvRows(run.out);
    expect(rows).toHaveLength(2752 + 37);
    const complete = rows.filter((row) => row.flags.includes("L"));
    expect(complete.length).toBeGreaterThan(2000);
    for (const { bid_px_00: bid, ask_px_00: ask } of complete) {
      if (bid !== "" && ask !== "") expect(Number(bid)).toBeLessThan(Number(ask));
    }
  });
});

const amzn = capturePath("books/LOBSTER_SampleFile_AMZN_2012-06-21_5.zip");
const lobster =
  amzn === undefined
    ? undefined
    : readLobster(amzn, capturePath("books/amzn_l5.rowmarks.csv.gz") ?? "");

/** Runs a file through the pipeline with the LOBSTER rows beside it. */
async function checkAgainstLobster(name: string): Promise<LobsterCheck | undefined> {
  let check: LobsterCheck | undefined;
  let pipeline: BookPipeline | undefined;
  const consumer: Consumer = {
    usesDay: false,
    open: ({ feed, channels }) => {
      const observerFor: NonNullable<
        ConstructorParameters<typeof BookPipeline>[2]["observerFor"]
      > = (stream) => {
        if (lobster) check = new LobsterCheck(lobster, stream);
        return check ?? null;
      };
      pipeline = new BookPipeline(feed, channels, { effects: false, observerFor });
    },
    frames: (batch) => pipeline?.push(batch),
    fileBytes: (bytes, from, to) => pipeline?.pushFileMessages(bytes, from, to) ?? to,
    finish: () => pipeline?.finish(),
  };
  const flags = new FlagValues(new Map([["feed", [nasdaqItch50.id]]]));
  const path = capturePath(name) ?? "";
  const report = await readOffline([path], flags, new AbortController().signal, consumer);
  expect(report.complaints).toEqual([]);
  return check;
}

describe.if(lobster !== undefined)("AMZN, a whole session of NASDAQ", () => {
  for (const name of ["books/amzn_l5.itch50.gz", "books/amzn_l5.mold64.pcap.gz"]) {
    test(`all 155,935 five-level books of LOBSTER equal ours (${name})`, async () => {
      const check = await checkAgainstLobster(name);
      expect(check?.firstDifference).toBe("");
      expect(check?.compared).toBe(155_935);
      expect(check?.different).toBe(0);
    });
  }
});

/** Arbitrates a capture of opaque datagrams whose number stands at offset 0, u32 little endian. */
async function arbitrated(name: string, groups: readonly string[]): Promise<SequencerStats> {
  const channels = new Channels();
  const sequenceField = { offset: 0, width: 4, littleEndian: true };
  groups.forEach((address, at) => {
    const [group, port] = address.split(":");
    const feed = sequenced.id;
    const stream = Math.floor(at / 2) + 1;
    channels.add({ group, port: Number(port), feed, stream, line: at % 2, sequenceField });
  });
  const pipeline = new BookPipeline(sequenced, channels, { effects: false });
  const input = await openInput(capturePath(name) ?? "");
  await captureFrames(input, channels, new CaptureCounters(), (batch) => pipeline.push(batch));
  pipeline.finish();
  return pipeline.sequencer.stats();
}

/** Channels of the CME v9.1 capture: last byte of line A's group, line B's, and the channel's number. */
const CME_CHANNELS = [
  [5, 132, 14],
  [20, 147, 61],
  [19, 146, 60],
  [29, 156, 48],
  [4, 131, 13],
  [6, 133, 15],
  [3, 130, 12],
  [7, 134, 16],
  [8, 135, 17],
];

describe.if(iexDeep !== undefined)("CME, two lines of opaque datagrams", () => {
  test("v8.1: 5,000 delivered, 5,000 seen again, A first 1,256 times and B 3,744", async () => {
    const stats = await arbitrated("captures/other/Cme.Mdp3.Sbe.v8.1.Example.pcap.gz", [
      "224.0.31.11:14320",
      "224.0.32.11:15320",
    ]);
    expect(stats).toMatchObject({ messages: 5000, duplicates: 5000, gaps: 0, lost: 0, late: 0 });
    expect(stats.streams[0].lines.map((line) => [line.name, line.firstArrivals])).toEqual([
      ["line A", 1256],
      ["line B", 3744],
    ]);
  });

  test("v9.1: nine channels fill each other's holes", async () => {
    const groups = CME_CHANNELS.flatMap(([a, b, port]) => [
      `224.0.28.${a}:143${port}`,
      `224.0.28.${b}:153${port}`,
    ]);
    const stats = await arbitrated("captures/other/Cme.Mdp3.Sbe.v9.1.Example.pcap.gz", groups);
    expect(stats).toMatchObject({ messages: 52, duplicates: 47, gaps: 0, lost: 0 });
    expect(stats.streams).toHaveLength(9);
  });
});
