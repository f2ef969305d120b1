/** The receive proof in small: what crosses a wire of our own is in the spool, byte for byte. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildYardstick,
  runCollector,
  runRing,
  runYardstick,
  yardstickObstacle,
} from "./receive.ts";
import { ReceiveWire, wireObstacle } from "./receive-wire.ts";

const obstacle = wireObstacle() ?? yardstickObstacle();
if (obstacle !== undefined) console.log(`not run: ${obstacle}`);

test.skipIf(obstacle !== undefined)(
  "yardstick and collector take every datagram of a modest rate, and the spool holds it",
  async () => {
    const scratch = mkdtempSync(join(tmpdir(), "edgebook-receive-"));
    const wire = new ReceiveWire();
    try {
      const load = { size: 100, count: 20_000, rate: 20_000 };
      expect((await runRing(wire, load)).received).toBe(load.count);
      for (const way of ["ring", "socket"] as const) {
        const program = buildYardstick(scratch, way);
        expect((await runYardstick(wire, program, load, way)).received).toBe(load.count);
        const run = await runCollector(wire, join(scratch, "collector"), load, way);
        expect(run.complaints).toEqual([]);
        expect([run.frames, run.kernelDrops, run.lost]).toEqual([load.count, 0, 0]);
      }
    } finally {
      wire.remove();
      rmSync(scratch, { recursive: true, force: true });
    }
  },
  120_000,
);
