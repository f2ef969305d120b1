/** What the streaming join promises, one rule at a time. Times are seconds; prices are labels. */
import { describe, expect, test } from "bun:test";
import { AsOfJoin } from "./asof-join.ts";
import { AsOfEvent, AsOfFlag, AsOfQuote, type JoinedBatch } from "./joined-batch.ts";
import { AsOfError, type AsOfOptions } from "./options.ts";

interface Row {
  readonly event: number;
  /** Its bid price; undefined: none was found. */
  readonly quote: number | undefined;
  readonly verdict: number;
}

/** A join with its rows in a list, and short words for what it is told. */
class Bench {
  readonly rows: Row[] = [];
  readonly join: AsOfJoin;
  private readonly event = new AsOfEvent();
  private readonly quoted = new AsOfQuote();
  private readonly sequences: number[] = [];

  constructor(options: Partial<AsOfOptions> = {}, streams = 2, keys = 2) {
    this.join = new AsOfJoin({ write: (batch) => this.take(batch) }, options);
    for (let stream = 0; stream < streams; stream++) this.join.addStream(stream + 1);
    for (let key = 0; key < keys; key++) this.join.addKey();
  }

  quote(
    stream: number,
    key: number,
    sec: number,
    price: number,
    sequence = this.next(stream),
  ): void {
    Object.assign(this.quoted, { stream, key, sec, nsec: 0, sequence, bidPrice: price });
    this.join.quote(this.quoted);
  }

  trade(
    stream: number,
    key: number,
    sec: number,
    price: number,
    sequence = this.next(stream),
  ): void {
    Object.assign(this.event, { stream, key, sec, nsec: 0, sequence, price });
    this.join.event(this.event);
    this.join.drain();
  }

  next(stream: number): number {
    this.sequences[stream] = (this.sequences[stream] ?? 0) + 1;
    return this.sequences[stream];
  }

  /** `event<-quote` and the letters of what is doubtful, in the order in which they came out. */
  get text(): string {
    this.join.drain();
    return this.rows
      .map(({ event, quote, verdict }) => `${event}<-${quote ?? "none"}${letters(verdict)}`)
      .join(" ");
  }

  private take(batch: JoinedBatch): void {
    for (let row = 0; row < batch.count; row++) {
      const verdict = batch.verdict[row];
      const quote = verdict & AsOfFlag.Matched ? batch.bidPrice[row] : undefined;
      this.rows.push({ event: batch.price[row], quote, verdict });
    }
  }
}

function letters(verdict: number): string {
  const { Late, InGap, Evicted, Early } = AsOfFlag;
  const names: [number, string][] = [
    [Late, "late"],
    [InGap, "gap"],
    [Evicted, "evicted"],
    [Early, "early"],
  ];
  return names.flatMap(([bit, name]) => (verdict & bit ? [`!${name}`] : [])).join("");
}

describe("within one stream", () => {
  test("an event takes the quote before it at once, and none that its own message made", () => {
    const bench = new Bench();
    expect(bench.join.place(0, 0)).toBe(true);
    bench.trade(0, 0, 10, 900);
    bench.quote(0, 0, 10, 1);
    bench.quote(0, 0, 10, 2, 7);
    bench.trade(0, 0, 10, 901, 7);
    bench.trade(0, 0, 10, 902, 8);
    expect(bench.text).toBe("900<-none 901<-1 902<-2");
  });

  test("an exchange time that steps back does not change the order of delivery", () => {
    const bench = new Bench();
    bench.quote(0, 0, 10, 1);
    bench.quote(0, 0, 8, 2);
    bench.trade(0, 0, 9, 900);
    expect(bench.text).toBe("900<-2");
    expect(bench.join.stats.stepsBack).toBe(2);
  });

  test("a new epoch's small numbers come after the old one's", () => {
    const bench = new Bench();
    bench.quote(0, 0, 10, 1, 5000);
    bench.join.epoch(0);
    bench.trade(0, 0, 10, 900, 1);
    bench.quote(0, 0, 10, 2, 2);
    bench.trade(0, 0, 10, 901, 3);
    expect(bench.text).toBe("900<-1 901<-2");
  });
});

describe("across streams", () => {
  test("an event waits until the quote's stream has passed it", () => {
    const bench = new Bench();
    bench.quote(0, 0, 5, 1);
    bench.trade(1, 0, 10, 900);
    expect(bench.text).toBe("");
    bench.quote(0, 0, 9, 2);
    expect(bench.text).toBe("");
    bench.quote(0, 0, 11, 3);
    expect(bench.text).toBe("900<-2");
  });

  test("at equal times the order of the streams decides", () => {
    const bench = new Bench();
    bench.quote(0, 0, 10, 1);
    bench.trade(1, 0, 10, 900);
    bench.quote(1, 1, 10, 2);
    bench.trade(0, 1, 10, 901);
    bench.join.finish();
    expect(bench.text).toBe("901<-none 900<-1");
  });

  test("without exact matches a quote of the very time is none, in its own stream too", () => {
    const bench = new Bench({ allowExactMatches: false });
    bench.quote(0, 0, 9, 1);
    bench.quote(0, 0, 10, 2);
    bench.trade(0, 0, 10, 900);
    bench.trade(1, 0, 10, 901);
    expect(bench.text).toBe("900<-1 901<-1");
  });

  test("a heartbeat releases what waits for a quiet stream", () => {
    const bench = new Bench();
    bench.quote(0, 0, 5, 1);
    bench.trade(1, 0, 10, 900);
    bench.join.watermark(0, 10, 1);
    expect(bench.text).toBe("900<-1");
  });

  test("a silent stream holds nobody up longer than the time-out, and the rows say so", () => {
    const bench = new Bench({ idleNs: 1000 });
    bench.quote(0, 0, 5, 1);
    bench.join.advance(0);
    bench.trade(1, 0, 10, 900);
    bench.join.advance(999);
    expect(bench.text).toBe("");
    bench.join.advance(1000);
    expect(bench.text).toBe("900<-1!early");
  });

  test("what comes behind the watermark is marked and counted, not dropped", () => {
    const bench = new Bench();
    bench.quote(0, 0, 5, 1);
    bench.join.watermark(0, 10, 0);
    bench.quote(0, 0, 8, 2);
    bench.trade(0, 0, 9, 900);
    bench.trade(0, 0, 10, 901);
    expect(bench.text).toBe("900<-2!late 901<-2");
    expect(bench.join.stats.lateQuotes).toBe(1);
  });

  test("an event whose instrument was never quoted waits for all streams, then says none", () => {
    const bench = new Bench({}, 3);
    bench.trade(0, 1, 10, 900);
    bench.join.watermark(1, 11, 0);
    expect(bench.text).toBe("");
    bench.join.watermark(2, 11, 0);
    bench.join.watermark(0, 11, 0);
    expect(bench.text).toBe("900<-none");
  });
});

describe("strategies and tolerance", () => {
  test("the tolerance belongs to itself: one nanosecond more is too much", () => {
    for (const [toleranceNs, wanted] of [
      [2e9, "900<-1"],
      [2e9 - 1, "900<-none"],
    ] as const) {
      const bench = new Bench({ toleranceNs });
      bench.quote(0, 0, 8, 1);
      bench.trade(0, 0, 10, 900);
      expect(bench.text).toBe(wanted);
    }
  });

  test("forward takes the first quote after the event as soon as it comes", () => {
    const bench = new Bench({ strategy: "forward", toleranceNs: 5e9 });
    bench.quote(0, 0, 9, 1);
    bench.trade(0, 0, 10, 900);
    expect(bench.text).toBe("");
    bench.quote(0, 0, 12, 2);
    expect(bench.text).toBe("900<-2");
    bench.trade(0, 0, 20, 901);
    bench.join.watermark(0, 25, 1);
    expect(bench.text).toBe("900<-2 901<-none");
  });

  test("of two quotes equally near, nearest takes the one before", () => {
    const bench = new Bench({ strategy: "nearest" });
    bench.quote(0, 0, 8, 1);
    bench.trade(0, 0, 10, 900);
    bench.quote(0, 0, 12, 2);
    bench.trade(0, 0, 15, 901);
    bench.quote(0, 0, 17, 3);
    expect(bench.text).toBe("900<-1 901<-3");
  });
});

describe("gaps and bounds", () => {
  test("a gap between quote and event is told, one before the quote is not", () => {
    const bench = new Bench();
    bench.quote(0, 0, 5, 1);
    bench.join.gap(0);
    bench.trade(0, 0, 6, 900);
    bench.quote(0, 0, 7, 2);
    bench.trade(0, 0, 8, 901);
    expect(bench.text).toBe("900<-1!gap 901<-2");
  });

  test("a gap of the event's stream says nothing of a quote of another", () => {
    const bench = new Bench();
    bench.quote(0, 0, 5, 1);
    bench.join.gap(1);
    bench.trade(1, 0, 6, 900);
    bench.join.watermark(0, 7, 0);
    expect(bench.text).toBe("900<-1");
  });

  test("gaps beyond those remembered are still told", () => {
    const bench = new Bench();
    bench.quote(0, 0, 1, 1);
    for (let sec = 2; sec < 600; sec++) {
      bench.join.gap(0);
      bench.quote(0, 1, sec, sec);
    }
    bench.trade(1, 0, 3, 900);
    bench.trade(1, 1, 599, 901);
    bench.join.finish();
    expect(bench.text).toBe("900<-1!gap 901<-599");
  });

  test("quotes that a lagging stream may ask for are kept up to the bound; beyond it rows say so", () => {
    const bench = new Bench({ quotesPerKeyLimit: 4 });
    bench.trade(1, 1, 1, 899);
    for (let sec = 1; sec <= 8; sec++) bench.quote(0, 0, sec, sec);
    bench.trade(1, 0, 3, 900);
    bench.trade(1, 0, 6, 901);
    bench.join.finish();
    expect(bench.rows.map(({ event, quote }) => [event, quote])).toContainEqual([901, 6]);
    expect(bench.text).toContain("900<-none!evicted");
    expect(bench.join.stats).toMatchObject({ evicted: 1, quotesEvicted: 4 });
  });

  test("quotes that nobody on time asks for do not count towards the bound", () => {
    const bench = new Bench({ quotesPerKeyLimit: 4 });
    for (let sec = 1; sec <= 1000; sec++) {
      bench.quote(0, 0, sec, sec);
      bench.join.watermark(1, sec, 0);
    }
    bench.trade(1, 0, 1000, 900);
    bench.join.finish();
    expect(bench.text).toBe("900<-1000");
    expect(bench.join.stats.quotesEvicted).toBe(0);
  });

  test("more waiting events than the bound: the earliest is answered early, and says so", () => {
    const bench = new Bench({ waitingLimit: 2 });
    bench.quote(0, 0, 5, 1);
    for (const [at, price] of [900, 901, 902].entries()) bench.trade(1, 0, 10 + at, price);
    expect(bench.text).toBe("900<-1!early");
    expect(bench.join.stats).toMatchObject({ waiting: 2, waitingMost: 3 });
  });
});

test("a declaration that cannot be is refused with what to write instead", () => {
  const sink = { write: () => {} };
  expect(() => new AsOfJoin(sink, { toleranceNs: -1 })).toThrow("toleranceNs is -1");
  expect(() => new AsOfJoin(sink, { waitingLimit: 0.5 })).toThrow(AsOfError);
  const join = new AsOfJoin(sink);
  join.addStream(4);
  expect(() => join.addStream(4)).toThrow("give each its own");
  join.addStream(5);
  const key = join.addKey(0);
  expect(join.place(key, 1)).toBe(false);
  const quote = Object.assign(new AsOfQuote(), { stream: 1, key });
  expect(() => join.quote(quote)).toThrow("give each stream its own keys");
});
