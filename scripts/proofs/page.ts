/**
 * Looks at the page for ten minutes while the service takes 200,000 messages a second on 18 streams:
 * frames a second and the browser's memory, and what its console complains of.
 * Arguments: `--minutes N` (10), `--rate N` messages a second (200000), `--streams N` (18).
 *
 * The load is made before (two minutes for ten, 1 GB) and kept for the next run.
 */
import { mkdirSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cacheFolder } from "../../bench/cache-folder.ts";
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
/** Less is a machine that cannot make the load, and proves nothing of the page. */
const RATE_SHARE = 0.95;
const INSTRUMENTS = 20_000;
/** The load goes on before and after, while the browser starts and its last frames are counted. */
const AROUND_SECONDS = 60;

if (CHROMIUM === undefined) {
  console.log("not run: no chromium");
  process.exit(0);
}
const seconds = Number(values.minutes) * 60;
let toldMs = performance.now();
console.log(
  `${cpus()[0]?.model ?? "?"}, ${cpus().length} processors, load average ` +
    `${loadavg()[0].toFixed(1)}, Bun ${Bun.version}`,
);
const folder = join(cacheFolder(), "page-load");
mkdirSync(folder, { recursive: true });
const wanted = Number(values.rate);
const load = await startPageLoad({
  folder,
  messagesPerSecond: wanted,
  streams: Number(values.streams),
  instruments: INSTRUMENTS,
  seconds: seconds + AROUND_SECONDS,
  onMade: (messages) => {
    if (performance.now() < toldMs + 10_000) return;
    toldMs = performance.now();
    console.log(`${messages} messages made`);
  },
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
  if (load.isOver) wrong.push("the load ended before the last look");
  if (rate < wanted * RATE_SHARE) wrong.push(`${rate} messages a second, not ${wanted}`);
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
