/** IEX on real captures: the counts are those that other parsers found. */
import { expect, test } from "bun:test";
import { capturePath, tallyOf } from "../../tests/feed-reading.ts";
import { OpKind } from "../op-batch.ts";
import { iexDeep, iexTops } from "./feed.ts";

test("DEEP of 2023-10-02: every message, none missing, no fault", async () => {
  const path = capturePath("captures/iex-deep/iex-deep-2023-10-02.pcap.gz");
  if (path === undefined) return;
  const tally = await tallyOf(iexDeep, path);
  expect(tally).toMatchObject({ frames: 5000, heartbeats: 1264, messages: 48_325, missing: 0 });
  expect((tally.byType["8"] ?? 0) + (tally.byType["5"] ?? 0)).toBe(2752);
  expect(tally.byType).toMatchObject({ T: 37, D: 3 });
  expect(tally.byOp).toMatchObject({ [OpKind.Level]: 2752, [OpKind.Print]: 37 });
  expect(tally.faults).toEqual({ 0: 5000 });
  expect([...tally.decoder.anomalies]).toEqual([]);
});

test("TOPS 1.6, IEX's sample: every message, none missing, no fault", async () => {
  const path = capturePath("captures/iex-tops/TOPS16.pcapng.gz");
  if (path === undefined) return;
  const tally = await tallyOf(iexTops, path);
  expect(tally).toMatchObject({ frames: 13_022, messages: 57_674, missing: 0 });
  expect(tally.byOp).toMatchObject({ [OpKind.Quote]: tally.byType.Q, [OpKind.Break]: 3 });
  expect(tally.faults).toEqual({ 0: 13_022 });
  expect([...tally.decoder.anomalies]).toEqual([]);
});

const DEEP = "Deep.IexTp.v1.0";
const TOPS = "Tops.IexTp.v1.5";

test.each([
  [`${DEEP}/Heartbeat`, {}],
  [`${DEEP}/PriceLevelBuyUpdateMessage`, { "8": 1 }],
  [`${DEEP}/PriceLevelSellUpdateMessage`, { "5": 1 }],
  [`${TOPS}/AuctionInformationMessage`, { A: 1 }],
  [`${TOPS}/OfficialPriceMessage`, { X: 1 }],
  [`${TOPS}/OperationalHaltStatusMessage`, { O: 1, H: 1, Q: 1, S: 1 }],
  [`${TOPS}/QuoteUpdateMessage`, { Q: 1 }],
  [`${TOPS}/SecurityDirectoryMessage`, { D: 2, P: 13, O: 13, H: 12, Q: 12 }],
  [`${TOPS}/ShortSalePriceTestStatusMessage`, { P: 1 }],
  [`${TOPS}/SystemEventMessage`, { S: 1 }],
  [`${TOPS}/TradeReportMessage`, { T: 1 }],
  [`${TOPS}/TradingStatusMessage`, { H: 1 }],
  ["Tops.IexTp.v1.6/QuoteUpdateMessage", { Q: 1 }],
])("%s decodes", async (name, types: Record<string, number>) => {
  const path = capturePath(`captures/per-message/Iex/${name}.pcap`);
  if (path === undefined) return;
  const tally = await tallyOf(name.startsWith(DEEP) ? iexDeep : iexTops, path);
  expect(tally.byType).toEqual(types);
  expect(tally.faults).toEqual({ 0: tally.frames });
  expect([...tally.decoder.anomalies]).toEqual([]);
});
