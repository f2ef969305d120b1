import { describe, expect, test } from "bun:test";
import type { InstrumentMaster } from "../../feed/instruments.ts";
import { NSE_EPOCH_SEC } from "../../feed/nse/feed.ts";
import { writeOrder, writeTrade } from "../../feed/nse/writer.ts";
import { FEED_IDS } from "../../feed/registry.ts";
import { joinNs } from "../../feed/time.ts";
import { Channels } from "../../frames/channels.ts";
import { ChunkPacker } from "../../frames/chunk.ts";
import { FrameBatch } from "../../frames/frame-batch.ts";
import { openZstd } from "../../frames/zstd.ts";
import { restoreLive, wholeState } from "../checkpoint/live-state.ts";
import { Live, type LiveOptions } from "../live.ts";
import { LiveApi } from "../live-api.ts";
import { calendarOf } from "./declaration.ts";

const ASCII = (letter: string) => letter.charCodeAt(0);
const sec = (text: string) => Date.parse(text) / 1000;
const MONDAY = sec("2026-11-23T06:00:00Z");
const TUESDAY = sec("2026-11-24T06:00:00Z");
const SATURDAY = sec("2026-11-28T06:00:00Z");
const SUNDAY = sec("2026-11-29T06:00:00Z");
const TOKEN = 35_001;

const toml = (more = "") =>
  `[nse-fo]\ntime_zone = "Asia/Kolkata"\n${more}[[nse-fo.mock]]\ndate = "2026-11-28"\n`;
const calendar = (more?: string) =>
  calendarOf(Bun.TOML.parse(toml(more)) as Record<string, unknown>, FEED_IDS);

interface Sent {
  readonly sequence: number;
  /** Exchange time, seconds since 1970; the capture's is the same unless `capturedSec` says another. */
  readonly atSec: number;
  readonly capturedSec?: number;
  readonly price?: number;
  /** A trade of the order that has this number, instead of a new order. */
  readonly tradeOf?: number;
}

/** A service and what is sent to it, a chunk at a time. */
class Day {
  readonly channels = new Channels();
  readonly live: Live;
  readonly api: LiveApi;
  private readonly packer: ChunkPacker;
  private chunk = 0;

  constructor(options: Partial<LiveOptions> = {}) {
    this.channels.add({ group: "239.1.0.1", port: 9000, feed: "nse-fo", stream: 1, line: 0 });
    this.packer = new ChunkPacker(this.channels, openZstd(), "raw");
    this.live = new Live({ zstd: openZstd(), calendar: calendar(), ask() {}, ...options });
    this.api = new LiveApi(this.live);
  }

  push(...sent: readonly Sent[]): this {
    const frames = new FrameBatch(sent.length);
    const bytes = new Uint8Array(sent.length * 64);
    const view = new DataView(bytes.buffer);
    frames.reset(bytes);
    sent.forEach((each, at) => {
      const length = write(view, at * 64, each);
      frames.add(at * 64, length, each.capturedSec ?? each.atSec, at, 0);
    });
    const title = { kind: "live", collector: "edge", boot: 1, oldest: 1, feed: "nse-fo" } as const;
    const packed = this.packer.pack(
      {
        ...title,
        number: ++this.chunk,
        previous: this.chunk - 1,
        stream: 1,
        session: "",
        firstSequence: sent[0].sequence,
        lastSequence: sent[sent.length - 1].sequence,
        clock: "kernel",
        runs: [],
        copies: 0,
        runsDropped: 0,
      },
      frames,
    );
    this.live.push(packed.bytes, 0);
    return this;
  }

  get book() {
    return this.api.book("nse-fo", String(TOKEN), "10") as unknown as {
      readonly bids: readonly { readonly price: string }[];
      readonly symbol: string | null;
    };
  }

  get prices(): number[] {
    return this.book.bids.map(({ price }) => Number(price));
  }

  get refused() {
    const counts = Object.entries(this.live.feeds.get("nse-fo")?.gate?.refused ?? {});
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  get stream() {
    return this.api.streams().streams[0];
  }

  get epochs() {
    const rows = this.live.feeds.get("nse-fo")?.pipeline.sequencer.ledger.epochs.list() ?? [];
    return rows.map(({ reason, first }) => `${reason} ${first}`);
  }
}

function write(
  view: DataView,
  at: number,
  { sequence, atSec, price = 100, tradeOf }: Sent,
): number {
  const time = { hi: 0, lo: 0 };
  joinNs(atSec - NSE_EPOCH_SEC, sequence, time);
  if (tradeOf !== undefined) {
    return writeTrade(
      view,
      at,
      ASCII("T"),
      1,
      sequence,
      time.hi,
      time.lo,
      orderId(tradeOf),
      0,
      TOKEN,
      price * 100,
      1,
    );
  }
  return writeOrder(
    view,
    at,
    ASCII("N"),
    1,
    sequence,
    time.hi,
    time.lo,
    orderId(sequence),
    TOKEN,
    ASCII("B"),
    price * 100,
    10,
  );
}

const orderId = (number: number) => 1_600_000_000_000_000 + number;

describe("frames of another day", () => {
  test("are refused and counted, and change no book, whenever they are captured", () => {
    const day = new Day().push({ sequence: 1, atSec: TUESDAY, price: 100 });
    // Monday's recording on the live group: its numbers would be next, or a restart.
    day.push(
      { sequence: 2, atSec: MONDAY, capturedSec: TUESDAY + 1, price: 50 },
      { sequence: 2, atSec: TUESDAY + 1, price: 101 },
      { sequence: 3, atSec: MONDAY + 1, capturedSec: TUESDAY + 2, price: 51 },
    );
    day.push({ sequence: 1, atSec: MONDAY, capturedSec: TUESDAY + 3, price: 52 });
    day.push({ sequence: 2, atSec: MONDAY + 1, capturedSec: TUESDAY + 3, price: 53 });
    day.push({ sequence: 3, atSec: TUESDAY + 4, price: 102 });
    expect(day.prices).toEqual([102, 101, 100]);
    expect(day.refused).toEqual({ other_day: 4 });
    expect([day.stream.lost, day.stream.state, day.epochs]).toEqual([0, "live", ["start 1"]]);
  });

  test("are said once, not once a frame", () => {
    const day = new Day().push({ sequence: 1, atSec: TUESDAY });
    for (let more = 0; more < 5; more++) day.push({ sequence: 9, atSec: MONDAY });
    expect(day.live.dayNotices.take()).toEqual([
      "nse-fo: the trading day is 2026-11-24",
      "nse-fo: frames are refused, because they are of another day (the day is 2026-11-24)",
    ]);
    expect(day.live.dayNotices.take()).toEqual([]);
  });

  test("of no session, of a mock session, or dated ahead of their capture are refused too", () => {
    const day = new Day().push({ sequence: 1, atSec: TUESDAY });
    day.push({ sequence: 2, atSec: SUNDAY }, { sequence: 2, atSec: SATURDAY });
    day.push({ sequence: 2, atSec: TUESDAY + 7 * 86_400, capturedSec: TUESDAY });
    expect(day.refused).toEqual({ no_session: 1, mock_session: 1, ahead_of_capture: 1 });
    expect(day.stream.messages).toBe(1);
  });

  test("a mock day is a day as any other where the calendar takes it", () => {
    const day = new Day({ calendar: calendar("take_mock = true\n") });
    day.push({ sequence: 1, atSec: SATURDAY, price: 70 });
    expect([day.prices, day.refused]).toEqual([[70], {}]);
  });

  test("are all but the one that --date names", () => {
    const day = new Day({ onlyDay: Math.floor(MONDAY / 86_400) });
    day.push({ sequence: 1, atSec: MONDAY, price: 60 }, { sequence: 2, atSec: TUESDAY, price: 61 });
    expect([day.prices, day.refused]).toEqual([[60], { other_day: 1 }]);
  });
});

describe("at a day change", () => {
  const monday = () =>
    new Day().push(
      { sequence: 1, atSec: MONDAY, price: 100 },
      { sequence: 2, atSec: MONDAY, price: 101 },
      { sequence: 3, atSec: MONDAY, price: 101, tradeOf: 2 },
    );

  test("a stream begins a new epoch with its first number, in the middle of a chunk too", () => {
    const day = monday().push(
      { sequence: 4, atSec: MONDAY + 1, price: 99 },
      { sequence: 1, atSec: TUESDAY, price: 200 },
      { sequence: 2, atSec: TUESDAY, price: 201 },
    );
    expect([day.prices, day.refused]).toEqual([[201, 200], {}]);
    expect(day.epochs).toEqual(["start 1", "day 1"]);
    expect([day.stream.lost, day.stream.state, day.stream.messages]).toEqual([0, "live", 6]);
  });

  test("also where the new day's numbers go on from the old ones: it joined late, and says so", () => {
    const day = monday().push({ sequence: 4, atSec: TUESDAY, price: 200 });
    day.push({ sequence: 5, atSec: TUESDAY + 1, price: 201 });
    expect(day.prices).toEqual([201, 200]);
    expect([day.epochs, day.stream.lost]).toEqual([["start 1", "day 4"], 0]);
    expect(day.stream.doubtful).toBe(true);
  });

  test("one message alone is enough: no number of the old day can be meant", () => {
    const day = monday().push({ sequence: 1, atSec: TUESDAY, price: 200 });
    expect([day.prices, day.epochs]).toEqual([[200], ["start 1", "day 1"]]);
  });

  test("a token that is used again has no order, no trade and no name of the day before", () => {
    const names = new Map<string, InstrumentMaster>([[String(TOKEN), { symbol: "OLD" }]]);
    const day = new Day({ decoderFor: () => ({ masters: names }) }).push(
      { sequence: 1, atSec: MONDAY, price: 100 },
      { sequence: 2, atSec: MONDAY, price: 100, tradeOf: 1 },
    );
    const trades = () =>
      (day.api.trades("nse-fo", String(TOKEN), "10") as { trades: object[] }).trades.length;
    expect([trades(), day.book.symbol]).toEqual([1, "OLD"]);
    names.set(String(TOKEN), { symbol: "NEW" });
    day.push({ sequence: 1, atSec: TUESDAY, price: 200 });
    expect([trades(), day.prices, day.book.symbol]).toEqual([0, [200], "NEW"]);
    day.push({ sequence: 2, atSec: TUESDAY, price: 200, tradeOf: 1 });
    expect(trades()).toBe(1);
  });

  test("the day is part of a checkpoint: a new life refuses what the old one would have", () => {
    const before = monday().push({ sequence: 1, atSec: TUESDAY, price: 200 });
    const { outline, graph } = wholeState(before.live);
    const buffers = graph.buffers.map((bytes) => bytes.slice().buffer);
    const after = new Day();
    restoreLive(after.live, { outline, graph: { nodes: graph.nodes, buffers } });
    for (let more = 0; more < 7; more++) after.push({ sequence: 9, atSec: MONDAY });
    expect([after.refused, after.prices]).toEqual([{ other_day: 5 }, [200]]);
  });
});
