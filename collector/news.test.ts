/** What a collector's log is told of its spool. */
import { expect, test } from "bun:test";
import type { Collector } from "./collector.ts";
import { CollectorNews } from "./news.ts";
import type { LineWatch } from "./watch.ts";

test("a dictionary that nobody here has is told once", () => {
  const missingDictionaries = new Set<string>();
  const spool = { missingDictionaries, appendsFailed: 0 };
  const collector = { spool, forwarders: [] } as unknown as Collector;
  const said: (string | undefined)[] = [];
  const watch = { sequencers: () => [] } as unknown as LineWatch;
  const news = new CollectorNews(collector, watch, (text, event) => {
    said.push(event, text);
  });
  news.look(0);
  missingDictionaries.add("nse-fo-0123456789abcdef");
  for (const nowNs of [1e9, 2e9]) news.look(nowNs);
  expect(said).toEqual(["dictionary_missing", expect.stringContaining("nse-fo-0123456789abcdef")]);
});
