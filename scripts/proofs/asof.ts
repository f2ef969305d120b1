/**
 * The streaming as-of join gives DuckDB's rows for 4,000,000 items, and what an item takes.
 */
import { cpus } from "node:os";
import { acrossStreams, asOfLine, measureAsOf, oneStream } from "../../bench/asof.ts";

const count = Number(process.argv[2] ?? 4_000_000);
console.log(`${cpus()[0]?.model ?? "unknown processor"}, Bun ${Bun.version}`);
for (const traffic of [oneStream(count), acrossStreams(count)]) {
  console.log(asOfLine(await measureAsOf(traffic, 4)));
}
