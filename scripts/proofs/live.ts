/**
 * Replays the MoldUDP64 and IEX captures live: multicast, collector, MQTT, books as `rebuild` has them.
 * Through the embedded broker and Mosquitto; at 10x over the first five minutes, whole at 50000pps,
 * whole at max, and at max with the collector stopped, so that loss is certain.
 */
import { mosquittoProgram } from "../../tests/live-mqtt-broker.ts";
import { liveCaptures } from "../../tests/live-mqtt-capture.ts";
import { type LiveOptions, liveRun } from "../../tests/live-mqtt-run.ts";
import { complaintsOf, summaryOf } from "../../tests/live-mqtt-verdict.ts";

const PACED_SECONDS = 300;
const modes: Omit<LiveOptions, "broker" | "capture">[] = [
  { speed: "10x", first: { seconds: PACED_SECONDS } },
  { speed: "50000pps", first: {} },
  { speed: "max", first: {} },
  { speed: "max", first: {}, stopped: true },
];

const captures = liveCaptures();
if (captures === undefined) process.exit(0);
const hasMosquitto = mosquittoProgram() !== null;
if (!hasMosquitto) console.log("not run: no mosquitto");

let failed = 0;
for (const broker of hasMosquitto ? (["aedes", "mosquitto"] as const) : (["aedes"] as const)) {
  for (const capture of captures) {
    for (const mode of modes) {
      const options = { broker, capture, ...mode };
      const run = await liveRun(options);
      console.log(summaryOf(run, options));
      const complaints = complaintsOf(run, options);
      for (const complaint of complaints) console.log(`  WRONG: ${complaint}`);
      if (complaints.length > 0) failed++;
    }
  }
}
console.log(failed === 0 ? "all as it should be" : `${failed} runs are not as they should be`);
process.exit(failed === 0 ? 0 : 1);
