import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { WireValue } from "./codec.ts";
import { FieldError, fieldWidth, messageRow, readValues, writeMessage } from "./codec.ts";
import type { FeedTable, FieldLayout, MessageLayout } from "./layout.ts";
import { FEEDS } from "./registry.ts";

const INTEGERS: Readonly<Record<string, readonly [number, number]>> = {
  u8: [0, 255],
  i8: [-128, 127],
  u16: [0, 65_535],
  i16: [-32_768, 32_767],
  u32: [0, 4_294_967_295],
  i32: [-2_147_483_648, 2_147_483_647],
  u48: [0, 281_474_976_710_655],
};

function anyValue(field: FieldLayout): fc.Arbitrary<WireValue> {
  const width = fieldWidth(field);
  const code = fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte));
  switch (field.type) {
    case "u64":
      return fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    case "i64":
      return fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
    case "f64":
      return fc.double();
    case "char":
    case "text":
      return fc.string({ unit: code, minLength: width, maxLength: width });
    default: {
      const [min, max] = INTEGERS[field.type];
      return max > 0xffffffff
        ? fc.maxSafeNat().map((n) => n % (max + 1))
        : fc.integer({ min, max });
    }
  }
}

/** Values for every field but the type's own byte, which must be the layout's to be found again. */
function anyMessage(
  table: FeedTable,
  layout: MessageLayout,
): fc.Arbitrary<Record<string, WireValue>> {
  const values: Record<string, fc.Arbitrary<WireValue>> = {};
  for (const field of layout.fields) {
    const isType = layout.type !== "" && field.offset === table.typeOffset;
    values[field.name] = isType ? fc.constant(layout.type) : anyValue(field);
  }
  return fc.record(values);
}

for (const feed of FEEDS) {
  for (const table of [feed.table, ...(feed.sideTables ?? [])]) {
    for (const layout of table.messages) {
      describe(`${feed.id}, ${table.title}, ${layout.type} ${layout.name}`, () => {
        const bytes = new Uint8Array(layout.length + 7);
        const view = new DataView(bytes.buffer);

        test("any values come back as they were written, and nothing else is touched", () => {
          fc.assert(
            fc.property(anyMessage(table, layout), (values) => {
              bytes.fill(0xee);
              expect(writeMessage(table, layout, values, view, 3)).toBe(layout.length);
              expect(readValues(table, layout, view, 3)).toEqual(values);
              expect([...bytes.subarray(0, 3), ...bytes.subarray(-4)]).toEqual(Array(7).fill(0xee));
            }),
            { numRuns: 60 },
          );
        });

        test("fields lie inside the message and on no other field", () => {
          const taken = new Set<number>();
          for (const field of layout.fields) {
            for (let at = field.offset; at < field.offset + fieldWidth(field); at++) {
              expect(taken.has(at)).toBe(false);
              taken.add(at);
            }
          }
          expect(Math.max(...taken)).toBeLessThan(layout.length);
          expect(new Set(layout.fields.map((field) => field.name)).size).toBe(layout.fields.length);
        });

        test("any bytes have a text for every field, cut short or not", () => {
          const random = fc.uint8Array({ minLength: layout.length, maxLength: layout.length });
          const length = fc.integer({ min: 0, max: layout.length });
          fc.assert(
            fc.property(random, length, (content, cut) => {
              const copy = new DataView(content.slice().buffer);
              const row = messageRow(table, copy, 0, cut);
              if (row !== undefined) expect(row.values.length).toBe(row.layout.fields.length);
            }),
            { numRuns: 60 },
          );
        });
      });
    }
  }
}

test("a value that does not fit its field is refused by name", () => {
  const table = FEEDS[0].table;
  const layout = table.messages[0];
  const view = new DataView(new ArrayBuffer(64));
  const refused: Record<string, WireValue>[] = [
    { price: 2_147_483_648 },
    { price: 1.5 },
    { timestamp: 1n << 63n },
    { timestamp: 2 ** 53 },
    { side: "BS" },
    { side: "Ā" },
  ];
  for (const values of refused) {
    expect(() => writeMessage(table, layout, values, view, 0)).toThrow(FieldError);
  }
  expect(() => writeMessage(table, layout, { stream_id: 40_000 }, view, 0)).toThrow(
    "new_order.stream_id cannot hold 40000: give a whole number from -32768 to 32767",
  );
});
