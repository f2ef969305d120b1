/**
 * Edge: this machine's own jitter: looks at the clock and at nothing else, until moments a fixed time
 * apart, as nobody can do better who sends anything. Arguments: spacing in ns, count. Prints how late
 * the p99 and the worst moment were noticed, and how far off their spacing was.
 */
const [spacingNs, count] = process.argv.slice(2).map(Number);
const lateNs: number[] = [];
const offNs: number[] = [];
const startNs = performance.now() * 1e6;
let beforeNs = 0;
for (let i = 1; i <= count; i++) {
  let nowNs = 0;
  do nowNs = performance.now() * 1e6 - startNs;
  while (nowNs < i * spacingNs);
  lateNs.push(nowNs - i * spacingNs);
  if (i > 1) offNs.push(Math.abs(nowNs - beforeNs - spacingNs));
  beforeNs = nowNs;
}
const p99 = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length * 0.99)];
const told = { lateP99Ns: p99(lateNs), lateMaxNs: lateNs.at(-1), spacingP99Ns: p99(offNs) };
console.log(JSON.stringify(told));
