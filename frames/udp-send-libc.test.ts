import { expect, test } from "bun:test";
import { getPriority } from "node:os";
import { setSchedulerSlice, setTimerSlack } from "./udp-send-libc.ts";

test("asking for short turns changes nobody's share of the processor", () => {
  const before = getPriority();
  setTimerSlack(1000);
  setSchedulerSlice(200e3);
  expect(getPriority()).toBe(before);
});
