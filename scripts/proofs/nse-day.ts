/**
 * Rebuilds 20 million simulated NSE messages of 50,000 instruments, order ids of 16 digits, beside the
 * C++ yardstick, and says what a record day of 19.7 billion messages takes on this machine. The digests
 * of best prices must be alike. Arguments: messages, instruments, live orders, rounds.
 */
import { measureBooks } from "../../bench/books.ts";
import { machineLine, thisMachine } from "../../bench/machine.ts";
import { marketFile } from "../../bench/market-files.ts";
import { yardstickObstacle } from "../../bench/yardstick.ts";

const RECORD_DAY = 19.7e9;
const [messages = 20_000_000, instruments = 50_000, liveOrders = 450_000, rounds = 3] = process.argv
  .slice(2)
  .map(Number);
const obstacle = yardstickObstacle();
if (obstacle !== undefined) {
  console.log(`not run: ${obstacle}`);
  process.exit(0);
}
console.log(machineLine(thisMachine()));
const started = Bun.nanoseconds();
const day = marketFile("nse", messages, instruments, liveOrders);
console.log(`the day was there after ${((Bun.nanoseconds() - started) / 1e9).toFixed(0)} s`);
const result = await measureBooks(day, rounds);
const { ours, yardstick, plain } = result;
console.log(
  `${result.messages} messages, ${result.instruments} instruments, ${result.liveOrders} live orders, ` +
    `${result.peakBytes >> 20} MiB, ${result.changes} changes of best prices, digest ${result.digest}`,
);
console.log(
  `edgebook:         ${ours.wall.toFixed(1)} ns a message, ${ours.cpu.toFixed(1)} of CPU`,
);
for (const [name, pace] of [
  ["C++", yardstick],
  ["C++, plain", plain],
] as const) {
  const ratio = `ratio ${(ours.wall / pace.wall).toFixed(2)}, of CPU ${(ours.cpu / pace.cpu).toFixed(2)}`;
  const label = `${name}:`.padEnd(17);
  console.log(
    `${label} ${pace.wall.toFixed(1)} ns a message, ${pace.cpu.toFixed(1)} of CPU; ${ratio}`,
  );
}
const minutes = (RECORD_DAY * ours.wall) / 60e9;
console.log(
  `a record day of 19.7 billion messages takes ${minutes.toFixed(0)} minutes on this machine, on one core`,
);
console.log(result.same ? "the same books" : "NOT the same books");
process.exit(result.same ? 0 : 1);
