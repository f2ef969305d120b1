/** Edge: reads the contract files that `--masters` names, plain or packed. */
import type { Feed } from "../feed/feed.ts";
import type { InstrumentMaster } from "../feed/instruments.ts";
import { parseMasters } from "../feed/nse/masters.ts";
import { openInput } from "../frames/input.ts";
import { CliError } from "./errors.ts";
import { printErr } from "./output.ts";

export async function loadMasters(
  paths: readonly string[],
  feed: Feed,
): Promise<ReadonlyMap<string, InstrumentMaster> | undefined> {
  if (paths.length === 0) return undefined;
  const texts: string[] = [];
  for (const path of paths) texts.push(await wholeText(path));
  try {
    const masters = parseMasters(texts, feed.table.priceDecimals);
    for (const remark of masters.remarks) printErr(`edgebook: --masters: ${remark}\n`);
    return masters.byName;
  } catch (cause) {
    const message = `--masters ${paths.join(", ")}: ${(cause as Error).message}`;
    throw new CliError("bad_masters_file", message, "Give the exchange's contract files.", cause);
  }
}

export async function wholeText(path: string): Promise<string> {
  const input = await openInput(path);
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const block of input.blocks()) text += decoder.decode(block, { stream: true });
  } finally {
    input.close();
  }
  return text + decoder.decode();
}
