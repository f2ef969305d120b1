/**
 * Rebuilds 20 million generated ITCH messages and gets the generator's own digest of best prices.
 * Prints the time a message beside the C++ yardstick's (`hash+b`) in the same run. Arguments:
 * messages, instruments, seed.
 */
import { digestObstacle, runDigest } from "../../tests/itch-digest.ts";

const [messages = 20_000_000, instruments = 2000, seed = 1] = process.argv.slice(2).map(Number);
const obstacle = digestObstacle();
if (obstacle !== undefined) {
  console.log(`not run: ${obstacle}`);
  process.exit(0);
}
const run = await runDigest(messages, instruments, seed, 3);
console.log(`edgebook: ${run.messages} messages, ${run.nsPerMessage} ns a message`);
console.log(`edgebook: ${run.changes} changes, digest ${run.digest}, ${run.peakBytes >> 20} MiB`);
console.log(`expected: ${run.expectedChanges} changes, digest ${run.expectedDigest}`);
console.log(`yardstick: ${run.yardstick}`);
const same = run.digest === run.expectedDigest && run.changes === run.expectedChanges;
console.log(same ? "the same books" : "NOT the same books");
process.exit(same ? 0 : 1);
