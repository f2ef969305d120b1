/**
 * Edge: hears a replay on an interface and notes when each frame came, by the kernel's clock.
 * Arguments: interface, groups as JSON, frames to wait for, file for the arrival times (ns since
 * the first, as doubles), `ring` or `socket`. Ends when all have come, or nothing more comes; prints
 * what came as JSON.
 */
import { writeFileSync } from "node:fs";
import { findInterface } from "../frames/multicast.ts";
import { type CaptureWay, openCapture } from "../frames/ring-choice.ts";
import { FrameDigest } from "./replay-digest.ts";

const PATIENCE_MS = 30_000;
/** Longer than a capture is silent at the speeds that are heard. */
const SILENCE_MS = 8_000;

const [name, groups, count, path, way] = process.argv.slice(2);
const { receiver } = openCapture({
  groups: JSON.parse(groups),
  networkInterface: findInterface(name),
  way: way as CaptureWay,
});
console.error("listening");
const arrivalNs = new Float64Array(Number(count));
const digest = new FrameDigest();
let heard = 0;
let firstSec = 0;
let firstNsec = 0;
let endMs = performance.now() + PATIENCE_MS;
while (heard < arrivalNs.length) {
  const batch = receiver.receive();
  if (batch.count === 0) {
    if (performance.now() > endMs) break;
    await Bun.sleep(5);
    continue;
  }
  if (heard === 0) {
    firstSec = batch.sec[0];
    firstNsec = batch.nsec[0];
  }
  endMs = performance.now() + SILENCE_MS;
  for (let i = 0; i < batch.count && heard < arrivalNs.length; i++) {
    arrivalNs[heard++] = (batch.sec[i] - firstSec) * 1e9 + (batch.nsec[i] - firstNsec);
    digest.add(batch.bytes, batch.offset[i], batch.length[i]);
  }
}
writeFileSync(path, new Uint8Array(arrivalNs.buffer, 0, heard * 8));
const { kernelDrops } = receiver;
console.log(JSON.stringify({ heard, kernelDrops, digest: digest.text }));
receiver.close();
