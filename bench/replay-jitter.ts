/**
 * Edge: this machine's own jitter: waits for moments a fixed time apart as the replayer does, and
 * sends nothing. Arguments: spacing in ns, count. Prints how far off the p99 and the worst were.
 */
import { Waiter } from "../replayer/wait.ts";

const [spacingNs, count] = process.argv.slice(2).map(Number);
const waiter = new Waiter(new AbortController().signal, () => {});
const offNs: number[] = [];
waiter.begin();
let beforeNs = 0;
for (let i = 1; i <= count; i++) {
  while (waiter.nowNs < i * spacingNs) await waiter.until(i * spacingNs);
  const nowNs = waiter.nowNs;
  if (i > 1) offNs.push(Math.abs(nowNs - beforeNs - spacingNs));
  beforeNs = nowNs;
}
offNs.sort((a, b) => a - b);
console.log(JSON.stringify({ p99Ns: offNs[Math.floor(offNs.length * 0.99)], maxNs: offNs.at(-1) }));
