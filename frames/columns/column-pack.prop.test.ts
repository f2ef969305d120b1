import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ByteSink } from "./bit-stream.ts";
import { ColumnPack } from "./column-pack.ts";
import { ColumnCursors, ColumnSet } from "./column-set.ts";
import { ColumnUnpack } from "./column-unpack.ts";
import { classOf, ESCAPE } from "./number-class.ts";

const aValue = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -20, max: 20 }) },
  { weight: 2, arbitrary: fc.integer({ min: -40, max: 40 }).map((value) => value * 2500) },
  { weight: 2, arbitrary: fc.constantFrom(0, 75, 300, 1800, 9_000_000) },
  { weight: 2, arbitrary: fc.integer() },
  { weight: 1, arbitrary: fc.constant(ESCAPE) },
);
const aColumn = fc.oneof(
  fc.array(aValue, { maxLength: 50 }),
  fc
    .tuple(fc.array(aValue, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 100 }))
    .map(([values, times]) => Array.from({ length: times }, () => values).flat()),
);

function packed(columns: readonly number[][]): Uint8Array {
  const set = new ColumnSet(columns.length);
  for (const [column, values] of columns.entries()) {
    for (const value of values) set.push(column, value);
  }
  const out = new ByteSink();
  new ColumnPack().pack(set, out, []);
  return out.bytes.slice(0, out.length);
}

describe("columns", () => {
  test("of any words come back, and are read to their ends", () => {
    fc.assert(
      fc.property(fc.array(aColumn, { maxLength: 6 }), (columns) => {
        const bytes = packed(columns);
        const cursors = new ColumnCursors(columns.length);
        const unpack = new ColumnUnpack();
        expect(unpack.unpack(bytes, 0, cursors)).toBe(true);
        expect(unpack.end).toBe(bytes.length);
        for (const [column, values] of columns.entries()) {
          expect(values.map(() => cursors.next(column))).toEqual(values);
        }
        expect(cursors.exact).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test("of zeros alone take no room", () => {
    expect(packed([[0, 0, 0], [], [0]]).length).toBe(4);
  });

  test("that come from the wrong bytes are refused, and never throw", () => {
    fc.assert(
      fc.property(
        fc.array(aColumn, { maxLength: 3 }),
        fc.nat(),
        fc.nat(255),
        (columns, at, byte) => {
          const bytes = packed(columns);
          bytes[at % bytes.length] = byte;
          const cursors = new ColumnCursors(3);
          expect(new ColumnUnpack().unpack(bytes, 0, cursors)).toBeBoolean();
        },
      ),
      { numRuns: 400 },
    );
  });

  test("that claim more values than a chunk can have are refused before anything is allocated", () => {
    // A directory of 8 bytes: column 0, 2^31 values of one kind, which take no bytes at all.
    const claim = Uint8Array.of(10, 0, 0, 0, 1, 0x80, 0x80, 0x80, 0x80, 8, 1, 0, 1, 5);
    const cursors = new ColumnCursors(1);
    const room = cursors.values.length;
    expect(new ColumnUnpack().unpack(claim, 0, cursors)).toBe(false);
    expect(cursors.values.length).toBe(room);
  });
});

test("classes keep the order of numbers on either side of 0", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 2), (size) => {
      expect(classOf(size + 1)).toBeGreaterThanOrEqual(classOf(size));
      expect(classOf(~size)).toBe(classOf(size) + 120);
    }),
  );
});
