/**
 * Looks at the page for ten minutes while the service takes 200,000 messages a second on 18 streams:
 * frames a second and the browser's memory, and what its console complains of.
 * Arguments: `--minutes N` (10), `--rate N` messages a second (200000), `--streams N` (18).
 */
import { parseArgs } from "node:util";
import { pageRun } from "../../tests/browser-frames.ts";
import { startPageLoad } from "../../tests/browser-load.ts";
import { CHROMIUM, complaintsOf, openBrowser } from "../../tests/browser-run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    rate: { type: "string", default: "200000" },
    streams: { type: "string", default: "18" },
  },
});
const GOAL_FRAMES = 55;
const INSTRUMENTS = 20_000;

if (CHROMIUM === undefined) {
  console.log("not run: no chromium");
  process.exit(0);
}
const seconds = Number(values.minutes) * 60;
const load = await startPageLoad({
  messagesPerSecond: Number(values.rate),
  streams: Number(values.streams),
  instruments: INSTRUMENTS,
  lifeSeconds: seconds + 300,
});
const browser = await openBrowser();
const wrong: string[] = [];
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const complaints = complaintsOf(page);
  await page.goto(load.url);
  await page.waitForSelector(".tile", { timeout: 60_000 });
  const [messages, began] = [load.messages, performance.now()];
  const run = await pageRun(page, seconds);
  const took = (performance.now() - began) / 1000;
  const rate = Math.round((load.messages - messages) / took);
  console.log(`page under ${rate} messages/s on ${values.streams} streams: ${run.text}`);
  console.log(`${load.behind} chunks were on their way to the books at the end`);
  wrong.push(...complaints.slice(0, 10).map((text) => `in the console: ${text}`));
  const { framesPerSecond } = run;
  if (framesPerSecond < GOAL_FRAMES) {
    wrong.push(`${framesPerSecond.toFixed(1)} frames a second, not ${GOAL_FRAMES}`);
  }
} finally {
  await browser.close();
  await load.stop();
}
for (const text of wrong) console.log(`  WRONG: ${text}`);
process.exit(wrong.length === 0 ? 0 : 1);
