import { describe, expect, test } from "bun:test";
import { describeFeed, describeFeedJson } from "./describe.ts";
import { FEED_IDS, FEEDS, feedById } from "./registry.ts";

describe("the registry", () => {
  test("knows the eight feeds of the public interface, and no other", () => {
    expect([...FEED_IDS].sort()).toEqual(
      [
        "iex-deep",
        "iex-tops",
        "nasdaq-itch50",
        "nse-cd",
        "nse-cm",
        "nse-co",
        "nse-fo",
        "sequenced",
      ].sort(),
    );
    for (const feed of FEEDS) expect(feedById(feed.id)).toBe(feed);
    expect(feedById("nse")).toBeUndefined();
  });

  test("gives commodity prices four places up to version 6.5, two since", () => {
    const places = (spec?: string) => feedById("nse-co", spec)?.table.priceDecimals;
    expect([places("6.3"), places("v6.5"), places("5")]).toEqual([4, 4, 4]);
    expect([places(), places("6.6"), places("6.10"), places("7.1")]).toEqual([2, 2, 2, 2]);
    expect(feedById("nse-fo", "6.3")?.table.priceDecimals).toBe(2);
  });
});

describe("a feed's description", () => {
  test("names every message and every field, with offset and type, as text and as JSON", () => {
    for (const feed of FEEDS) {
      const text = describeFeed(feed);
      const json = describeFeedJson(feed);
      expect(text).toContain(feed.id);
      for (const layout of feed.table.messages) {
        expect(text).toContain(`${layout.type}  ${layout.name}, ${layout.length} bytes`);
        const described = json.messages.find((message) => message.type === layout.type);
        expect(described?.fields.length).toBe(layout.fields.length);
        for (const { name, doc } of layout.fields) {
          expect(text).toContain(name);
          expect(doc.length).toBeGreaterThan(0);
        }
      }
      expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    }
  });

  test("tells the unit of a price and shows what travels over TCP", () => {
    const text = describeFeed(FEEDS.find((feed) => feed.id === "nse-cd") ?? FEEDS[0]);
    expect(text).toContain("price /10^7");
    expect(text).toContain("snapshot_header, 16 bytes");
    expect(text).toContain("recovery_request, 11 bytes");
  });
});
