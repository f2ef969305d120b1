/** The search box: instruments by token or symbol, with arrows and Enter, or the mouse. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ask, type Listed } from "./api.ts";
import { count } from "./format.ts";
import { h, type VNode } from "./h.ts";
import { goToInstrument } from "./route.ts";

const WAIT_MS = 120;
const SHOWN = 20;

interface Found {
  readonly total: number;
  readonly books: readonly Listed[];
}

export function Picker(): VNode {
  const [text, setText] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState(0);
  const found = useFound(text, isOpen);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setChosen(0), [found]);
  const books = found?.books ?? [];
  const pick = (at: number) => {
    const instrument = books[at];
    if (instrument === undefined) return;
    setText("");
    setOpen(false);
    input.current?.blur();
    goToInstrument(instrument);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") input.current?.blur();
    else if (event.key === "Enter") pick(chosen);
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && books.length > 0) {
      const step = event.key === "ArrowDown" ? 1 : -1;
      setChosen((chosen + step + books.length) % books.length);
      event.preventDefault();
    }
  };
  return h(
    "search",
    { class: "picker" },
    h("input", {
      id: "search",
      ref: input,
      type: "search",
      autocomplete: "off",
      spellcheck: false,
      role: "combobox",
      "aria-label": "Find an instrument by token or symbol",
      "aria-expanded": isOpen,
      "aria-controls": "found",
      "aria-autocomplete": "list",
      "aria-activedescendant": isOpen && books.length > 0 ? `found-${chosen}` : undefined,
      placeholder: "Find an instrument ( / )",
      value: text,
      onInput: (event: Event) => setText((event.currentTarget as HTMLInputElement).value),
      onFocus: () => setOpen(true),
      onBlur: () => setOpen(false),
      onKeyDown,
    }),
    h(
      "div",
      { id: "found", role: "listbox", "aria-label": "Instruments", hidden: !isOpen },
      books.map((each, at) => h(Item, { key: at, each, at, isChosen: at === chosen, pick })),
      h("div", { class: "found-foot quiet", role: "presentation" }, footText(found)),
    ),
  );
}

function footText(found: Found | null): string {
  if (found === null) return "Looking …";
  if (found.total === 0) return "No instrument has that in its name.";
  if (found.total > SHOWN)
    return `${count(found.total)} instruments; the busiest ${SHOWN} are shown.`;
  return `${count(found.total)} instruments`;
}

interface ItemProps {
  readonly each: Listed;
  readonly at: number;
  readonly isChosen: boolean;
  readonly pick: (at: number) => void;
}

function Item({ each, at, isChosen, pick }: ItemProps): VNode {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isChosen) ref.current?.scrollIntoView({ block: "nearest" });
  }, [isChosen]);
  const best = `${each.bid?.price ?? "–"} / ${each.ask?.price ?? "–"}`;
  return h(
    "div",
    {
      id: `found-${at}`,
      ref,
      role: "option",
      class: each.doubtful ? "doubtful" : "",
      "aria-selected": isChosen,
      // Before the input loses the focus and closes the list.
      onMouseDown: (event: MouseEvent) => {
        event.preventDefault();
        pick(at);
      },
    },
    h("strong", null, each.symbol ?? each.token),
    h("span", { class: "quiet" }, `${each.feed} ${each.token}`),
    h("span", { class: "best quiet" }, best),
  );
}

/** Null while nothing was answered yet. */
function useFound(text: string, isOpen: boolean): Found | null {
  const [found, setFound] = useState<Found | null>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    let isGone = false;
    const timer = setTimeout(async () => {
      const path = `/v1/books?limit=${SHOWN}&search=${encodeURIComponent(text)}`;
      const answer = await ask<Found>(path);
      // An answer that was overtaken by a later question is old.
      if (!isGone) setFound(answer ?? { total: 0, books: [] });
    }, WAIT_MS);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [text, isOpen]);
  return found;
}
