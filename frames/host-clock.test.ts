import { expect, test } from "bun:test";
import { hardwareTimesObstacle } from "./hardware-times.ts";
import { hostClockDoubtNs } from "./host-clock.ts";
import { openLibc } from "./multicast-libc.ts";

test("the host's clock is off by a bound that somebody answers for, or by nobody knows what", () => {
  const doubtNs = hostClockDoubtNs();
  if (doubtNs === undefined) return;
  expect(doubtNs).toBeGreaterThanOrEqual(0);
  expect(Number.isSafeInteger(doubtNs)).toBe(true);
});

test("loopback has no card that could stamp what comes in, nor has an interface that is not there", () => {
  const libc = openLibc();
  if (libc === undefined) return;
  expect(hardwareTimesObstacle(libc, "lo")).toContain("no hardware times");
  expect(hardwareTimesObstacle(libc, "nowhere0")).toContain("no hardware times");
});
