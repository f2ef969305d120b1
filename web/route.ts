/** Which view is shown, and of which instrument: it stands in the address, so that a link leads there. */
import { computed, signal } from "@preact/signals";
import type { Named } from "./api.ts";

export const VIEWS = ["overview", "instrument", "gaps", "replay", "system"] as const;
export type View = (typeof VIEWS)[number];

const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

const parts = computed(() => hash.value.replace(/^#\/?/, "").split("/"));

export const view = computed<View>(
  () => VIEWS.find((each) => each === parts.value[0]) ?? "overview",
);

/** Instrument that the address names, as `feed/token`; empty: none. */
const place = computed(() => (parts.value[2] ? parts.value.slice(1, 3).join("/") : ""));

export const named = computed<Named | null>(() => {
  if (place.value === "") return null;
  const [feed, token] = place.value.split("/");
  return { feed, token: decodeURIComponent(token), symbol: null };
});

/** The instrument goes along to the views that show one. */
export function goTo(next: View): void {
  const keeps = next === "instrument" || next === "replay";
  const last = remembered.value;
  location.hash = keeps && last !== "" ? `/${next}/${last}` : `/${next}`;
}

export function goToInstrument({ feed, token }: Named): void {
  const next = view.value === "replay" ? "replay" : "instrument";
  location.hash = `/${next}/${feed}/${encodeURIComponent(token)}`;
}

/** The instrument that was shown last, kept while other views are open. */
const remembered = signal("");
place.subscribe((now) => {
  if (now !== "") remembered.value = now;
});
