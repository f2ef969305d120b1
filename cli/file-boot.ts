/**
 * Edge: the boot number of a run that collects captures into an archive. Live, a boot is the moment
 * a collector started; of files it is taken from the files, so that the same captures collected in
 * the same way give the same chunks, byte for byte, on any machine and on any day.
 */
import { statSync } from "node:fs";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import { openInput } from "../frames/input.ts";
import type { CollectSettings } from "./collect-settings.ts";
import { frameBatches } from "./frame-source.ts";

/**
 * Milliseconds like a live boot's: the second of the first frame, and in the last three digits a hash
 * of sizes and settings, so that a capture that has grown is another boot. Undefined for standard
 * input, which can be read only once, and where no frame is found.
 */
export async function fileBoot(settings: CollectSettings): Promise<number | undefined> {
  const [first] = settings.captures;
  if (first === undefined || settings.captures.includes("-")) return undefined;
  const input = await openInput(first);
  try {
    // Channels of its own: those of the settings are what the run itself finds.
    const found = frameBatches(input, new Channels(), new CaptureCounters(), false);
    for await (const { frames } of found) {
      if (frames.count > 0) return frames.sec[0] * 1000 + (waysOf(settings) % 1000);
    }
    return undefined;
  } finally {
    input.close();
  }
}

function waysOf({ captures, keep, codec, chunkAgeNs, name, channels }: CollectSettings): number {
  const sizes = captures.map((path) => statSync(path).size);
  const groups = channels.list.map(({ group, port, stream, line }) => [group, port, stream, line]);
  const words = JSON.stringify([sizes, keep, codec ?? "", chunkAgeNs ?? 0, name, groups]);
  return Number(Bun.hash(words) % 1_000_003n);
}
