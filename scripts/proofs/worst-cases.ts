/**
 * What a message takes in the worst books that can be made, beside a usual one and the C++ yardstick.
 * Deep sides, far prices, a million orders on one level, ids against hash tables; the digests of best
 * prices must be alike. Arguments: orders.
 */
import { measureBooks } from "../../bench/books.ts";
import { machineLine, thisMachine } from "../../bench/machine.ts";
import { worstCases } from "../../bench/worst-files.ts";
import { yardstickObstacle } from "../../bench/yardstick.ts";

const orders = Number(process.argv[2] ?? 1_000_000);
const obstacle = yardstickObstacle();
if (obstacle !== undefined) {
  console.log(`not run: ${obstacle}`);
  process.exit(0);
}
console.log(machineLine(thisMachine()));
// What starting takes is no message's: the same run on a file of two orders.
const [tiny] = worstCases(2);
const start = await measureBooks(tiny.file, 3);
const startNs = start.ours.cpu * start.messages;
console.log(`the process's start, ${(startNs / 1e6).toFixed(0)} ms of CPU, is taken off`);
let wrong = 0;
for (const { name, what, file } of worstCases(orders)) {
  const { ours, yardstick, digest, peakBytes, messages, same } = await measureBooks(file, 2);
  const nsPerMessage = ours.cpu - startNs / messages;
  console.log(
    `${name.padEnd(16)} ${nsPerMessage.toFixed(0).padStart(6)} ns a message of CPU, yardstick ` +
      `${yardstick.cpu.toFixed(0)}; ${messages} messages, ${peakBytes >> 20} MiB, digest ${digest}: ${what}`,
  );
  if (same) continue;
  wrong++;
  console.log("  WRONG: the yardstick built other books");
}
process.exit(wrong === 0 ? 0 : 1);
