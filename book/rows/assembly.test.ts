import { describe, expect, test } from "bun:test";
import type { Feed } from "../../feed/feed.ts";
import { iexDeep } from "../../feed/iex/feed.ts";
import { Instruments } from "../../feed/instruments.ts";
import { MessageBatch, RowFlag } from "../../feed/message-batch.ts";
import { nasdaqItch50 } from "../../feed/nasdaq/feed.ts";
import { nseFo } from "../../feed/nse/feed.ts";
import { OpBatch, OpFlag, OpKind, Side } from "../../feed/op-batch.ts";
import type { BookObserver, Books } from "../books.ts";
import { LevelBooks } from "../level-books.ts";
import { OrderBooks } from "../order-books.ts";
import { BboDigest, foldDigests } from "./bbo-digest.ts";
import { CsvWriter } from "./csv.ts";
import { NameTable } from "./name-table.ts";
import { RowBatch } from "./row-batch.ts";
import { flushRows, type RowStream } from "./row-head.ts";
import { columnsFor, rowsFor } from "./rows-for.ts";
import type { Schema } from "./schema.ts";

interface Step {
  readonly kind: number;
  readonly instrument?: number;
  readonly side?: number;
  readonly price?: number;
  readonly size?: number;
  readonly id?: number;
  readonly id2?: number;
  readonly tradeId?: number;
  readonly flags?: number;
  readonly rowFlags?: number;
}

const add = (id: number, side: number, price: number, size: number, instrument = 0): Step => ({
  kind: OpKind.Add,
  id,
  side,
  price,
  size,
  instrument,
});
const level = (side: number, price: number, size: number, end: boolean): Step => ({
  kind: OpKind.Level,
  side,
  price,
  size,
  flags: end ? OpFlag.EventEnd : 0,
});

/** The rows that the steps give, one op after another from sequence 1, as CSV lines without header. */
function rowsOf(
  feed: Feed,
  schema: Schema,
  steps: readonly Step[],
  set: { settled?: boolean; tokens?: string[] } = {},
): string[] {
  const instruments = new Instruments();
  for (const name of ["ONE", "TWO"]) instruments.add(name, instruments.count + 1);
  const messages = new MessageBatch(steps.length);
  const stream: RowStream = { feed, id: 7, instruments, source: { messages, epoch: 0 } };
  const columns = columnsFor(schema, feed);
  const batch = new RowBatch(columns, new NameTable(), feed.table.priceDecimals, 2);
  let text = "";
  const out = { write: (bytes: Uint8Array) => (text += new TextDecoder().decode(bytes)) };
  const writer = new CsvWriter(
    out,
    columns.map((column) => column.name),
  );
  const tokens = set.tokens && new Set(set.tokens);
  const target = {
    batch,
    sink: writer,
    midnightSec: 0,
    captured: false,
    ...(tokens && { tokens }),
  };
  apply(feed, steps, messages, rowsFor(schema, target, stream, set.settled ?? false));
  flushRows(target);
  writer.finish();
  return text.trimEnd().split("\n").slice(1);
}

function apply(
  feed: Feed,
  steps: readonly Step[],
  messages: MessageBatch,
  observer: BookObserver,
): void {
  const ops = new OpBatch(steps.length);
  steps.forEach((step, at) => {
    ops.kind[at] = step.kind;
    ops.flags[at] = step.flags ?? 0;
    ops.side[at] = step.side ?? Side.None;
    ops.instrument[at] = step.instrument ?? (step.kind === OpKind.Clear ? -1 : 0);
    ops.price[at] = step.price ?? 0;
    ops.size[at] = step.size ?? 0;
    ops.idLo[at] = step.id ?? 0;
    ops.id2Lo[at] = step.id2 ?? 0;
    ops.tradeIdLo[at] = step.tradeId ?? 0;
    messages.sequence[at] = at + 1;
    messages.flags[at] = step.rowFlags ?? 0;
  });
  const books: Books =
    feed.books === "levels"
      ? new LevelBooks()
      : new OrderBooks({ unsignedPrices: feed.unsignedPrices, effects: true });
  books.apply(ops, 0, steps.length, observer);
}

/** Without the times, which the steps do not set. */
const bare = (rows: string[]) => rows.map((row) => row.split(",").slice(2).join(","));

describe("rows of orders", () => {
  test("an instrument's rows carry its name, prices their places, a crossed book X", () => {
    const rows = rowsOf(nseFo, "mbo", [
      add(1, Side.Buy, 7020, 5),
      add(2, Side.Sell, 7010, 9, 1),
      { ...add(3, Side.Sell, 7015, 2), rowFlags: RowFlag.Gap },
    ]);
    expect(bare(rows)).toEqual([
      "7,1,ONE,A,B,70.20,5,1,",
      "7,2,TWO,A,A,70.10,9,2,",
      "7,3,ONE,A,A,70.15,2,3,GX",
    ]);
  });

  test("a new epoch gives R for each instrument, and empty levels", () => {
    const steps = [add(1, Side.Buy, 7020, 5), add(2, Side.Buy, 1, 1, 1), { kind: OpKind.Clear }];
    expect(bare(rowsOf(nseFo, "mbp-1", steps)).slice(2)).toEqual([
      "7,3,ONE,R,N,,,,,,,0,0,0,0",
      "7,3,TWO,R,N,,,,,,,0,0,0,0",
    ]);
    expect(bare(rowsOf(nseFo, "bbo", steps)).slice(2)).toEqual([
      "7,3,ONE,,0,0,,0,0,",
      "7,3,TWO,,0,0,,0,0,",
    ]);
  });

  test("only the tokens that were asked for have rows", () => {
    const steps = [add(1, Side.Buy, 7020, 5), add(2, Side.Buy, 1, 1, 1)];
    for (const schema of ["mbo", "mbp-1", "bbo"] as const) {
      const rows = rowsOf(nseFo, schema, steps, { tokens: ["TWO"] });
      expect(rows.map((row) => row.split(",")[4])).toEqual(["TWO"]);
    }
  });

  test("an execution's trade names the order that was executed, and the trade's number", () => {
    const rows = rowsOf(nasdaqItch50, "trades", [
      add(11, Side.Sell, 50_000, 100),
      { kind: OpKind.Execute, id: 11, size: 40, tradeId: 77 },
    ]);
    expect(bare(rows)).toEqual(["7,2,ONE,5.0000,40,B,77,,11,T,"]);
  });

  test("a trade taken back names the orders that its message names, 0 is none", () => {
    const rows = rowsOf(nseFo, "trades", [
      { kind: OpKind.Break, price: 7020, size: 5, id: 11, id2: 12 },
      { kind: OpKind.Break, price: 7020, size: 5, id2: 12 },
    ]);
    expect(bare(rows)).toEqual(["7,1,ONE,70.20,5,N,,11,12,B,", "7,2,ONE,70.20,5,N,,,12,B,"]);
  });
});

describe("best prices", () => {
  test("a change behind the best level gives no row, a change of its count alone does", () => {
    const rows = rowsOf(nseFo, "bbo", [
      add(1, Side.Buy, 7020, 5),
      add(2, Side.Buy, 7010, 5),
      add(3, Side.Buy, 7020, 3),
    ]);
    expect(bare(rows)).toEqual(["7,1,ONE,70.20,5,1,,0,0,", "7,3,ONE,70.20,8,2,,0,0,"]);
  });

  test("settled: the middle of an event is kept back, its trades do not let it out", () => {
    const steps = [
      level(Side.Buy, 100_000, 5, true),
      level(Side.Buy, 100_000, 3, false),
      { kind: OpKind.Print, price: 100_000, size: 2 },
      level(Side.Buy, 100_000, 0, true),
    ];
    expect(bare(rowsOf(iexDeep, "bbo", steps, { settled: true }))).toEqual([
      "7,1,ONE,10.0000,5,1,,0,0,L",
      "7,4,ONE,,0,0,,0,0,L",
    ]);
    expect(rowsOf(iexDeep, "bbo", steps)).toHaveLength(3);
  });
});

describe("reference rows", () => {
  test("columns are those of the messages that the decoder takes for definitions or states", () => {
    const itch = columnsFor("definition", nasdaqItch50).map((column) => column.name);
    expect(itch.slice(0, 7)).toEqual([
      "ts_recv",
      "ts_event",
      "stream",
      "sequence",
      "token",
      "type",
      "message_type",
    ]);
    expect(itch).toContain("round_lot_size");
    const nse = columnsFor("definition", nseFo).map((column) => column.name);
    expect(nse.slice(6)).toEqual(["symbol", "instrument", "expiry", "strike", "option_type"]);
    expect(columnsFor("status", nseFo)).toHaveLength(6);
  });
});

describe("the digest of best prices", () => {
  const digestOf = (steps: readonly Step[]) => {
    const instruments = new Instruments();
    for (const name of ["ONE", "TWO"]) instruments.add(name, instruments.count + 1);
    const digest = new BboDigest(instruments);
    apply(nasdaqItch50, steps, new MessageBatch(steps.length), digest);
    return digest;
  };

  test("it folds number, bid price, bid size, ask price, ask size of every change", () => {
    let hash = 2_166_136_261;
    for (const word of [1, 7020, 5, 0, 0, 1, 7020, 5, 7030, 4]) {
      hash = Math.imul(hash ^ word, 16_777_619);
    }
    const digest = digestOf([add(1, Side.Buy, 7020, 5), add(2, Side.Sell, 7030, 4)]);
    expect(digest.value).toBe(hash >>> 0);
    expect(digest.changes).toBe(2);
  });

  test("what changes neither price nor size of a best level leaves it as it is", () => {
    const base = [add(1, Side.Buy, 7020, 5), add(2, Side.Buy, 7000, 5)];
    const more = [...base, { kind: OpKind.Cancel, id: 2 }, { kind: OpKind.Cancel, id: 99 }];
    expect(digestOf(more).value).toBe(digestOf(base).value);
  });

  test("several streams fold in the order of their ids, one is its own", () => {
    expect(foldDigests([{ id: 3, value: 0xab }])).toBe("000000ab");
    const streams = [
      { id: 2, value: 1 },
      { id: 1, value: 2 },
    ];
    expect(foldDigests(streams)).toBe(foldDigests([...streams].reverse()));
    expect(foldDigests(streams)).not.toBe(foldDigests([{ id: 2, value: 1 }]));
  });
});
