/**
 * What `rebuild` writes a second, for each schema and format: the AMZN day, then a simulated one.
 * Arguments: messages of the simulated ITCH day.
 */
import { existsSync } from "node:fs";
import { machineLine, thisMachine } from "../../bench/machine.ts";
import { marketFile } from "../../bench/market-files.ts";
import { measureRows, rowsLine } from "../../bench/rows.ts";

const messages = Number(process.argv[2] ?? 2_000_000);
const amzn = new URL("../../../shared/data/books/amzn_l5.itch50.gz", import.meta.url).pathname;
console.log(machineLine(thisMachine()));
if (existsSync(amzn)) {
  console.log("AMZN, 2012-06-21, 178,367 messages, unpacked on the way:");
  await tell(amzn, "2012-06-21");
} else console.log("not run: no captures");
const day = marketFile("itch", messages, 2000, 200_000);
console.log(`simulated ITCH, ${messages} messages, 2,000 instruments, 200,000 live orders:`);
await tell(day.path, "2025-05-28");

async function tell(file: string, date: string): Promise<void> {
  for await (const result of measureRows(file, "nasdaq-itch50", ["--date", date])) {
    console.log(`  ${rowsLine(result)}`);
  }
}
