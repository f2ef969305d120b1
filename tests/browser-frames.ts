/** How smoothly the page draws, and what memory it takes: for the small test and the long proof. */
import type { Page } from "playwright-core";

export interface PageRun {
  readonly framesPerSecond: number;
  /** The longest time between two frames, ms. */
  readonly longestMs: number;
  /** JavaScript's heap after garbage was collected: at the start, the most, at the end. */
  readonly heapBytesFirst: number;
  readonly heapBytesMax: number;
  readonly heapBytesLast: number;
  readonly text: string;
}

const VIEW_KEYS = ["1", "2", "3", "5"];
/** A view is looked at so long before the next; s. */
const VIEW_SECONDS = 15;

/** Looks at one view after the other; each gets its share of short runs. */
export async function pageRun(page: Page, seconds: number): Promise<PageRun> {
  const session = await page.context().newCDPSession(page);
  const slice = Math.min(VIEW_SECONDS, seconds / VIEW_KEYS.length);
  let frames = 0;
  let tookMs = 0;
  let longestMs = 0;
  const heaps = [await heapBytes()];
  for (let done = 0, at = 0; done < seconds; done += slice, at++) {
    await page.locator("body").press(VIEW_KEYS[at % VIEW_KEYS.length]);
    // The first moments of a view are building, not drawing.
    await page.waitForTimeout(300);
    const run = await page.evaluate(countFrames, slice * 1000);
    frames += run.frames;
    tookMs += run.tookMs;
    longestMs = Math.max(longestMs, run.longestMs);
    heaps.push(await heapBytes());
  }
  await session.detach();
  const framesPerSecond = (frames * 1000) / tookMs;
  const [first, last] = [heaps[0] ?? 0, heaps.at(-1) ?? 0];
  const most = Math.max(...heaps);
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return {
    framesPerSecond,
    longestMs,
    heapBytesFirst: first,
    heapBytesMax: most,
    heapBytesLast: last,
    text:
      `${framesPerSecond.toFixed(1)} frames a second over ${(tookMs / 1000).toFixed(0)} s, ` +
      `longest wait ${longestMs.toFixed(0)} ms; heap ${mib(first)} at the start, ` +
      `${mib(most)} at most, ${mib(last)} at the end`,
  };

  async function heapBytes(): Promise<number> {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = (await session.send("Runtime.getHeapUsage")) as { usedSize: number };
    return usedSize;
  }
}

/** In the page. */
function countFrames(ms: number): Promise<{ frames: number; tookMs: number; longestMs: number }> {
  return new Promise((resolve) => {
    const began = performance.now();
    let frames = 0;
    let longestMs = 0;
    let before = began;
    const next = () => {
      const now = performance.now();
      longestMs = Math.max(longestMs, now - before);
      before = now;
      frames++;
      if (now - began < ms) requestAnimationFrame(next);
      else resolve({ frames, tookMs: now - began, longestMs });
    };
    requestAnimationFrame(next);
  });
}
