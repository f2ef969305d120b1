/**
 * Looks at the page for ten minutes under a busy demo: frames a second and the browser's memory.
 * Arguments: `--minutes N` (10), `--rate N` messages a second (200000), `--streams N` (18).
 */
import { parseArgs } from "node:util";
import { pageRun } from "../../tests/browser-frames.ts";
import {
  CHROMIUM,
  complaintsOf,
  demoUrl,
  openBrowser,
  startDemo,
} from "../../tests/browser-run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    rate: { type: "string", default: "200000" },
    streams: { type: "string", default: "18" },
  },
});
const GOAL_FRAMES = 55;

if (CHROMIUM === undefined) {
  console.log("not run: no chromium");
  process.exit(0);
}
const { rate, streams } = values;
const demo = startDemo("--http", "127.0.0.1:0", "--rate", rate, "--streams", streams);
// Nobody else reads what it says; a full pipe would stop it.
void demo.stderr.pipeTo(new WritableStream());
const browser = await openBrowser();
let isWell = false;
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const complaints = complaintsOf(page);
  const url = await demoUrl(demo);
  await page.goto(url);
  await page.waitForSelector(".tile", { timeout: 60_000 });
  const run = await pageRun(page, Number(values.minutes) * 60);
  const { streams: rows } = (await (await fetch(`${url}/v1/streams`)).json()) as {
    streams: { messages_per_second: number; messages: number }[];
  };
  const messages = rows.reduce((sum, row) => sum + row.messages, 0);
  console.log(`page under ${rate} messages/s on ${streams} streams: ${run.text}`);
  console.log(
    `the books took ${messages} messages; ${complaints.length} complaints in the console`,
  );
  for (const complaint of complaints.slice(0, 10)) console.log(`  WRONG: ${complaint}`);
  isWell = complaints.length === 0 && run.framesPerSecond >= GOAL_FRAMES;
  if (run.framesPerSecond < GOAL_FRAMES) console.log(`  WRONG: below ${GOAL_FRAMES} a second`);
} finally {
  await browser.close();
  demo.kill("SIGINT");
  await demo.exited;
}
process.exit(isWell ? 0 : 1);
