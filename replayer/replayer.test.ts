import { describe, expect, test } from "bun:test";
import { FrameBatch } from "../frames/frame-batch.ts";
import { until } from "../tests/until.ts";
import { ReplayControl } from "./control.ts";
import type { Instant } from "./filter.ts";
import { Impairment } from "./impairment.ts";
import { type ReplayOptions, replay } from "./replayer.ts";

const FIRST_SEC = 1_700_000_000;

/** Frames numbered from 0, `gapMs` apart, in batches of ten. */
function* batches(count: number, gapMs: number, fromSec = 0, fromNsec = 0) {
  const batch = new FrameBatch(10);
  const bytes = new Uint8Array(40);
  batch.reset(bytes);
  for (let i = 0; i < count; i++) {
    const ms = i * gapMs;
    const sec = FIRST_SEC + Math.floor(ms / 1000);
    const nsec = Math.round((ms % 1000) * 1e6);
    if (sec < fromSec || (sec === fromSec && nsec < fromNsec)) continue;
    batch.view.setUint32(batch.count * 4, i);
    batch.add(batch.count * 4, 4, sec, nsec, 0);
    if (batch.count < 10 && i < count - 1) continue;
    yield batch;
    batch.reset(bytes);
  }
}

interface Sent {
  readonly number: number;
  readonly atMs: number;
}

function run(
  count: number,
  gapMs: number,
  options: ReplayOptions,
  signal?: AbortSignal,
  onSent: (count: number) => void = () => {},
) {
  const sent: Sent[] = [];
  const target = {
    send(frames: FrameBatch, from: number, to: number) {
      for (let i = from; i < to; i++) {
        const number = frames.view.getUint32(frames.offset[i]);
        sent.push({ number, atMs: performance.now() });
        onSent(sent.length);
      }
    },
  };
  const pass = (place: Instant | undefined) => asynchronous(count, gapMs, place);
  const ended = replay(pass, target, options, signal ?? new AbortController().signal);
  return { sent, ended, numbers: () => sent.map(({ number }) => number) };
}

async function* asynchronous(count: number, gapMs: number, place: Instant | undefined) {
  yield* batches(count, gapMs, place?.sec, place?.nsec);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const REAL_TIME = { kind: "captured", factor: 1 } as const;

describe("a replay", () => {
  test("sends every frame once, in order, none before it is due", async () => {
    // Not from the first frame on: it may have been late itself.
    const startMs = performance.now();
    const { sent, ended, numbers } = run(60, 3, { pace: REAL_TIME });
    const report = await ended;
    expect(numbers()).toEqual(range(0, 60));
    expect(sent.every(({ atMs }, i) => atMs - startMs >= i * 3)).toBe(true);
    expect([report.sent, report.bytes, report.lateness.count]).toEqual([60, 240, 60]);
    expect(Math.abs(report.askedPerSecond - 1000 / 3)).toBeLessThan(1);
  });

  test("holds in a pause, steps through it, and goes on without a jump", async () => {
    const control = new ReplayControl(REAL_TIME);
    const options = { pace: REAL_TIME, control };
    const { sent, ended, numbers } = run(100, 2, options, undefined, (count) => {
      if (count === 20) control.pause();
    });
    await until(() => control.phase === "paused", "the pause");
    await Bun.sleep(60);
    const before = sent.length;
    expect([before >= 20, before < 100]).toEqual([true, true]);
    await Bun.sleep(60);
    expect(sent.length).toBe(before);
    control.step(3);
    await until(() => sent.length >= before + 3, "three steps");
    await Bun.sleep(60);
    expect([sent.length, control.sent]).toEqual([before + 3, before + 3]);
    const resumedMs = performance.now();
    control.resume();
    await ended;
    expect([numbers(), control.phase]).toEqual([range(0, 100), "ended"]);
    // Had the pause been forgotten, all that fell into it would come at once.
    expect(sent[99].atMs - resumedMs).toBeGreaterThan((96 - before) * 2 * 0.9);
  });

  test("changes its speed while it waits for a frame far away", async () => {
    const control = new ReplayControl({ kind: "captured", factor: 0.001 });
    const startMs = performance.now();
    const { ended, numbers } = run(50, 50, { pace: control.pace, control });
    await Bun.sleep(50);
    control.speed({ kind: "max" });
    await ended;
    expect(numbers()).toEqual(range(0, 50));
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  test("goes back and forth to any moment, paused or not", async () => {
    const control = new ReplayControl(REAL_TIME, true);
    const { sent, ended } = run(100, 10, { pace: REAL_TIME, control });
    const place = (ms: number) => ({ sec: FIRST_SEC, nsec: ms * 1e6 });
    control.seek(place(900));
    await Bun.sleep(50);
    expect(sent.length).toBe(0);
    control.step(1);
    await until(() => sent.length > 0, "a step");
    await Bun.sleep(50);
    expect(sent.map(({ number }) => number)).toEqual([90]);
    expect([control.positionSec, control.positionNsec]).toEqual([FIRST_SEC, 900e6]);
    control.seek(place(500));
    control.speed({ kind: "max" });
    control.resume();
    await ended;
    expect(sent.slice(1).map(({ number }) => number)).toEqual(range(50, 100));
  });

  test("ends at once when it is told to, even between frames two milliseconds apart", async () => {
    const abort = new AbortController();
    const { sent, ended } = run(100_000, 2, { pace: REAL_TIME }, abort.signal);
    setTimeout(() => abort.abort(), 100);
    await ended;
    expect(sent.length).toBeLessThan(50_000);
  });

  test("gives what faults have held back before it begins again", async () => {
    const impairment = new Impairment({ reorderRate: 0.5 }, 3);
    const { ended, numbers } = run(40, 0, { pace: { kind: "max" }, passes: 2, impairment });
    await ended;
    expect(numbers().length).toBe(80);
    expect(
      numbers()
        .slice(0, 40)
        .sort((a, b) => a - b),
    ).toEqual(range(0, 40));
  });
});
