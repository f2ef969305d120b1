/**
 * The page of a service that asks who you are, over TLS: the way in, every view behind it, and what a
 * session that is over looks like. Where no Chromium or no openssl is, it says so and passes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
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
import { freePort } from "./live-mqtt-broker.ts";
import { type Running, startFor } from "./live-run.ts";
import { ownCertificate } from "./own-certificate.ts";
import { until } from "./until.ts";

const LIVE = "/v1/live";
const LIFE_MS = 600_000;
const SECRET = "a-secret-that-only-this-test-knows";
const folder = mkdtempSync(join(tmpdir(), "edgebook-page-token-"));
const made = CHROMIUM === undefined ? undefined : ownCertificate(folder);
if (made === undefined) console.log("browser-token.test.ts: not run: no chromium or no openssl");

interface System {
  readonly sources: readonly { readonly source: string }[];
  readonly collectors: readonly { readonly url: string }[];
}

/** Of what the demo's own service takes and shows, behind a token. */
async function guardedWords(demo: string, port: number): Promise<string[]> {
  const { certificate = "", key = "" } = made ?? {};
  const tokens = join(folder, "tokens");
  writeFileSync(tokens, `read ${SECRET}\n`);
  const { sources, collectors } = await until(async () => {
    const system = (await (await fetch(`${demo}/v1/system`)).json()) as System;
    return system.collectors.length > 0 && system;
  }, "the demo's collector");
  return [
    ...["book", "--from", sources[0].source, "--name", "guarded", "--history", demo],
    ...["--collector", collectors[0].url, "--http", `127.0.0.1:${port}`],
    ...["--http-tls-cert", certificate, "--http-tls-key", key, "--token-file", tokens],
  ];
}

describe.skipIf(made === undefined)("the page behind a token", () => {
  let demo: Demo;
  let words: string[] = [];
  let service: Running;
  let url = "";
  let browser: Browser;
  let page: Page;
  let complaints: string[] = [];

  beforeAll(async () => {
    demo = startDemo("--http", "127.0.0.1:0");
    words = await guardedWords(await demoUrl(demo), await freePort());
    service = startFor(LIFE_MS, ...words);
    url = await service.hears(/books at (https:\S+)/);
    browser = await openBrowser();
    const viewport = { width: 1360, height: 900 };
    page = await browser.newPage({ viewport, colorScheme: "dark", ignoreHTTPSErrors: true });
  }, SLOW_MS);

  afterAll(async () => {
    await browser?.close();
    await service?.interrupt();
    demo?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }, SLOW_MS);

  const logIn = async (token: string) => {
    await page.locator("#token").fill(token);
    await page.locator("button[type=submit]").click();
  };

  test(
    "a stranger sees a form and nothing else, and a wrong token is told so",
    async () => {
      expect((await page.goto(url))?.status()).toBe(401);
      await screenshot(page, "login-dark");
      await logIn("not-the-token-that-it-should-be");
      await page.locator("[role=alert]", { hasText: "not known" }).waitFor(WITHIN);
      await page.emulateMedia({ colorScheme: "light" });
      await screenshot(page, "login-light");
      expect(await page.locator("#page").count()).toBe(0);
      const tls = { rejectUnauthorized: false };
      for (const path of ["/v1/streams", LIVE, "/page.js", "/metrics"]) {
        const upgrade = { connection: "Upgrade", upgrade: "websocket" };
        const { status } = await fetch(url + path, { tls, headers: path === LIVE ? upgrade : {} });
        expect([path, status]).toEqual([path, 401]);
      }
    },
    SLOW_MS,
  );

  test(
    "the right token leads to the page, and its WebSocket is let in too",
    async () => {
      await logIn(SECRET);
      await page.waitForSelector("#page", WITHIN);
      complaints = complaintsOf(page);
      await page.locator("#connection", { hasText: /^connected$/ }).waitFor(WITHIN);
      // What a script cannot read, no script can take away.
      expect(await page.evaluate(() => document.cookie)).toBe("");
      const [cookie] = await page.context().cookies();
      expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: "Strict" });
    },
    SLOW_MS,
  );

  for (const [theme, from] of [
    ["light", 0],
    ["dark", 1],
  ] as const) {
    test(
      `every view has what it shows (${theme})`,
      async () => {
        if (from > 0) await page.locator("body").press("t");
        expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe(theme);
        for (const [key, shown] of [
          ["1", ".tile[data-state=live]"],
          ["2", "#ladder tr.bid .price"],
          ["3", "#ledger tbody tr"],
          ["5", ".card:has-text('Collector demo')"],
        ]) {
          await page.locator("body").press(key);
          await page.locator(shown).first().waitFor(WITHIN);
          await screenshot(page, `token-${theme}-${key}`);
        }
        await page.locator("body").press("4");
        await page.locator("#play").waitFor(WITHIN);
        await page.locator("body").press(" ");
        await page.waitForSelector("#phase[data-state=playing]", WITHIN);
        await page.locator("#ladder tr.bid .price").first().waitFor(WITHIN);
        await screenshot(page, `token-${theme}-4`);
        await page.locator("body").press(" ");
      },
      SLOW_MS,
    );
  }

  test("it complains of nothing", () => {
    expect(complaints).toEqual([]);
  });

  test(
    "a session that is over is told, with the way back in",
    async () => {
      await page.locator("body").press("1");
      await service.interrupt();
      // Sessions live in memory: the next service knows nobody.
      service = startFor(LIFE_MS, ...words);
      await service.hears(/books at (https:\S+)/);
      const banner = page.locator("#logged-out");
      await banner.waitFor(WITHIN);
      expect(await banner.textContent()).toContain("session is over");
      await screenshot(page, "logged-out");
      await banner.locator("a").click();
      await page.locator("#token").waitFor(WITHIN);
      await logIn(SECRET);
      await page.waitForSelector(".tile", WITHIN);
      await page.locator("#connection", { hasText: /^connected$/ }).waitFor(WITHIN);
      expect(await banner.isHidden()).toBe(true);
    },
    SLOW_MS,
  );
});
