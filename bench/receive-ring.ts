/**
 * Edge: the ring alone: takes numbered datagrams from the wire, looks at each number, does nothing
 * else. What it costs is the floor under the collector. Arguments: interface, group, port, count.
 * Ends when all have come, or nothing more comes; prints what came as JSON.
 */
import { openCapture } from "../frames/ring-choice.ts";

const PATIENCE_MS = 30_000;
const SILENCE_MS = 1_000;

const [name, group, port, count] = process.argv.slice(2);
const { receiver } = openCapture({
  groups: [{ group, port: Number(port), channel: 0 }],
  networkInterface: { name, address: "", loopback: false },
  way: "ring",
  mirror: true,
});
console.error("listening");
let received = 0;
let missing = 0;
let next = 0;
let used = process.cpuUsage();
let endMs = performance.now() + PATIENCE_MS;
while (received < Number(count)) {
  const batch = receiver.receive();
  if (batch.count === 0) {
    if (performance.now() > endMs) break;
    await Bun.sleep(1);
    continue;
  }
  if (received === 0) used = process.cpuUsage();
  endMs = performance.now() + SILENCE_MS;
  for (let i = 0; i < batch.count; i++) {
    const number = batch.view.getUint32(batch.offset[i], true);
    if (number !== next) missing += number - next;
    next = number + 1;
  }
  received += batch.count;
}
const { user, system } = process.cpuUsage(used);
const cpuNs = ((user + system) * 1000) / Math.max(1, received);
console.log(JSON.stringify({ received, missing, cpuNs, kernelDrops: receiver.kernelDrops }));
receiver.close();
