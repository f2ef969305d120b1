import { describe, expect, test } from "bun:test";
import { readRequest } from "../feed/nse/recovery.ts";
import { nseRecovery } from "../feed/nse/recovery-protocol.ts";
import { writeOrder } from "../feed/nse/writer.ts";
import { type Missing, RecoveryScheduler } from "./recovery.ts";
import { Connections, type RecoveryEffect } from "./recovery-connections.ts";

const MS = 1e6;
const YES = [10, 0, 1, 0, 0, 0, 0, 0, 0x59, 0x53];
const NO = [10, 0, 1, 0, 0, 0, 0, 0, 0x59, 0x45];

/** The exchange's messages `from` to `to` of a stream as its recovery server sends them. */
function ticks(from: number, to: number, stream = 1): number[] {
  const view = new DataView(new ArrayBuffer(38 * (to - from + 1)));
  let at = 0;
  for (let n = from; n <= to; n++) {
    at += writeOrder(view, at, 0x4e, stream, n, 0, n, 1000 + n, 7, 0x42, 100, 1);
  }
  return [...new Uint8Array(view.buffer)];
}

/** A scheduler with a network that a test plays by hand. */
class Bench {
  epoch = 0;
  missing: Missing[] = [];
  readonly brought: string[] = [];
  readonly givenUp: string[] = [];
  readonly done: { readonly atMs: number; readonly effect: RecoveryEffect }[] = [];
  readonly connections = new Connections();
  readonly scheduler: RecoveryScheduler;
  private now = 0;

  constructor(policy = {}, limits = {}) {
    const sink = {
      epochOf: () => this.epoch,
      recovered: (_s: number, _e: number, _frames: object, first: number, last: number) => {
        this.brought.push(`${first}..${last}`);
      },
      givenUp: ({ from, to }: Missing) => void this.givenUp.push(`${from}..${to}`),
    };
    this.scheduler = new RecoveryScheduler(
      nseRecovery(true),
      this.connections,
      sink,
      policy,
      limits,
    );
  }

  lack(from: number, to: number, sinceMs = 0, stream = 1, epoch = 0): this {
    const sinceNs = sinceMs * MS;
    this.missing.push({ stream, epoch, session: "", channel: 0, from, to, sinceNs });
    return this;
  }

  /** Goes on a millisecond at a time; connections open at once, or not yet. */
  until(ms: number, opens = true): this {
    for (; this.now <= ms; this.now++) {
      this.scheduler.plan(this.missing, this.now * MS);
      this.drain(opens);
    }
    return this;
  }

  answer(id: number, bytes: readonly number[]): this {
    this.connections.received(id, Uint8Array.from(bytes), this.now * MS);
    this.drain(true);
    return this;
  }

  cut(id: number): this {
    this.connections.closed(id, this.now * MS);
    return this;
  }

  drain(opens: boolean): void {
    for (const effect of this.connections.take()) {
      this.done.push({ atMs: this.now, effect });
      if (effect.kind === "connect" && opens) {
        this.connections.connected(effect.id, this.now * MS);
        this.drain(opens);
      }
    }
  }

  /** What was asked, as `stream:from..to@ms`. */
  get asked(): string[] {
    return this.done.flatMap(({ atMs, effect }) => {
      if (effect.kind !== "send") return [];
      const { bytes } = effect;
      const request = readRequest(new DataView(bytes.buffer), 0, bytes.length)!;
      return [`${request.stream}:${request.first}..${request.last}@${atMs}`];
    });
  }

  ofKind(kind: RecoveryEffect["kind"]): { atMs: number; id: number }[] {
    return this.done
      .filter(({ effect }) => effect.kind === kind)
      .map(({ atMs, effect }) => ({ atMs, id: effect.id }));
  }
}

describe("what is asked for", () => {
  test("who begins waits as if it had just asked: a life before it may have", () => {
    const bench = new Bench({ askAfterNs: 0 }, { spacingNs: 50 * MS }).lack(5, 9).until(60);
    expect(bench.done.map(({ atMs, effect }) => `${atMs} ${effect.kind}`)).toEqual([
      "50 connect",
      "50 send",
    ]);
  });

  test("nothing, before the other line has had its time", () => {
    const bench = new Bench({ askAfterNs: 20 * MS }).lack(5, 9, 100);
    expect(bench.until(119).asked).toEqual([]);
    expect(bench.until(140).asked).toEqual(["1:5..9@120"]);
  });

  test("neighbouring ranges together, distant ones and other streams apart", () => {
    const bench = new Bench({ mergeNumbers: 10 }).lack(5, 9).lack(15, 15).lack(400, 401);
    bench.lack(5, 5, 0, 2).until(100);
    expect(bench.asked.map((text) => text.split("@")[0])).toEqual([
      "1:5..15",
      "1:400..401",
      "2:5..5",
    ]);
  });

  test("what is under way is not asked for twice", () => {
    const bench = new Bench().lack(5, 9).until(500);
    expect(bench.asked).toHaveLength(1);
    bench.missing = [];
    bench.lack(5, 9).lack(200, 200).until(600);
    expect(bench.asked.map((text) => text.split("@")[0])).toEqual(["1:5..9", "1:200..200"]);
  });
});

describe("the exchange's limits", () => {
  test("no request asks for more messages than one may", () => {
    const bench = new Bench({}, { messagesPerRequest: 100 }).lack(1, 250).until(200);
    expect(bench.asked.map((text) => text.split("@")[0])).toEqual([
      "1:1..100",
      "1:101..200",
      "1:201..250",
    ]);
  });

  test("never more connections than allowed, a closed one counting a little longer", () => {
    const bench = new Bench({ mergeNumbers: 0 }, { connections: 3, messagesPerRequest: 10 });
    bench.lack(1, 1000).until(1000);
    expect(bench.asked).toHaveLength(3);
    bench.answer(1, [...YES, ...ticks(1, 10)]);
    bench.missing = [];
    bench.lack(11, 1000).until(1100);
    const opened = bench.ofKind("connect");
    expect(opened).toHaveLength(4);
    expect(opened[3].atMs).toBeGreaterThanOrEqual(bench.ofKind("close")[0].atMs + 12);
    expect(bench.scheduler.counts.connectionsMax).toBe(3);
  });

  test("connects and requests keep their distance in time, also when connects come together", () => {
    const bench = new Bench({ mergeNumbers: 0 }, { messagesPerRequest: 10 });
    // Connections that open late, all at once, must not ask all at once.
    bench.lack(1, 200).until(100, false);
    for (const { id } of bench.ofKind("connect")) bench.connections.connected(id, 101 * MS);
    bench.until(400);
    for (const kind of ["connect", "send"] as const) {
      const times = bench.ofKind(kind).map(({ atMs }) => atMs);
      for (let i = 1; i < times.length; i++) {
        expect(times[i] - times[i - 1]).toBeGreaterThanOrEqual(12);
      }
    }
    expect(bench.asked.length).toBeGreaterThan(8);
  });

  test("one request a connection, and that at once", () => {
    const bench = new Bench({}, { messagesPerRequest: 50 }).lack(1, 200).until(300);
    const sent = bench.ofKind("send").map(({ id }) => id);
    expect(new Set(sent).size).toBe(sent.length);
  });
});

describe("answers", () => {
  test("a whole one brings its messages and ends the connection", () => {
    const bench = new Bench()
      .lack(5, 9)
      .until(50)
      .answer(1, [...YES, ...ticks(5, 9)]);
    expect(bench.brought).toEqual(["5..9"]);
    expect(bench.scheduler.counts).toMatchObject({ requests: 1, whole: 1, short: 0 });
    expect(bench.ofKind("close")).toHaveLength(1);
  });

  test("one in pieces of a byte brings the same", () => {
    const bench = new Bench().lack(5, 6).until(50);
    for (const byte of [...YES, ...ticks(5, 6)]) bench.answer(1, [byte]);
    expect(bench.brought).toEqual(["5..5", "6..6"]);
    expect(bench.scheduler.counts.whole).toBe(1);
  });

  test("a short one is not trusted: what it lacks is asked for again", () => {
    const bench = new Bench().lack(5, 9).until(50);
    bench.answer(1, [...YES, ...ticks(5, 7)]).cut(1);
    bench.missing = [];
    bench.lack(8, 9).until(300);
    expect(bench.brought).toEqual(["5..7"]);
    expect(bench.scheduler.counts).toMatchObject({ whole: 0, short: 1 });
    expect(bench.asked[1]).toStartWith("1:8..9@");
  });

  test("one with other numbers, another stream or nonsense brings nothing", () => {
    for (const wrong of [ticks(6, 9), ticks(5, 9, 2), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]) {
      const bench = new Bench()
        .lack(5, 9)
        .until(50)
        .answer(1, [...YES, ...wrong]);
      expect(bench.brought).toEqual([]);
      expect(bench.scheduler.counts).toMatchObject({ wrong: 1, whole: 0 });
      expect(bench.ofKind("close")).toHaveLength(1);
    }
  });

  test("one that goes wrong half way keeps what came before", () => {
    const bench = new Bench().lack(5, 9).until(50);
    bench.answer(1, [...YES, ...ticks(5, 6), ...ticks(8, 9)]);
    expect(bench.brought).toEqual(["5..6"]);
    expect(bench.scheduler.counts.wrong).toBe(1);
  });

  test("one with more than was asked for is cut, and told", () => {
    const bench = new Bench()
      .lack(5, 6)
      .until(50)
      .answer(1, [...YES, ...ticks(5, 8)]);
    expect(bench.brought).toEqual(["5..6"]);
    expect(bench.scheduler.counts.wrong).toBe(1);
  });

  test("one of an epoch that is over is dropped", () => {
    const bench = new Bench().lack(5, 9).until(50);
    bench.epoch = 1;
    bench.answer(1, [...YES, ...ticks(5, 9)]);
    expect(bench.brought).toEqual([]);
    expect(bench.scheduler.counts.stale).toBe(1);
    expect(bench.ofKind("close")).toHaveLength(1);
  });

  test("a refusal is followed by longer and longer waits, then by giving up", () => {
    const policy = { tries: 3, backoffNs: 100 * MS, backoffMostNs: 1000 * MS };
    const bench = new Bench(policy).lack(5, 9);
    for (let id = 1; id <= 3; id++) {
      while (bench.asked.length < id) bench.until(bench.done.length > 0 ? nextMs(bench) : 30);
      bench.answer(id, NO);
    }
    const times = bench.asked.map((text) => Number(text.split("@")[1]));
    expect(times[1] - times[0]).toBeGreaterThanOrEqual(100);
    expect(times[2] - times[1]).toBeGreaterThanOrEqual(200);
    bench.until(times[2] + 3000);
    expect(bench.asked).toHaveLength(3);
    expect(bench.givenUp).toEqual(["5..9"]);
  });

  test("silence ends a connection", () => {
    const bench = new Bench({ answerNs: 500 * MS, tries: 2 }).lack(5, 9).until(2500);
    expect(bench.scheduler.counts).toMatchObject({ silent: 2, requests: 2 });
    expect(bench.givenUp).toEqual(["5..9"]);
  });

  test("what is too much for requests is given up at once, for a snapshot", () => {
    const bench = new Bench({ ticksNumbers: 1000 }).lack(1, 2000).until(200);
    expect(bench.asked).toEqual([]);
    expect(bench.givenUp).toEqual(["1..2000"]);
  });

  test("what was not had in time is given up", () => {
    const bench = new Bench({ ticksNs: 300 * MS, answerNs: 100 * MS, tries: 100 }).lack(5, 9);
    expect(bench.until(200).givenUp).toEqual([]);
    expect(bench.until(1000).givenUp).toEqual(["5..9"]);
  });
});

let clock = 30;
/** A later moment, for loops that wait for something. */
function nextMs(bench: Bench): number {
  clock = Math.max(clock, ...bench.done.map(({ atMs }) => atMs)) + 10;
  return clock;
}
