import { expect, test } from "bun:test";
import fc from "fast-check";
import { TextBuffer } from "./text-buffer.ts";

/** What `write` leaves in a buffer that is much too small for it, so that it drains on the way. */
function textOf(write: (text: TextBuffer) => void): string {
  let all = "";
  const text = new TextBuffer({ write: (bytes) => (all += new TextDecoder().decode(bytes)) }, 96);
  write(text);
  text.drain();
  return all;
}

const words = fc.tuple(fc.integer(), fc.integer());
const bits = ([hi, lo]: readonly [number, number]) => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

test("64-bit numbers print as bigints do", () => {
  fc.assert(
    fc.property(fc.array(words, { minLength: 1, maxLength: 20 }), (numbers) => {
      const unsigned = textOf((text) => {
        for (const [hi, lo] of numbers) text.unsigned64(hi, lo);
      });
      const signed = textOf((text) => {
        for (const [hi, lo] of numbers) text.signed64(hi, lo);
      });
      expect(unsigned).toBe(numbers.map((pair) => String(bits(pair))).join(""));
      expect(signed).toBe(numbers.map((pair) => String(BigInt.asIntN(64, bits(pair)))).join(""));
    }),
  );
});

test("whole numbers print as JavaScript prints them", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(textOf((text) => text.integer(value))).toBe(String(value));
    }),
  );
});

test("a decimal is its integer with the point put in, digit by digit", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 12 }), (value, places) => {
      const digits = String(Math.abs(value)).padStart(places + 1, "0");
      const at = digits.length - places;
      const sign = value < 0 ? "-" : "";
      expect(textOf((text) => text.decimal(value, places))).toBe(
        `${sign}${digits.slice(0, at)}.${digits.slice(at)}`,
      );
    }),
  );
});

test("a time is its nanoseconds since 1970, before it too", () => {
  const sec = fc.integer({ min: -4_294_967_296, max: 4_294_967_295 });
  const nsec = fc.integer({ min: 0, max: 999_999_999 });
  fc.assert(
    fc.property(sec, nsec, (s, n) => {
      expect(textOf((text) => text.time(s, n))).toBe(
        String(BigInt(s) * 1_000_000_000n + BigInt(n)),
      );
    }),
  );
});

test("pieces longer than the buffer come out whole and in order", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 200 })), (pieces) => {
      expect(
        textOf((text) => {
          for (const piece of pieces) text.text(piece);
        }),
      ).toBe(pieces.join(""));
    }),
  );
});
