/** Broker and book service away for a while, in small; the full size is `npm run prove -- endurance`. */
import { describe, expect, test } from "bun:test";
import { enduranceRun } from "./endurance-run.ts";
import { enduranceComplaints, enduranceSummary } from "./endurance-verdict.ts";
import { mosquittoProgram } from "./live-mqtt-broker.ts";

const present = mosquittoProgram() !== null;
if (!present) console.log("not run: no mosquitto");

const small = { pauseSeconds: 5, aroundSeconds: 1.5, rate: 2000, drainSeconds: 30 };

describe.skipIf(!present)(
  "a collector, Mosquitto with its default limits, and a book service",
  () => {
    test("nothing is lost while broker, book, or both are away, and the books catch up", async () => {
      const pauses = ["broker", "book", "both"] as const;
      const runs = await Promise.all(pauses.map((pause) => enduranceRun({ ...small, pause })));
      for (const run of runs) {
        console.log(enduranceSummary(run));
        expect(enduranceComplaints(run)).toEqual([]);
      }
    }, 120_000);

    test("a message too few, a chunk that was missed: each is complained of", async () => {
      const memory = { before: 1, paused: 1, after: 1, peak: 1 };
      const run = {
        options: { ...small, pause: "book" as const },
        ...{ sent: 100, sentRate: 100, kernelDrops: 0, served: 99, lost: 0, doubtful: false },
        ...{ drainSeconds: 1, behindChunks: 9, resent: 0, missed: 0, chunks: 20, spoolMiB: 1 },
        memory: { collector: memory, book: memory, broker: memory },
        cpuNs: { collector: 1, book: 1, broker: 1 },
      };
      expect(enduranceComplaints(run)).toEqual([]);
      expect(enduranceComplaints({ ...run, served: 98 })).toHaveLength(1);
      expect(enduranceComplaints({ ...run, served: 100 })).toHaveLength(1);
      expect(enduranceComplaints({ ...run, lost: 1 })).toHaveLength(1);
      expect(enduranceComplaints({ ...run, served: 98, kernelDrops: 1 })).toHaveLength(1);
      expect(enduranceComplaints({ ...run, missed: 1 })).toHaveLength(1);
      expect(enduranceComplaints({ ...run, drainSeconds: 31 })).toHaveLength(1);
      expect(enduranceComplaints({ ...run, behindChunks: 0 })).toHaveLength(1);
      const steady = { ...run, options: { ...small, pause: "nobody" as const } };
      expect(enduranceComplaints(steady)).toEqual([]);
      const grown = { ...run.memory, book: { ...memory, paused: 200, after: 400 } };
      expect(enduranceComplaints({ ...steady, memory: grown })).toHaveLength(1);
    });
  },
);
