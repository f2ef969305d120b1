/** Dark or light: as the reader's system says, until the reader says otherwise. */
import { effect, signal } from "@preact/signals";

type Theme = "dark" | "light";
const KEY = "edgebook-theme";

const system = matchMedia("(prefers-color-scheme: light)");
const systemTheme = (): Theme => (system.matches ? "light" : "dark");

function kept(): Theme | undefined {
  try {
    const value = localStorage.getItem(KEY);
    return value === "dark" || value === "light" ? value : undefined;
  } catch {
    return undefined;
  }
}

export const theme = signal<Theme>(kept() ?? systemTheme());

system.addEventListener("change", () => {
  if (kept() === undefined) theme.value = systemTheme();
});

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

export function switchTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // Storage may be forbidden; then the choice lasts as long as the page.
  }
}

const colours = new Map<string, string>();

/** A colour of the style sheet, by its variable's name. */
export function colour(name: string): string {
  const key = `${theme.peek()} ${name}`;
  let value = colours.get(key);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    colours.set(key, value);
  }
  return value;
}
