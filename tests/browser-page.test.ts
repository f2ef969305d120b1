/**
 * The demo as a person meets it: `edgebook demo` as a process, its page in headless Chromium. Where
 * no Chromium is, it says so and passes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
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
import { until } from "./until.ts";

/** A busy machine may miss a scene of the demo: it comes again after two minutes. */
const SCENE_MS = 150_000;

if (CHROMIUM === undefined) console.log("browser-page.test.ts: not run: no chromium");

describe.skipIf(CHROMIUM === undefined)("the demo and its page", () => {
  let demo: Demo;
  let url = "";
  let browser: Browser;
  let page: Page;
  let complaints: string[] = [];

  beforeAll(async () => {
    demo = startDemo("--http", "127.0.0.1:0");
    url = await demoUrl(demo);
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
    complaints = complaintsOf(page);
    await page.goto(url);
  }, SLOW_MS);

  afterAll(async () => {
    await browser?.close();
    demo?.kill("SIGKILL");
  }, SLOW_MS);

  test(
    "Instrument shows one without a choice, with levels on both sides and order counts",
    async () => {
      await page.keyboard.press("2");
      // All of it at one moment: the book moves on, and in its first moments may empty again.
      let ladder = await readLadder(page);
      for (let look = 0; look < 200 && (ladder.bids.length < 5 || ladder.asks.length < 5); look++) {
        await Bun.sleep(100);
        ladder = await readLadder(page);
      }
      const { bids } = ladder;
      expect(bids[0]).toMatch(/^-?\d+\.\d\d \d+ \d+$/);
      expect(await page.locator("#connection").textContent()).toBe("connected");
    },
    SLOW_MS,
  );

  test(
    "what both lines lose is held until tick recovery has brought it",
    async () => {
      await page.keyboard.press("1");
      const first = page.locator(".tile").first();
      // Not the start of the stream, which is held too, and without a gap.
      await first.and(page.locator("[data-state=held]", { hasText: "open" })).waitFor({
        timeout: SCENE_MS,
      });
      await screenshot(page, "held");
      expect(await page.locator("#verdict").textContent()).toContain("stand still");
      await first.and(page.locator("[data-state=live]")).waitFor(WITHIN);
      const { gaps } = await (await fetch(`${url}/v1/gaps`)).json();
      const repaired = gaps.filter((gap: { stream: number }) => gap.stream === 1);
      expect(repaired.map((gap: { repaired_by: string }) => gap.repaired_by)).toContain("recovery");
    },
    SLOW_MS,
  );

  test(
    "the ladder is the book that the API gives",
    async () => {
      await page.keyboard.press("2");
      await page.waitForSelector("#ladder .bid button");
      const { feed, token } = await shown(page);
      let same = false;
      // The book moves on between the two looks: one pair of looks at the same message is proof.
      for (let look = 0; look < 100 && !same; look++) {
        const before = await page.locator("#book-foot").textContent();
        const ladder = await readLadder(page);
        const after = await page.locator("#book-foot").textContent();
        const book = await (await fetch(`${url}/v1/books/${feed}/${token}`)).json();
        if (before !== after || !before?.startsWith(`message ${book.sequence} `)) continue;
        const rows = (levels: { price: string; size: number; orders: number }[]) =>
          levels.map(({ price, size, orders }) => [price, String(size), String(orders)].join(" "));
        expect(ladder.bids).toEqual(rows(book.bids));
        expect(ladder.asks).toEqual(rows(book.asks).reverse());
        same = true;
      }
      expect(same).toBe(true);
    },
    SLOW_MS,
  );

  test(
    "the ladder and the tape move by themselves",
    async () => {
      const before = await page.locator("#book-foot").textContent();
      await page.waitForFunction(
        (text) => document.querySelector("#book-foot")?.textContent !== text,
        before,
        WITHIN,
      );
      await page.waitForFunction(
        () => document.querySelectorAll("#trades tr").length >= 2,
        undefined,
        WITHIN,
      );
    },
    SLOW_MS,
  );

  test(
    "each stream has a tile with its rate, high-water mark, gaps and lines",
    async () => {
      await page.keyboard.press("1");
      await page.waitForFunction(() => document.querySelectorAll(".tile").length === 3);
      const tile = await page.locator(".tile").first().textContent();
      expect(tile).toContain("stream 1");
      expect(tile).toMatch(/high-water mark\s*\d+/);
      expect(tile).toMatch(/A \d+\.\d % · B \d+\.\d %/);
    },
    SLOW_MS,
  );

  test(
    "search with the keyboard alone leads to another instrument",
    async () => {
      await page.keyboard.press("2");
      await page.waitForSelector("#ladder .bid button");
      const before = await shown(page);
      const list = await (await fetch(`${url}/v1/books?limit=100`)).json();
      const other = list.books.find((each: { token: string; bid: unknown; ask: unknown }) => {
        return each.token !== before.token && each.bid !== null && each.ask !== null;
      });
      await page.keyboard.press("/");
      await page.keyboard.type(other.token);
      await page.waitForSelector(`#found [role=option]:has-text("${other.token}")`);
      await page.keyboard.press("Enter");
      await page.waitForFunction(
        (token) => document.querySelector("#book-token")?.textContent?.includes(`token ${token} `),
        other.token,
      );
      expect((await shown(page)).token).toBe(other.token);
    },
    SLOW_MS,
  );

  test(
    "a click on a price shows who waits there, in order",
    async () => {
      let orders = 0;
      // A price may be gone by the time of the click: another try is fair.
      for (let attempt = 0; attempt < 5 && orders === 0; attempt++) {
        await page.locator("#ladder .bid button").nth(1).click();
        await page.waitForTimeout(800);
        orders = await page.locator("#orders li").count();
      }
      expect(orders).toBeGreaterThan(0);
      expect(await page.locator("#orders li").first().textContent()).toMatch(/^\d{10,}/);
      expect(await page.locator("#queue-name").textContent()).toMatch(/^Queue at .*: \d+ orders$/);
    },
    SLOW_MS,
  );

  test("dark and light are a click apart", async () => {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await ground();
    await page.locator("#theme").click();
    expect(await ground()).not.toBe(before);
  });

  test(
    "books that nobody can mend are doubtful and look it, until a snapshot heals them",
    async () => {
      const doubtful = await until(
        async () => {
          const now = await trust(url);
          // On a machine that cannot keep up others lose numbers too, until they are healed.
          return now.streams.length === 1 && now.streams[0] === 3 && now;
        },
        "books of the last stream, and no others, in doubt",
        SCENE_MS * 1.6,
      );
      await page.locator("#search").fill(doubtful.tokens[0] ?? "");
      await page.waitForSelector(`#found [role=option]:has-text("${doubtful.tokens[0]}")`);
      await page.keyboard.press("Enter");
      await page.waitForSelector("#book[data-doubtful=true] #warning:not([hidden])");
      await screenshot(page, "doubtful");
      await page.waitForSelector("#book[data-doubtful=false]", WITHIN);
      await until(async () => (await trust(url)).streams.length === 0, "every book to be trusted");
      const { snapshots } = await (await fetch(`${url}/v1/gaps`)).json();
      expect(snapshots.at(-1)).toMatchObject({ stream: 3 });
      await screenshot(page, "healed");
    },
    SLOW_MS,
  );

  test(
    "Gaps shows what was lost and the snapshot's stream, and a click leads to its ledger",
    async () => {
      await page.keyboard.press("3");
      const lost = page
        .locator("#ledger tr", { hasText: "lost" })
        .filter({ hasText: "nse-fo 3" })
        .first();
      await lost.waitFor(WITHIN);
      await lost.locator("button").click();
      await page.waitForSelector("#gap");
      expect(await page.locator("#gap").textContent()).toMatch(/stream 3.*given up/);
      await screenshot(page, "lost-gap");
    },
    SLOW_MS,
  );

  test("it complains of nothing, and asks nobody but its own service", async () => {
    const asked = await page.evaluate(() =>
      performance.getEntriesByType("resource").map(({ name }) => new URL(name).host),
    );
    expect(new Set(asked)).toEqual(new Set([new URL(url).host]));
    expect(complaints).toEqual([]);
  });

  test(
    "a taken port is said in one line, with the flag that mends it",
    async () => {
      const second = startDemo("--http", new URL(url).host);
      const text = await new Response(second.stderr).text();
      expect(await second.exited).toBe(1);
      expect(text).toContain("is taken");
      expect(text).toContain("--http");
    },
    SLOW_MS,
  );

  test(
    "Ctrl-C ends everything, quickly and with nothing left behind",
    async () => {
      const children = childrenOf(demo.pid);
      expect(children.length).toBeGreaterThan(0);
      const began = performance.now();
      demo.kill("SIGINT");
      expect(await demo.exited).toBe(130);
      expect(performance.now() - began).toBeLessThan(30_000);
      for (const pid of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
    },
    SLOW_MS,
  );
});

/** Tokens of books that are doubtful, and the streams that these are of. */
async function trust(url: string): Promise<{ tokens: string[]; streams: number[] }> {
  const { books } = await (await fetch(`${url}/v1/books?limit=200`)).json();
  const found = books.filter((each: { doubtful: boolean }) => each.doubtful);
  const streams = new Set<number>(found.map((each: { stream: number }) => each.stream));
  return { tokens: found.map((each: { token: string }) => each.token), streams: [...streams] };
}

/** The instrument on the screen. */
async function shown(page: Page): Promise<{ feed: string; token: string }> {
  const text = await page.locator("#book-token").textContent();
  const [, feed = "", token = ""] = /^(\S+) · token (\S+) /.exec(text ?? "") ?? [];
  return { feed, token };
}

/** Rows of the ladder as text: price, size, orders; asks from the highest down, as they stand. */
function readLadder(page: Page): Promise<{ bids: string[]; asks: string[] }> {
  return page.evaluate(() => {
    const rows = (side: "bid" | "ask") =>
      [...document.querySelectorAll<HTMLTableRowElement>(`#ladder tr.${side}`)]
        .map((row) => {
          const text = (at: number) => row.cells[at].textContent?.replaceAll(",", "") ?? "";
          const [size, orders] = side === "bid" ? [text(1), text(0)] : [text(3), text(4)];
          return `${text(2)} ${size} ${orders}`;
        })
        .filter((row) => row.trim() !== "");
    return { bids: rows("bid"), asks: rows("ask") };
  });
}

/** Process ids of the children, from /proc; empty where there is none. */
function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return [];
  const { stdout } = Bun.spawnSync(["cat", path]);
  return stdout.toString().trim().split(" ").filter(Boolean).map(Number);
}
