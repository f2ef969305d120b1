/** NASDAQ on real captures: the counts are those that other parsers found. */
import { expect, test } from "bun:test";
import { capturePath, tallyOf } from "../../tests/feed-reading.ts";
import { nasdaqItch50 as feed } from "./feed.ts";

test("a day of AMZN over MoldUDP64: every message, none missing, no fault", async () => {
  const path = capturePath("books/amzn_l5.mold64.pcap.gz");
  if (path === undefined) return;
  const tally = await tallyOf(feed, path);
  expect(tally).toMatchObject({ frames: 148_580, packets: 148_580, messages: 178_367, missing: 0 });
  expect(tally.byType).toEqual({ S: 2, R: 1, P: 2445, A: 84_256, E: 9417, X: 5607, D: 76_639 });
  expect(tally.faults).toEqual({ 0: 148_580 });
  expect(tally.decoder.instruments.names).toEqual(["AMZN"]);
  expect([...tally.decoder.anomalies]).toEqual([]);
});

test.each([
  ["AddOrderNoMpidAttributionMessage", { A: 1 }],
  ["MarketParticipantPositionMessage", { L: 1 }],
  ["Multiple.Packets", { D: 1, A: 36, F: 2 }],
  ["NetOrderImbalanceIndicatorMessage", { I: 1 }],
  ["OrderDeleteMessage", { D: 1 }],
  ["OrderExecutedMessage", { E: 1 }],
  ["OrderReplaceMessage", { U: 1 }],
  ["StockTradingActionMessage", { H: 1 }],
])("%s decodes", async (name, types: Record<string, number>) => {
  const folder = "captures/per-message/Nasdaq/Nasdaq.Equities.TotalView.Itch.v5.0";
  const path = capturePath(`${folder}/${name}.pcap`);
  if (path === undefined) return;
  const tally = await tallyOf(feed, path);
  expect(tally.byType).toEqual(types);
  expect(tally.faults).toEqual({ 0: tally.frames });
  expect([...tally.decoder.anomalies]).toEqual([]);
});
