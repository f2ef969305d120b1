/** A join as a config writes it. */
import { expect, test } from "bun:test";
import { asOfDeclaration } from "./declaration.ts";

test("a config names strategy, tolerance and the pairs of instruments", () => {
  const { options, plan } = asOfDeclaration({
    strategy: "nearest",
    tolerance_ns: 2e9,
    allow_exact_matches: false,
    quotes: { "nse-fo/35012": "nse-fo/35001" },
  });
  expect(options).toMatchObject({
    strategy: "nearest",
    toleranceNs: 2e9,
    allowExactMatches: false,
  });
  const quoted = { feed: "nse-fo", token: "35001" };
  expect(plan?.quoteOf({ feed: "nse-fo", token: "35012" })).toEqual(quoted);
  expect(plan?.quoteOf(quoted)).toBeUndefined();
  expect(plan?.isQuoted(quoted)).toBe(true);
  expect(plan?.isQuoted({ feed: "nse-fo", token: "35012" })).toBe(false);
});

test("without pairs each trade has its own instrument's quote", () => {
  expect(asOfDeclaration({}).plan).toBeUndefined();
});

test("a wrong field is named, with what to write", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ tolerance: 5 }, "no field is called 'tolerance'"],
    [{ strategy: "sideways" }, "write one of backward, forward, nearest"],
    [{ tolerance_ns: -1 }, "toleranceNs is -1"],
    [{ tolerance_ns: "2s" }, "write a number"],
    [{ allow_exact_matches: 1 }, "write true or false"],
    [{ quotes: { "nse-fo/1": "2" } }, "write an instrument as FEED/TOKEN"],
    [{ quotes: [] }, "write a table"],
  ];
  for (const [fields, message] of wrong) expect(() => asOfDeclaration(fields)).toThrow(message);
});
