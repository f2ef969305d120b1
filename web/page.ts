/**
 * The page: the head with its views, search, state of the connection and theme, and the open view
 * below. Everything that is shown comes from the service that served this page.
 */
import { render } from "preact";
import { answeredMs, isLoggedOut } from "./api.ts";
import { GapsView } from "./gaps.ts";
import { h, type VNode } from "./h.ts";
import { Help } from "./help.ts";
import { Instrument } from "./instrument.ts";
import { helpIsOpen, listenToKeys } from "./keys.ts";
import { connect, connection } from "./live.ts";
import { Overview } from "./overview.ts";
import { Picker } from "./picker.ts";
import { Replay } from "./replay.ts";
import { goTo, VIEWS, type View, view } from "./route.ts";
import { staleSeconds, startAsking } from "./store.ts";
import { SystemView } from "./system.ts";
import { switchTheme } from "./theme.ts";

const NAMES: Readonly<Record<View, string>> = {
  overview: "Overview",
  instrument: "Instrument",
  gaps: "Gaps",
  replay: "Replay",
  system: "System",
};
const SHOWN: Readonly<Record<View, () => VNode>> = {
  overview: Overview,
  instrument: Instrument,
  gaps: GapsView,
  replay: Replay,
  system: SystemView,
};
const LINKS = { connecting: "connecting", live: "connected", gone: "not connected" } as const;

function Page(): VNode {
  const now = view.value;
  const stale = staleSeconds.value;
  const isOut = isLoggedOut.value;
  return h(
    "div",
    { id: "page", "data-stale": stale > 0 || isOut, "data-view": now },
    h(Head, {}),
    h(
      "p",
      { id: "stale", class: "banner", role: "alert", hidden: stale === 0 },
      `The service has not answered for ${stale} s. What is shown is from then and may be wrong.`,
    ),
    h(
      "p",
      { id: "logged-out", class: "banner", role: "alert", hidden: !isOut },
      "Your session is over, and what is shown is from before. ",
      h("a", { href: "/" }, "Log in again"),
    ),
    h("main", { key: now }, h(SHOWN[now], {})),
    h(Help, {}),
  );
}

function Head(): VNode {
  const now = view.value;
  const state = staleSeconds.value > 0 && answeredMs.value > 0 ? "gone" : connection.value;
  return h(
    "header",
    null,
    h("h1", null, h("a", { href: "#/overview" }, "edgebook")),
    h(
      "nav",
      { "aria-label": "Views" },
      VIEWS.map((each, at) =>
        h(
          "a",
          {
            key: each,
            href: `#/${each}`,
            title: `${NAMES[each]} (${at + 1})`,
            "aria-current": each === now ? "page" : undefined,
            onClick: (event: MouseEvent) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              goTo(each);
            },
          },
          NAMES[each],
        ),
      ),
    ),
    h(Picker, {}),
    h(
      "span",
      { id: "connection", class: "badge", role: "status", "data-state": state },
      LINKS[state],
    ),
    h(
      "button",
      {
        id: "theme",
        type: "button",
        "aria-label": "Switch between dark and light",
        title: "Dark or light (t)",
        onClick: switchTheme,
      },
      "◐",
    ),
    h(
      "button",
      {
        id: "keys",
        type: "button",
        "aria-label": "Keys",
        title: "Keys (?)",
        onClick: () => {
          helpIsOpen.value = true;
        },
      },
      "?",
    ),
  );
}

listenToKeys();
connect();
startAsking();
render(h(Page, {}), document.getElementById("root") as HTMLElement);
