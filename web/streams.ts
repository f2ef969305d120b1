/** A tile for each stream: its state, rate, high-water mark, gaps, and who brought what first. */
import type { StreamStatus } from "./api.ts";
import { byId, count, create, setText } from "./dom.ts";

const FACTS = ["rate", "high-water mark", "gaps", "live orders", "lines"] as const;

interface Tile {
  readonly root: HTMLElement;
  readonly badge: HTMLElement;
  readonly facts: ReadonlyMap<string, HTMLElement>;
  readonly share: HTMLElement;
}

export class StreamTiles {
  private readonly tiles = new Map<string, Tile>();

  show(streams: readonly StreamStatus[]): void {
    for (const status of streams) {
      const key = `${status.feed} · stream ${status.stream}`;
      let tile = this.tiles.get(key);
      if (tile === undefined) {
        tile = addTile(key);
        this.tiles.set(key, tile);
      }
      fill(tile, status);
    }
  }
}

function addTile(title: string): Tile {
  const root = create("article", "tile");
  const head = create("div", "tile-head");
  const badge = create("span", "badge");
  head.append(create("strong", "", title), badge);
  const list = create("dl");
  const facts = new Map<string, HTMLElement>();
  for (const name of FACTS) {
    const value = create("dd");
    facts.set(name, value);
    list.append(create("dt", "", name), value);
  }
  const share = create("div", "share");
  root.append(head, list, share);
  byId("streams").append(root);
  return { root, badge, facts, share };
}

function fill({ root, badge, facts, share }: Tile, status: StreamStatus): void {
  root.dataset.state = status.state;
  badge.dataset.state = status.state;
  setText(badge, status.state.replace("_", " "));
  const say = (name: (typeof FACTS)[number], text: string) => {
    const fact = facts.get(name);
    if (fact !== undefined) setText(fact, text);
  };
  say("rate", `${count(Math.round(status.messages_per_second))}/s`);
  say("high-water mark", status.high_water_mark ?? "none");
  const lost = status.lost > 0 ? `${count(status.lost)} lost` : "none lost";
  say("gaps", status.open_gaps > 0 ? `${status.open_gaps} open, ${lost}` : lost);
  say("live orders", count(status.live_orders));
  const lines = status.lines.map(({ line, share: part }) => `${line} ${percent(part)}`);
  say("lines", lines.join(" · "));
  while (share.children.length < status.lines.length) share.append(create("span"));
  status.lines.forEach(({ share: part }, at) => {
    (share.children[at] as HTMLElement).style.flexGrow = String(part);
  });
}

const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;
