/** How far a reader is behind is counted from what it took and where the partitions end. */
import { expect, test } from "bun:test";
import { LagWatch, lagOfAll } from "./kafka-lag.ts";

test("a reader's lag is the records that it has not taken, and the age of the last one that it took", () => {
  const watch = new LagWatch();
  watch.assign([
    { topic: "t", partition: 0 },
    { topic: "t", partition: 1 },
  ]);
  watch.begins("t", 1, 40);
  watch.ends("t", 0, 10);
  watch.ends("t", 1, 40);
  expect(watch.lags(5000)).toEqual([
    { topic: "t", partition: 0, records: 10, seconds: Number.NaN },
    { topic: "t", partition: 1, records: 0, seconds: 0 },
  ]);
  watch.took("t", 0, 6, 2000);
  expect(watch.lags(5000)[0]).toEqual({ topic: "t", partition: 0, records: 3, seconds: 3 });
  watch.took("t", 1, 40, 4000);
  watch.ends("t", 1, 43);
  expect(lagOfAll(watch.lags(5000))).toEqual({ records: 5, seconds: 3 });
  // What was read beyond the last known end is no lag below nothing.
  watch.took("t", 0, 11, 4500);
  expect(watch.lags(5000)[0]).toEqual({ topic: "t", partition: 0, records: 0, seconds: 0 });
});

test("a partition that went to somebody else is no lag of ours", () => {
  const watch = new LagWatch();
  watch.assign([{ topic: "t", partition: 0 }]);
  watch.ends("t", 0, 7);
  watch.assign([{ topic: "t", partition: 1 }]);
  watch.ends("t", 0, 9);
  expect(watch.lags(0)).toEqual([{ topic: "t", partition: 1, records: 0, seconds: 0 }]);
});
