/**
 * Rebuilds 20 million generated ITCH messages and gets the generator's own digest of best prices.
 * Prints the time a message beside the C++ yardstick's (`hash+b`) in the same run, as the programs say it
 * and from outside, at most 0.75 as they say it; then the same again, asked at 1,000 moments for the queue of
 * a level, beside an oracle that only answers that. Arguments: messages, instruments, seed.
 */
import { digestObstacle, runDigest } from "../../tests/itch-digest.ts";

const [messages = 20_000_000, instruments = 2000, seed = 1] = process.argv.slice(2).map(Number);
const MOST = 0.75;
const obstacle = digestObstacle();
if (obstacle !== undefined) {
  console.log(`not run: ${obstacle}`);
  process.exit(0);
}
const run = await runDigest(messages, instruments, seed, 3);
const { times: ours, yardstick } = run;
if (yardstick === undefined) throw new Error("the yardstick was not run");
console.log(`edgebook:  ${run.messages} messages, ${run.peakBytes >> 20} MiB`);
console.log(`edgebook:  ${run.changes} changes of best prices, digest ${run.digest}`);
console.log(
  `generator: ${run.expectedChanges} changes of best prices, digest ${run.expectedDigest}`,
);
const same = run.digest === run.expectedDigest && run.changes === run.expectedChanges;
console.log(same ? "the same books" : "NOT the same books");
const ratio = ours.told / yardstick.told;
console.log(`edgebook:  ${ours.told.toFixed(1)} ns a message (the fastest of three, in turns)`);
console.log(`yardstick: ${yardstick.told.toFixed(1)} ns a message (C++, hash+b)`);
console.log(`ratio:     ${ratio.toFixed(2)} (at most ${MOST})`);
console.log(
  `outside:   the whole process, start and compilers included: by the wall ${ours.wall.toFixed(1)} ` +
    `beside ${yardstick.wall.toFixed(1)} (${(ours.wall / yardstick.wall).toFixed(2)}), of CPU ` +
    `${ours.cpu.toFixed(1)} beside ${yardstick.cpu.toFixed(1)} (${(ours.cpu / yardstick.cpu).toFixed(2)})`,
);
const { queues } = run;
console.log(
  `queues:    ${queues.asked} asked for on the way, ${queues.orders} orders in them, ` +
    `${queues.wrong} not the oracle's; ${queues.nsPerMessage.toFixed(1)} ns a message then`,
);
const isAsked = queues.asked === 1000 && queues.wrong === 0 && queues.digest === run.expectedDigest;
process.exit(same && isAsked && ratio <= MOST ? 0 : 1);
