/** The keyboard: what each key does, as a table that the help shows too. */
import { signal } from "@preact/signals";
import { goTo, VIEWS, view } from "./route.ts";
import { switchTheme } from "./theme.ts";

export const helpIsOpen = signal(false);

/** What the open view does with a key; true: it did. */
type ViewKeys = (key: string) => boolean;
let viewKeys: ViewKeys = () => false;

/** A view's own keys, as long as it is open. */
export function useViewKeys(keys: ViewKeys): () => void {
  viewKeys = keys;
  return () => {
    viewKeys = () => false;
  };
}

export const KEYS: readonly (readonly [key: string, does: string])[] = [
  ["1 … 5", "Overview, Instrument, Gaps, Replay, System"],
  ["/", "find an instrument by token or symbol"],
  ["↑ ↓ Enter", "choose among what was found"],
  ["t", "dark or light"],
  ["?", "this list"],
  ["Esc", "close what is open"],
  ["Space", "in Replay: play or pause"],
  ["← →", "in Replay: ten seconds back or on"],
  ["s", "in Replay: one step"],
  ["< >", "in Replay: slower or faster"],
];

export function listenToKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") helpIsOpen.value = false;
    if (isItsOwn(event.key, event.target) || !obey(event.key, event.target)) return;
    event.preventDefault();
  });
}

function obey(key: string, target: EventTarget | null): boolean {
  const at = "12345".indexOf(key);
  if (at >= 0) goTo(VIEWS[at]);
  else if (key === "/") document.getElementById("search")?.focus();
  else if (key === "t") switchTheme();
  else if (key === "?") helpIsOpen.value = !helpIsOpen.value;
  // A button that has the focus keeps its own space bar.
  else if (key === " " && target instanceof HTMLButtonElement) return false;
  else return view.value === "replay" && viewKeys(key);
  return true;
}

/** Whether what has the focus needs the key itself. */
function isItsOwn(key: string, target: EventTarget | null): boolean {
  if (target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement) return true;
  if (!(target instanceof HTMLInputElement)) return false;
  const isText = target.type !== "range" && target.type !== "checkbox";
  return isText || key === " " || key.startsWith("Arrow");
}
