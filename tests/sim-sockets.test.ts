/**
 * Days of the simulated exchange through real processes that are killed. The full size is
 * `npm run prove -- sim-sockets`, of the same code.
 */
import { describe, expect, test } from "bun:test";
import { mosquittoProgram } from "./live-mqtt-broker.ts";
import { planOf } from "./sockets-plan.ts";
import { type SocketsRun, socketsRun, spoolRun } from "./sockets-run.ts";
import { complaintsOf, summaryOf } from "./sockets-verdict.ts";

const TIMEOUT_MS = 120_000;
/** Books that are killed early, so that they see all that comes after; one collector, and two. */
const SEEDS = [18, 3];
const present = mosquittoProgram() !== null;
if (!present) console.log("not run: no mosquitto");

describe.skipIf(!present)("killed by kill -9 and started again at once", () => {
  let last: SocketsRun | undefined;
  for (const seed of SEEDS) {
    test(
      `seed ${seed}: the final books are the auditor's, and nothing is lost`,
      async () => {
        last = await socketsRun(planOf(seed));
        console.log(summaryOf(last));
        expect(complaintsOf(last)).toEqual([]);
      },
      TIMEOUT_MS,
    );
  }

  test(
    "what only a killed collector's spool has comes from there",
    async () => {
      const run = await spoolRun(3);
      console.log(summaryOf(run));
      expect(complaintsOf(run)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test("a wrong size, a lost number, a message too few, a dead process: each is complained of", () => {
    const run = last as SocketsRun;
    const { served } = run;
    const [stream, ...others] = served.streams;
    const [certificate, ...certificates] = served.certificates;
    if (stream === undefined || certificate === undefined) throw new Error("nothing was served");
    const [token = ""] = [...served.books].find(([, book]) => book !== "|") ?? [];
    const books = new Map(served.books).set(token, `${served.books.get(token)} 1.00x1(1)`);
    const gap = { state: "lost", stream: 1, from: "2", to: "3", repaired_by: null };
    const broken: SocketsRun[] = [
      { ...run, served: { ...served, books } },
      { ...run, served: { ...served, streams: [{ ...stream, lost: 1 }, ...others] } },
      { ...run, served: { ...served, streams: [{ ...stream, position: "7" }, ...others] } },
      { ...run, served: { ...served, streams: others } },
      { ...run, served: { ...served, gaps: [gap] } },
      { ...run, served: { ...served, certificates } },
      {
        ...run,
        served: { ...served, certificates: [{ ...certificate, delivered: 1 }, ...certificates] },
      },
      { ...run, dead: ["collector"] },
    ];
    for (const each of broken) expect(complaintsOf(each)).not.toEqual([]);
  });
});
