import { expect, test } from "bun:test";
import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { NameTable } from "./name-table.ts";
import { ParquetRows } from "./parquet.ts";
import { RowBatch } from "./row-batch.ts";
import type { ColumnSpec } from "./schema.ts";

const COLUMNS: readonly ColumnSpec[] = [
  { name: "time", kind: "time" },
  { name: "wide", kind: "wide" },
  { name: "price", kind: "price" },
  { name: "id", kind: "id" },
  { name: "signed", kind: "i64" },
  { name: "letter", kind: "letter" },
  { name: "token", kind: "name" },
  { name: "text", kind: "text" },
];

const seed = Number(Bun.env.SEED ?? 20_251);
const word = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 1, 2 ** 31 - 1, -(2 ** 31)));
/** Few different, near each other, or anything: what dictionaries, deltas and plain words are for. */
const whole = fc.oneof(
  fc.constantFrom(100, 200, -7),
  fc.integer({ min: 0, max: 1 << 20 }),
  fc.maxSafeInteger(),
);

const row = fc.record({
  sec: fc.oneof(fc.nat(), fc.constantFrom(Number.NaN, 0, 2 ** 32, -5, 1_700_000_000)),
  nsec: fc.nat(999_999_999),
  wide: fc.oneof(whole, fc.constant(Number.NaN)),
  price: fc.oneof(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.constant(Number.NaN)),
  hi: word,
  lo: word,
  has: fc.nat(1),
  letter: fc.constantFrom(0, 65, 66),
  token: fc.constantFrom("", "AAPL", "Ü", "S45585"),
  text: fc.oneof(fc.constant(""), fc.string()),
});

type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;

test(`what is written as Parquet is read back, cell by cell (seed: ${seed})`, async () => {
  const rows = fc.oneof(
    fc.array(row, { minLength: 1, maxLength: 40 }),
    fc.array(row, { minLength: 600, maxLength: 700 }),
    fc.record({ one: row, times: fc.integer({ min: 1, max: 900 }) }).map(repeated),
  );
  await fc.assert(
    fc.asyncProperty(rows, async (given) => {
      const found = await parquetReadObjects({
        file: written(given),
        parsers: { timestampFromNanoseconds: (ns: bigint) => ns } as never,
      });
      expect(found.length).toBe(given.length);
      for (let at = 0; at < given.length; at++) expect(found[at]).toEqual(expected(given[at]));
    }),
    { seed, numRuns: 40 },
  );
}, 60_000);

function repeated({ one, times }: { one: Row; times: number }): Row[] {
  return Array.from({ length: times }, (_, at) => ({
    ...one,
    lo: one.lo + (at % 3),
    wide: at * 7,
  }));
}

function written(rows: readonly Row[]): ArrayBuffer {
  const pieces: Uint8Array[] = [];
  const table = new NameTable();
  const batch = new RowBatch(COLUMNS, table, 2, 64);
  const writer = new ParquetRows({ write: (bytes) => void pieces.push(bytes.slice()) }, batch);
  for (const given of rows) {
    fill(batch, batch.count++, given, table);
    if (batch.count < batch.capacity) continue;
    writer.write(batch);
    batch.count = 0;
  }
  writer.write(batch);
  writer.finish();
  return new Uint8Array(Buffer.concat(pieces)).buffer;
}

function fill(batch: RowBatch, at: number, given: Row, table: NameTable): void {
  batch.time("time").sec[at] = given.sec;
  batch.time("time").nsec[at] = given.nsec;
  batch.number("wide").value[at] = given.wide;
  batch.number("price").value[at] = given.price;
  for (const name of ["id", "signed"]) {
    batch.words(name).lo[at] = given.lo;
    batch.words(name).hi[at] = given.hi;
    batch.words(name).has[at] = given.has;
  }
  batch.bytes("letter").value[at] = given.letter;
  batch.name("token").value[at] = given.token === "" ? -1 : table.indexOf(given.token);
  batch.text("text").value[at] = given.text;
}

function expected(given: Row): Record<string, unknown> {
  const { sec, nsec, wide, price, letter, token, text } = given;
  const bits = (BigInt(given.hi) << 32n) | BigInt(given.lo >>> 0);
  return {
    time: Number.isNaN(sec) ? null : BigInt.asIntN(64, BigInt(sec) * 1_000_000_000n + BigInt(nsec)),
    wide: Number.isNaN(wide) ? null : BigInt(wide),
    price: Number.isNaN(price) ? null : price * 0.01,
    id: bits === 0n ? null : BigInt.asUintN(64, bits),
    signed: given.has === 0 ? null : BigInt.asIntN(64, bits),
    letter: letter === 0 ? null : String.fromCharCode(letter),
    token: token === "" ? null : token,
    text: text === "" ? null : text.toWellFormed(),
  };
}
