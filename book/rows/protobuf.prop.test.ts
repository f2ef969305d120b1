/** Rows as Protobuf: what is written is read again, by us and by a library that knows only the descriptor. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import protobuf from "protobufjs";
import { NameTable } from "./name-table.ts";
import { readBatchHead, readRows } from "./protobuf-read.ts";
import { ProtobufRows } from "./protobuf-rows.ts";
import { batchName, rowsProto, TABLES } from "./protobuf-schema.ts";
import { type Column, RowBatch } from "./row-batch.ts";
import { lakeColumns, type SentTable } from "./schema.ts";

const DECIMALS = 4;
const words = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const whole = fc.nat(Number.MAX_SAFE_INTEGER);
const maybe = (value: fc.Arbitrary<number>) => fc.option(value, { nil: Number.NaN, freq: 4 });

/** One cell of any kind: numbers that each column takes what it needs of. */
const cell = fc.record({
  sec: maybe(fc.nat(2 ** 33)),
  nsec: fc.nat(999_999_999),
  number: maybe(whole),
  price: maybe(fc.integer({ min: -(2 ** 52), max: 2 ** 52 })),
  lo: words,
  hi: words,
  letter: fc.constantFrom(0, 65, 78, 84),
  flags: fc.nat(127),
  name: fc.constantFrom("35001", "S7", "", "a name with ü and more than thirty-two letters"),
});
type Cell = (typeof cell extends fc.Arbitrary<infer T> ? T : never) & object;
const rowsOf = fc.array(fc.array(cell, { minLength: 17, maxLength: 17 }), {
  minLength: 1,
  maxLength: 40,
});

function fill(column: Column, row: number, from: Cell, names: NameTable): void {
  switch (column.kind) {
    case "time":
      column.sec[row] = from.sec;
      column.nsec[row] = Number.isNaN(from.sec) ? 0 : from.nsec;
      return;
    case "integer":
    case "wide":
      column.value[row] = from.number;
      return;
    case "price":
      column.value[row] = from.price;
      return;
    case "id":
    case "u64":
    case "i64":
      column.lo[row] = from.lo;
      column.hi[row] = from.hi;
      column.has[row] = 1;
      return;
    case "letter":
      column.value[row] = from.letter;
      return;
    case "flags":
      column.value[row] = from.flags;
      return;
    case "name":
      column.value[row] = from.name === "" ? -1 : names.indexOf(from.name);
      return;
    case "text":
      column.value[row] = from.name;
  }
}

const newBatch = (table: SentTable, names: NameTable, capacity: number) =>
  new RowBatch(lakeColumns(table), names, DECIMALS, capacity);

/** What can be seen of a row. */
function shown(batch: RowBatch, row: number): unknown[] {
  return batch.columns.map((column) => {
    if (column.kind === "time") {
      const { sec, nsec } = column;
      return Number.isNaN(sec[row]) ? "none" : [sec[row], nsec[row]];
    }
    if ("lo" in column) return [column.lo[row], column.hi[row]];
    if (column.kind === "name") return batch.names.names[column.value[row]] ?? "none";
    return column.value[row];
  });
}

function packed(table: SentTable, cells: Cell[][]) {
  const names = new NameTable();
  const batch = newBatch(table, names, 64);
  for (const row of cells) {
    batch.clearRow(batch.count);
    batch.columns.forEach((column, i) => {
      fill(column, batch.count, row[i], names);
    });
    batch.count++;
  }
  let bytes: Uint8Array = new Uint8Array(0);
  new ProtobufRows("nse-fo", DECIMALS, (made) => {
    bytes = made;
  }).write(batch);
  return { batch, bytes };
}

for (const table of TABLES) {
  test(`rows of ${table} come back as they were`, () => {
    fc.assert(
      fc.property(rowsOf, (cells) => {
        const { batch, bytes } = packed(table, cells);
        const read = newBatch(table, new NameTable(), 64);
        const rows = cells.length;
        expect(readRows(bytes, read)).toBe(rows);
        const back = cells.map((_, row) => shown(read, row));
        expect(back).toEqual(cells.map((_, row) => shown(batch, row)));
        expect(readBatchHead(bytes)).toEqual({ feed: "nse-fo", priceDecimals: DECIMALS, rows });
      }),
      { numRuns: 60 },
    );
  });
}

/** A column of differences as a library decodes it, summed up. */
function theirs(read: Record<string, unknown>, name: string): (bigint | "none")[] {
  const nones = new Set((read[`${name}_none`] as string[] | undefined)?.map(Number));
  let value = 0n;
  return (read[name] as string[]).map((step, row) => {
    value += BigInt(step);
    return nones.has(row) ? "none" : value;
  });
}

test("a library that knows only the schema reads the same", () => {
  const root = protobuf.parse(rowsProto(), { keepCase: true }).root;
  fc.assert(
    fc.property(rowsOf, (cells) => {
      const { batch, bytes } = packed("events", cells);
      const read = root.lookupType(batchName("events")).decode(bytes).toJSON();
      expect([read.feed, read.rows]).toEqual(["nse-fo", String(cells.length)]);
      const [times, numbers] = ["ts_recv", "sequence"].map((name) => theirs(read, name));
      const names = ["none", ...(read.names ?? [])];
      for (let row = 0; row < cells.length; row++) {
        const { sec, nsec } = batch.time("ts_recv");
        const number = batch.number("sequence").value[row];
        const { lo, hi } = batch.words("order_id");
        const id = (BigInt(hi[row] >>> 0) << 32n) | BigInt(lo[row] >>> 0);
        const [ns, count] = [times[row], numbers[row]];
        expect([ns, count, BigInt(read.order_id[row]), names[read.token[row]]]).toEqual([
          Number.isNaN(sec[row]) ? "none" : BigInt(sec[row]) * 10n ** 9n + BigInt(nsec[row]),
          Number.isNaN(number) ? "none" : BigInt(number),
          id,
          batch.names.names[batch.name("token").value[row]] ?? "none",
        ]);
      }
    }),
    { numRuns: 60 },
  );
});

test("damage of any byte is told or gives rows, and never throws", () => {
  fc.assert(
    fc.property(rowsOf, fc.nat(), fc.nat(255), (cells, at, byte) => {
      const { bytes } = packed("events", cells);
      if (bytes.length === 0) return;
      bytes[at % bytes.length] = byte;
      const read = newBatch("events", new NameTable(), 64);
      const rows = readRows(bytes, read);
      expect(rows === undefined || rows >= 0).toBe(true);
      readBatchHead(bytes.subarray(0, at % bytes.length));
    }),
  );
});

test("a batch that is cut short anywhere is told", () => {
  fc.assert(
    fc.property(rowsOf, fc.nat(), (cells, at) => {
      const { bytes } = packed("trades", cells);
      const read = newBatch("trades", new NameTable(), 64);
      const cut = bytes.subarray(0, at % bytes.length);
      // What ends between two columns is a batch whose writer did not know the others.
      const rows = readRows(cut, read);
      expect(rows === undefined || rows === cells.length).toBe(true);
    }),
  );
});

test("a name is found by its bytes as by its text, however many there are", () => {
  const names = new NameTable();
  const encoder = new TextEncoder();
  for (let i = 0; i < 3000; i++) {
    const text = i % 7 === 0 ? `ü${i}` : String(35_000 + i);
    const bytes = encoder.encode(`<${text}>`);
    const index =
      i % 3 === 0 ? names.indexOf(text) : names.indexOfBytes(bytes, 1, bytes.length - 1);
    expect(names.names[index]).toBe(text);
    expect(names.indexOfBytes(bytes, 1, bytes.length - 1)).toBe(index);
  }
  expect(names.names.length).toBe(3000);
});
