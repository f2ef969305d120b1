/**
 * Reads every capture of the captures folder and holds it against capinfos, damaged ones included.
 * First in one process, as `npm test` does; then each with a process of `edgebook rebuild` of its own.
 */
import { capinfosRows, tryAll } from "../../tests/captures-cli.ts";
import { runTests } from "../../tests/proof-run.ts";

const rows = capinfosRows();
if (rows === undefined) process.exit(0);
const code = await runTests("tests/captures.test.ts");
const tried = await tryAll(rows);
const complaints = tried.map(({ complaint }) => complaint).filter(Boolean);
for (const complaint of complaints) console.log(`WRONG: ${complaint}`);
const codes = new Map<number, number>();
for (const each of tried) codes.set(each.code, (codes.get(each.code) ?? 0) + 1);
const ends = [...codes].sort(([a], [b]) => a - b).map(([is, count]) => `${count} with ${is}`);
const slowest = Math.max(...tried.map(({ seconds }) => seconds));
const largest = Math.max(...tried.map(({ peakBytes }) => peakBytes));
console.log(`${rows.length} files by edgebook rebuild: ended ${ends.join(", ")}`);
console.log(`slowest ${slowest.toFixed(2)} s, most memory ${(largest / 2 ** 20).toFixed(0)} MiB`);
console.log(`${complaints.length} are not as they should be`);
process.exit(complaints.length === 0 ? code : 1);
