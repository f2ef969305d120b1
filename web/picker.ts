/** The search box: instruments by token or symbol, with arrows and Enter, or the mouse. */
import { ask, type Listed, type Named } from "./api.ts";
import { byId, create } from "./dom.ts";

const WAIT_MS = 120;
const SHOWN = 20;

export class Picker {
  private readonly input = byId<HTMLInputElement>("search");
  private readonly list = byId("found");
  private found: readonly Listed[] = [];
  private chosen = 0;
  private timer = 0;
  private asked = 0;
  private readonly onPick: (instrument: Named) => void;

  constructor(onPick: (instrument: Named) => void) {
    this.onPick = onPick;
    this.input.oninput = () => this.later();
    this.input.onfocus = () => this.later();
    this.input.onblur = () => this.close();
    this.input.onkeydown = (event) => this.key(event);
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target === this.input) return;
      event.preventDefault();
      this.input.focus();
    });
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.look(), WAIT_MS);
  }

  private async look(): Promise<void> {
    const asked = ++this.asked;
    const text = encodeURIComponent(this.input.value);
    const answer = await ask<{ books: Listed[] }>(`/v1/books?limit=${SHOWN}&search=${text}`);
    // An answer that was overtaken by a later question is old.
    if (asked !== this.asked || document.activeElement !== this.input) return;
    this.found = answer?.books ?? [];
    this.chosen = 0;
    this.render();
  }

  private render(): void {
    const items = this.found.map((each, at) => this.item(each, at));
    if (items.length === 0)
      items.push(create("div", "quiet", "No instrument has that in its name."));
    this.list.replaceChildren(...items);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark();
  }

  private item(each: Listed, at: number): HTMLElement {
    const item = create("div");
    item.id = `found-${at}`;
    item.setAttribute("role", "option");
    const best = `${each.bid?.price ?? "–"} / ${each.ask?.price ?? "–"}`;
    item.append(
      create("strong", "", each.symbol ?? each.token),
      create("span", "quiet", `${each.feed} ${each.token}`),
      create("span", "best quiet", best),
    );
    // Before the input loses the focus and closes the list.
    item.onmousedown = (event) => {
      event.preventDefault();
      this.pick(at);
    };
    return item;
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter") this.pick(this.chosen);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      const count = this.found.length;
      if (count === 0) return;
      this.chosen = (this.chosen + step + count) % count;
      this.mark();
      event.preventDefault();
    }
  }

  private mark(): void {
    for (const [at, item] of [...this.list.children].entries()) {
      item.setAttribute("aria-selected", String(at === this.chosen));
      if (at === this.chosen) item.scrollIntoView({ block: "nearest" });
    }
    this.input.setAttribute("aria-activedescendant", `found-${this.chosen}`);
  }

  private pick(at: number): void {
    const instrument = this.found[at];
    if (instrument === undefined) return;
    this.input.value = "";
    this.close();
    this.input.blur();
    this.onPick(instrument);
  }

  private close(): void {
    this.asked++;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
