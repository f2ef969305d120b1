/** Replay: a recorded day at any speed from any moment, in the same panels as the present. */

import { useEffect } from "preact/hooks";
import type { Day, Named } from "./api.ts";
import { clockTime, msOf, wallTime } from "./format.ts";
import { h, type VNode } from "./h.ts";
import { PastPanels, useInstrument } from "./instrument.ts";
import { useViewKeys } from "./keys.ts";
import * as link from "./replay-link.ts";
import { day, system } from "./store.ts";

const JUMP_MS = 10_000;

export function Replay(): VNode {
  const instrument = useInstrument();
  useEffect(() => link.shut, []);
  useEffect(() => {
    link.shut();
    link.pastMarket.clear();
    link.position.value = "";
  }, [instrument?.feed, instrument?.token]);
  const known = system.value;
  if (known === null)
    return h("p", { class: "empty" }, "Asking the service what it has recorded …");
  if (!known.history) {
    return h(
      "div",
      { class: "empty" },
      h("p", null, "This service knows no recorded day."),
      h("p", { class: "quiet" }, "Serve one, and tell the book service where it is:"),
      h(
        "pre",
        null,
        "edgebook replay DAY.pcap --serve 127.0.0.1:8082\nedgebook book … --history 127.0.0.1:8082",
      ),
    );
  }
  if (instrument === null) return h("p", { class: "empty" }, "Find an instrument first ( / ).");
  return h(
    "div",
    { class: "view" },
    h(Controls, { instrument, day: day.value }),
    h(
      "p",
      { class: "banner", role: "alert", hidden: link.complaint.value === "" },
      link.complaint.value,
    ),
    h(PastPanels, {
      key: `${instrument.feed}/${instrument.token}`,
      market: link.pastMarket,
      name: instrument.symbol ?? instrument.token,
    }),
  );
}

interface ControlsProps {
  readonly instrument: Named;
  readonly day: Day | null;
}

function Controls({ instrument, day }: ControlsProps): VNode {
  const phase = link.phase.value;
  const [fromMs, toMs] = rangeOf(day);
  const atMs = msOf(link.position.value || null);
  const shownMs = Number.isNaN(atMs) ? fromMs : atMs;
  const play = () => {
    if (!link.isOpenFor(instrument))
      link.open(instrument, phase === "ended" ? "" : link.position.value);
    else if (phase === "paused") link.resume();
    else link.pause();
  };
  const goTo = (ms: number) => {
    const to = `${Math.round(Math.min(Math.max(ms, fromMs), toMs))}000000`;
    if (link.isOpenFor(instrument)) link.seek(to);
    else link.position.value = to;
  };
  const faster = (by: number) => {
    const at = link.SPEEDS.indexOf(link.speed.value) + by;
    const next = link.SPEEDS[at];
    if (next !== undefined) link.setSpeed(next);
  };
  useEffect(() =>
    useViewKeys((key) => {
      if (key === " ") play();
      else if (key === "ArrowLeft") goTo(shownMs - JUMP_MS);
      else if (key === "ArrowRight") goTo(shownMs + JUMP_MS);
      else if (key === "s") link.step(1);
      else if (key === "<") faster(-1);
      else if (key === ">") faster(1);
      else return false;
      return true;
    }),
  );
  const isPlaying = phase === "playing" || phase === "opening";
  return h(
    "section",
    { id: "player", class: "panel", "aria-label": "Player" },
    h(
      "div",
      { class: "player-row" },
      h(
        "button",
        { type: "button", id: "play", class: "primary", onClick: play },
        isPlaying ? "Pause" : "Play",
      ),
      h(
        "button",
        {
          type: "button",
          id: "step",
          title: "One datagram further",
          disabled: !link.isOpenFor(instrument),
          onClick: () => link.step(1),
        },
        "Step",
      ),
      h(
        "label",
        null,
        "speed ",
        h(
          "select",
          {
            id: "speed",
            value: link.speed.value,
            onChange: (event: Event) => {
              const select = event.currentTarget as HTMLSelectElement;
              link.setSpeed(select.value);
              // The keys are the player's again.
              select.blur();
            },
          },
          link.SPEEDS.map((each) => h("option", { key: each, value: each }, each)),
        ),
      ),
      h("output", { id: "position" }, clockTime(link.position.value || null) || "not begun"),
      h("span", { class: "badge", id: "phase", "data-state": phase }, phase),
    ),
    h(
      "div",
      { class: "player-row" },
      h("span", { class: "quiet" }, wallTime(fromMs)),
      h("input", {
        id: "seek",
        type: "range",
        "aria-label": "Moment of the day",
        "aria-valuetext": wallTime(shownMs),
        min: Math.floor(fromMs),
        max: Math.ceil(toMs),
        step: 100,
        value: Math.round(shownMs),
        onChange: (event: Event) => goTo(Number((event.currentTarget as HTMLInputElement).value)),
      }),
      h("span", { class: "quiet" }, wallTime(toMs)),
    ),
  );
}

/** First and last moment of the day, ms since 1970, as its certificates say. */
function rangeOf(day: Day | null): [number, number] {
  const times = (day?.certificates ?? [])
    .flatMap(({ first_event, last_event }) => [msOf(first_event), msOf(last_event)])
    .filter((ms) => ms > 0);
  const at = msOf(link.position.value || null);
  if (!Number.isNaN(at)) times.push(at);
  if (times.length === 0) times.push(Date.now());
  return [Math.min(...times), Math.max(...times)];
}
