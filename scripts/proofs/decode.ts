/**
 * Framing and decoding alone, ITCH and NSE, beside a C++ parse of the same fields in the same run: at
 * most 2.5 times its CPU. Arguments: messages.
 */
import { measureDecode } from "../../bench/decode.ts";
import { machineLine, thisMachine } from "../../bench/machine.ts";
import { marketFile } from "../../bench/market-files.ts";
import { yardstickObstacle } from "../../bench/yardstick.ts";

const MOST = 2.5;
const messages = Number(process.argv[2] ?? 2_000_000);
const obstacle = yardstickObstacle();
if (obstacle !== undefined) {
  console.log(`not run: ${obstacle}`);
  process.exit(0);
}
console.log(machineLine(thisMachine()));
let isReached = true;
for (const [feed, instruments] of [
  ["itch", 2000],
  ["nse", 50_000],
] as const) {
  const day = marketFile(feed, messages, instruments, 200_000);
  const result = measureDecode(day, 20);
  const { nsPerMessage: ours, yardstickNsPerMessage: theirs, digest, yardstickDigest } = result;
  const isSame = digest === yardstickDigest;
  console.log(
    `${result.feed}: ${result.messages} messages, ${ours.toFixed(1)} ns a message, C++ parse ` +
      `${theirs.toFixed(1)}: ratio ${(ours / theirs).toFixed(2)} (at most ${MOST}); ` +
      `${isSame ? `the same fields, sum ${digest}` : "WRONG: other fields"}`,
  );
  isReached &&= isSame && ours <= MOST * theirs;
}
process.exit(isReached ? 0 : 1);
