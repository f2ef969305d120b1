/** A demo as a process, and a headless Chromium to look at it with. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

export const CHROMIUM = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** What has not happened by then does not happen, however busy the machine is. */
export const WITHIN = { timeout: 60_000 };
/** A test of several such waits. */
export const SLOW_MS = 300_000;
const START_MS = 60_000;

export type Demo = Bun.Subprocess<"ignore", "pipe", "pipe">;

export function startDemo(...flags: string[]): Demo {
  const script = join(import.meta.dir, "../cli/main.ts");
  return Bun.spawn([process.execPath, script, "demo", ...flags], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

export async function demoUrl(demo: Demo): Promise<string> {
  const decoder = new TextDecoder();
  const reader = demo.stdout.getReader();
  const deadline = performance.now() + START_MS;
  let text = "";
  while (performance.now() < deadline) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
    const url = /http:\/\/\S+/.exec(text)?.[0];
    if (url !== undefined) return url;
  }
  throw new Error(`the demo did not start: ${await new Response(demo.stderr).text()}`);
}

export function openBrowser(...flags: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM ?? "", args: [...FLAGS, ...flags] });
}

/** @returns what the page complains of from now on: errors, warnings and refusals of its policy */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  return complaints;
}

/** For people who want to look: `EDGEBOOK_SCREENSHOTS=DIR bun test tests/browser-page.test.ts`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.EDGEBOOK_SCREENSHOTS;
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
}
