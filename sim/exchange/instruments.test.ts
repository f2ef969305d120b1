import { expect, test } from "bun:test";
import { parseMasters } from "../../feed/nse/masters.ts";
import { feedById } from "../../feed/registry.ts";
import { contractFiles, generateContracts, instrumentsFromContracts } from "./instruments.ts";
import { EXCHANGE_DEFAULTS, exchangeSeconds } from "./options.ts";

test("generated instruments have names of their own, also where a spread has its leg's token", () => {
  for (const segment of ["nse-fo", "nse-cm", "nse-cd", "nse-co"] as const) {
    const contracts = generateContracts(segment, 1_000, 7);
    expect(contracts.length).toBe(1_000);
    expect(new Set(contracts.map(({ stream }) => stream)).size).toBe(7);
    const instruments = instrumentsFromContracts(segment, contracts, 1);
    expect(new Set(instruments.map(({ name }) => name)).size).toBe(1_000);
    for (const { spread, openPrice, tick } of instruments) {
      expect(openPrice % tick === 0).toBe(true);
      if (!spread) expect(openPrice).toBeGreaterThan(0);
    }
  }
});

test("few instruments and many streams leave no instrument out", () => {
  expect(generateContracts("nse-fo", 3, 18).length).toBe(3);
  expect(generateContracts("nse-fo", 1, 1).length).toBe(1);
});

test("the contract files it writes are read back whole", () => {
  const contracts = generateContracts("nse-fo", 700, 3);
  const files = contractFiles(contracts, EXCHANGE_DEFAULTS.startSec);
  const masters = parseMasters([files.contracts, files.spreads], 2);
  expect(masters.remarks).toEqual([]);
  expect(masters.contracts).toBe(contracts.filter(({ spread }) => !spread).length);
  expect(masters.spreads).toBe(contracts.filter(({ spread }) => spread).length);
  for (const { token, spread, stream } of contracts) {
    expect(masters.streams.get(spread ? `S${token}` : `${token}`)).toBe(stream);
  }
});

test("the exchange's seconds and the feed's are the same clock", () => {
  // 2025-05-28 09:15:00 in India.
  expect(exchangeSeconds(1_748_403_900)).toBe(EXCHANGE_DEFAULTS.startSec);
  const ns = BigInt(EXCHANGE_DEFAULTS.startSec) * 1_000_000_000n;
  const time = { sec: 0, nsec: 0 };
  const [hi, lo] = [Number(ns >> 32n) | 0, Number(ns & 0xffffffffn) | 0];
  feedById("nse-fo")!.eventTime(hi, lo, Number.NaN, time);
  expect(time).toEqual({ sec: 1_748_403_900, nsec: 0 });
});
