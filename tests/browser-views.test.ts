/**
 * Every view of the page as a person uses it: with keys alone, in dark and light, on a phone, on a day
 * that is past, and when the service is gone. Where no Chromium is, it says so and passes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { pageRun } from "./browser-frames.ts";
import {
  CHROMIUM,
  complaintsOf,
  type Demo,
  demoUrl,
  openBrowser,
  SLOW_MS,
  screenshot,
  startDemo,
  WITHIN,
} from "./browser-run.ts";
import { until } from "./until.ts";

const VIEWS = ["overview", "instrument", "gaps", "replay", "system"] as const;

if (CHROMIUM === undefined) console.log("browser-views.test.ts: not run: no chromium");

describe.skipIf(CHROMIUM === undefined)("the views of the page", () => {
  let demo: Demo;
  let url = "";
  let browser: Browser;
  let page: Page;
  let complaints: string[] = [];

  beforeAll(async () => {
    demo = startDemo("--http", "127.0.0.1:0", "--streams", "18", "--instruments", "1800");
    url = await demoUrl(demo);
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1360, height: 900 }, colorScheme: "dark" });
    complaints = complaintsOf(page);
    await page.goto(url);
    await page.waitForFunction(() => document.querySelectorAll(".tile").length === 18);
  }, SLOW_MS);

  afterAll(async () => {
    await browser?.close();
    demo?.kill("SIGKILL");
  }, SLOW_MS);

  test(
    "the keys 1 to 5 lead to the views, and the address says which",
    async () => {
      for (const [at, name] of VIEWS.entries()) {
        await page.keyboard.press(String(at + 1));
        await page.waitForSelector(`#page[data-view=${name}]`);
        expect(new URL(page.url()).hash).toContain(name);
        expect(await page.locator("nav [aria-current=page]").count()).toBe(1);
      }
    },
    SLOW_MS,
  );

  test(
    "? shows the keys, Escape closes them",
    async () => {
      await page.keyboard.press("?");
      await page.waitForSelector("#help[open]");
      expect(await page.locator("#help").textContent()).toContain("find an instrument");
      await page.keyboard.press("Escape");
      await page.waitForSelector("#help:not([open])", { state: "attached" });
    },
    SLOW_MS,
  );

  test(
    "Overview says in one sentence whether the books can be trusted, with totals",
    async () => {
      await page.keyboard.press("1");
      await page.waitForSelector("#verdict[data-state]");
      const totals = await page.locator("#totals").textContent();
      for (const name of ["messages a second", "live orders", "capture to book", "lost"]) {
        expect(totals).toContain(name);
      }
      await page.waitForSelector("#certificates tbody tr", WITHIN);
      await screenshot(page, "overview");
    },
    SLOW_MS,
  );

  test(
    "System shows the service, its source and the collector with its spool",
    async () => {
      await page.keyboard.press("5");
      const collector = page.locator(".card", { hasText: "Collector demo" });
      await collector.waitFor(WITHIN);
      expect(await collector.textContent()).toMatch(/spool .* of 1\.0 GiB/);
      expect(await page.locator(".card", { hasText: "Sources" }).textContent()).toContain(
        "mqtt://",
      );
      await screenshot(page, "system");
    },
    SLOW_MS,
  );

  test(
    "Gaps leads from a gap to the messages around it",
    async () => {
      await page.keyboard.press("3");
      await page.locator("#ledger .link").nth(3).waitFor(WITHIN);
      await page.locator("#ledger .link").last().click();
      await page.waitForSelector("#gap");
      // Chunks reach the disk a moment later: choosing the gap again reads again.
      const found = await until(async () => {
        await page.locator("#ledger .link").last().click();
        const rows = page.locator("#around tbody tr");
        await rows
          .first()
          .waitFor({ timeout: 5000 })
          .catch(() => {});
        return (await rows.count()) > 3 ? await rows.count() : undefined;
      });
      expect(found).toBeGreaterThan(3);
      await screenshot(page, "gap");
    },
    SLOW_MS,
  );

  test(
    "Replay plays the past, pauses, steps and seeks, in the same panels",
    async () => {
      await page.keyboard.press("4");
      await page.waitForSelector("#play");
      await page.keyboard.press(" ");
      await page.waitForSelector("#phase[data-state=playing]", WITHIN);
      await page.locator("#speed").selectOption("10x");
      await page.waitForSelector("#ladder tr.bid .price", WITHIN);
      await screenshot(page, "replay");
      await page.locator("#play").click();
      await page.waitForSelector("#phase[data-state=paused]", WITHIN);
      const position = () => page.locator("#position").textContent();
      const stood = await position();
      await page.waitForTimeout(700);
      expect(await position()).toBe(stood);
      await page.locator("#step").click();
      await page.locator("#seek").fill((await page.locator("#seek").getAttribute("min")) ?? "0");
      await page.waitForFunction(
        (before) => (document.querySelector("#position")?.textContent ?? "") < (before ?? ""),
        stood,
        WITHIN,
      );
    },
    SLOW_MS,
  );

  test(
    "t changes between dark and light, and the choice is kept",
    async () => {
      const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
      expect(await theme()).toBe("dark");
      await page.locator("body").press("t");
      expect(await theme()).toBe("light");
      await page.reload();
      expect(await theme()).toBe("light");
      await page.locator("body").press("t");
    },
    SLOW_MS,
  );

  test(
    "nobody who sees, hears or types otherwise is shut out of a view",
    async () => {
      const axe = readFileSync(Bun.resolveSync("axe-core/axe.min.js", import.meta.dir), "utf8");
      const found: string[] = [];
      for (const theme of ["dark", "light"]) {
        for (const [at, name] of VIEWS.entries()) {
          await page.locator("body").press(String(at + 1));
          await page.waitForSelector(`#page[data-view=${name}]`);
          await page.waitForTimeout(300);
          await page.evaluate(axe);
          const serious = await page.evaluate(async () => {
            const { run } = (globalThis as unknown as { axe: { run(): Promise<AxeAnswer> } }).axe;
            const { violations } = await run();
            return violations
              .filter(({ impact }) => impact === "serious" || impact === "critical")
              .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
          });
          found.push(...serious.map((text) => `${theme} ${name}: ${text}`));
        }
        await page.locator("body").press("t");
      }
      expect(found).toEqual([]);
    },
    SLOW_MS,
  );

  test(
    "on a phone nothing stands outside the screen",
    async () => {
      const phone = await browser.newPage({ viewport: { width: 390, height: 844 } });
      await phone.goto(url);
      for (const [at, name] of VIEWS.entries()) {
        await phone.locator("nav a").nth(at).click();
        await phone.waitForSelector(`#page[data-view=${name}]`);
        await phone.waitForTimeout(500);
        const width = await phone.evaluate(() => document.documentElement.scrollWidth);
        expect([name, width]).toEqual([name, 390]);
        await screenshot(phone, `phone-${name}`);
      }
      await phone.close();
    },
    SLOW_MS,
  );

  test(
    "18 streams live are drawn, and the browser's memory stays where it is",
    async () => {
      const run = await pageRun(page, 6);
      console.log(`page: ${run.text}`);
      // A shared machine without a graphics card: a page that stutters is far below.
      expect(run.framesPerSecond).toBeGreaterThan(10);
      expect(run.heapBytesMax).toBeLessThan(200 * 2 ** 20);
    },
    SLOW_MS,
  );

  test("it complains of nothing", () => {
    expect(complaints).toEqual([]);
  });

  test(
    "a service that is gone makes the screen stale, and says so",
    async () => {
      await page.locator("body").press("1");
      demo.kill("SIGKILL");
      await page.waitForSelector("#stale:not([hidden])", WITHIN);
      expect(await page.locator("#stale").textContent()).toContain("has not answered");
      expect(await page.locator("#connection").textContent()).toBe("not connected");
      await screenshot(page, "stale");
    },
    SLOW_MS,
  );
});

interface AxeAnswer {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}
