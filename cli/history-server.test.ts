import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeOrder } from "../feed/nse/writer.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { PcapWriter } from "../frames/pcap-writer.ts";
import { HistoryServer } from "./history-server.ts";
import { type Listener, ReplayDoor } from "./replay-door.ts";

const FRAMES = 400;
const START_SEC = 1_700_000_000;
const NSE_EPOCH_SEC = 315_513_000;
/** Numbers 100 to 109 are on neither line. */
const LOST = [100, 110] as const;

let folder = "";
let listener: Listener;

/** New orders of two instruments, 20 ms apart by both clocks. */
function capture(): Uint8Array {
  const channels = new Channels();
  channels.add({ group: "239.1.1.1", port: 1, feed: "", stream: 0, line: 0 });
  const frames = new FrameBatch(FRAMES);
  frames.reset(new Uint8Array(FRAMES * 38));
  for (let i = 0; i < FRAMES; i++) {
    if (i + 1 >= LOST[0] && i + 1 < LOST[1]) continue;
    const ns = i * 20e6;
    const sec = START_SEC + Math.floor(ns / 1e9);
    const eventNs = (sec - NSE_EPOCH_SEC) * 1e9 + (ns % 1e9);
    const hi = Math.floor(eventNs / 2 ** 32);
    const lo = (eventNs % 2 ** 32) | 0;
    writeOrder(frames.view, i * 38, 78, 1, i + 1, hi, lo, 1000 + i, 7 + (i % 2), 66, 100 + i, 5);
    frames.add(i * 38, 38, sec, ns % 1e9, 0);
  }
  const writer = new PcapWriter(channels);
  return Buffer.concat([writer.fileHeader(), writer.packets(frames)]);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edgebook-history-"));
  writeFileSync(join(folder, "a.pcap"), capture());
  const server = new HistoryServer({
    paths: [join(folder, "a.pcap")],
    channels: () => new Channels(),
    feed: "nse-fo",
    spec: undefined,
    date: undefined,
    mastersFor: async () =>
      new Map([
        ["7", { symbol: "NIFTY" }],
        ["8", { symbol: "OTHER" }],
      ]),
  });
  listener = server.listen(new ReplayDoor("serve", "127.0.0.1:0"));
});
afterAll(async () => {
  await listener.close();
  rmSync(folder, { recursive: true, force: true });
});

type Line = Record<string, unknown>;

const linesOf = (text: string): Line[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

async function history(query: string): Promise<{ rows: Line[]; gaps: Line[]; ms: number }> {
  const startMs = performance.now();
  const answer = await fetch(`${listener.url}/v1/replay?${query}`);
  expect(answer.status).toBe(200);
  const lines = linesOf(await answer.text());
  return {
    rows: lines.filter((line) => !("gap" in line)),
    gaps: lines.filter((line) => "gap" in line),
    ms: performance.now() - startMs,
  };
}

const at = (seconds: number) => `${START_SEC + seconds}000000000`;

describe("history over HTTP", () => {
  test("answers every row, and what was lost between them", async () => {
    const { rows, gaps } = await history("schema=mbo");
    expect(rows.length).toBe(FRAMES - (LOST[1] - LOST[0]));
    expect(rows[0]).toMatchObject({ sequence: "1", token: "7", ts_recv: at(0), action: "A" });
    expect(gaps).toMatchObject([{ gap: { stream: 1, from: "100", to: "109" } }]);
  });

  test("answers rows of a span and of symbols only, from books built before it", async () => {
    const { rows } = await history(`schema=mbp-1&symbols=NIFTY&from=${at(4)}&until=${at(5)}`);
    expect(rows.length).toBe(25);
    expect(rows.every(({ token }) => token === "7")).toBe(true);
    expect(rows[0].ts_recv).toBe(at(4));
    // Some hundred orders before that moment.
    expect(Number(rows[0].bid_ct_00)).toBe(1);
    expect(rows[0].bid_px_00).toBe("3.00");
  });

  test("goes at the speed asked for, once the moment is reached", async () => {
    const { ms, rows } = await history(`schema=mbo&from=${at(6)}&until=${at(7)}&speed=2x`);
    expect(rows.length).toBe(50);
    expect(ms).toBeGreaterThan(450);
  });

  test("says what is wrong with a request before any row", async () => {
    for (const query of ["schema=mbx", "speed=fast", "from=noon", "tokens=1", "feed=nse"]) {
      const answer = await fetch(`${listener.url}/v1/replay?${query}`);
      expect(answer.status).toBe(400);
      expect(Object.keys(await answer.json())).toEqual(["code", "message", "hint"]);
    }
    expect((await fetch(`${listener.url}/v2`)).status).toBe(404);
  });
});

describe("history over a WebSocket", () => {
  test("pauses, steps, seeks back, and ends with all rows said", async () => {
    const socket = new WebSocket(`${listener.url.replace("http", "ws")}/v1/replay?speed=1x`);
    const rows: Line[] = [];
    const states: Line[] = [];
    let closed: number | undefined;
    socket.onmessage = ({ data }) => {
      for (const line of linesOf(String(data))) {
        if ("state" in line) states.push(line);
        else if ("sequence" in line) rows.push(line);
      }
    };
    socket.onclose = ({ code }) => {
      closed = code;
    };
    const until = async (done: () => boolean) => {
      for (const endMs = performance.now() + 10_000; !done(); await Bun.sleep(5)) {
        if (performance.now() > endMs) throw new Error(`${rows.length} rows, ${states.length}`);
      }
    };
    const say = (asked: object) => socket.send(JSON.stringify(asked));
    await until(() => rows.length > 3);
    say({ op: "pause" });
    await until(() => states.at(-1)?.state === "paused");
    const before = rows.length;
    await Bun.sleep(100);
    expect(rows.length).toBe(before);
    say({ op: "step", frames: 2 });
    await until(() => rows.length === before + 2);
    say({ op: "seek", to: at(7) });
    say({ op: "step" });
    await until(() => rows.at(-1)?.ts_recv === at(7));
    say({ op: "seek", to: at(1) });
    say({ op: "speed", speed: "max" });
    const seen = rows.length;
    say({ op: "resume" });
    await until(() => closed !== undefined);
    expect(closed).toBe(1000);
    expect(rows.length - seen).toBe(FRAMES - 50 - (LOST[1] - LOST[0]));
    expect(rows[seen].ts_recv).toBe(at(1));
    expect(states.at(-1)?.state).toBe("ended");
  });
});
