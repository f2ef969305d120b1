/** What the page knows of the service, asked again and again: as often as the open view needs it. */
import { batch, computed, effect, signal } from "@preact/signals";
import { answeredMs, ask, type Day, type Gaps, type StreamStatus } from "./api.ts";
import { type View, view } from "./route.ts";
import type { System } from "./system-api.ts";

export const streams = signal<readonly StreamStatus[] | null>(null);
export const gaps = signal<Gaps | null>(null);
export const system = signal<System | null>(null);
/** The newest day of which there are certificates; null until asked, without rows if there is none. */
export const day = signal<Day | null>(null);
export const nowMs = signal(Date.now());

/** Rates of the last minutes by stream, for the small curves. */
export const rateCurves = new Map<string, number[]>();
export const memoryCurve: number[] = [];
const CURVE_POINTS = 90;

const STALE_MS = 4000;
/** Seconds since the last answer, once that is too long ago to trust the screen. */
export const staleSeconds = computed(() => {
  const silentMs = nowMs.value - answeredMs.value;
  return answeredMs.value > 0 && silentMs > STALE_MS ? Math.floor(silentMs / 1000) : 0;
});

interface Question {
  readonly everyMs: number;
  readonly views: readonly View[];
  readonly look: () => Promise<void>;
}

const ALL: readonly View[] = ["overview", "instrument", "gaps", "replay", "system"];
const QUESTIONS: readonly Question[] = [
  { everyMs: 1000, views: ALL, look: lookAtStreams },
  { everyMs: 2000, views: ["gaps"], look: async () => keep(gaps, await ask<Gaps>("/v1/gaps")) },
  { everyMs: 2000, views: ["overview", "gaps", "replay", "system"], look: lookAtSystem },
  { everyMs: 10_000, views: ["overview", "replay"], look: lookAtDay },
];

export function startAsking(): void {
  setInterval(() => {
    nowMs.value = Date.now();
  }, 1000);
  for (const question of QUESTIONS) void repeat(question);
}

/** Asks at once when a view that needs it opens, then every so often while it is open. */
async function repeat({ everyMs, views, look }: Question): Promise<void> {
  for (;;) {
    await isWanted(views);
    await look();
    await Promise.race([sleep(everyMs), hasLeft(views).then(() => isWanted(views))]);
  }
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const isWanted = (views: readonly View[]) => until(() => views.includes(view.value));
const hasLeft = (views: readonly View[]) => until(() => !views.includes(view.value));

function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    let stop: (() => void) | undefined;
    let isDone = false;
    stop = effect(() => {
      if (isDone || !holds()) return;
      isDone = true;
      resolve();
      queueMicrotask(() => stop?.());
    });
  });
}

function keep<T>(into: { value: T | null }, answer: T | null): void {
  if (answer !== null) into.value = answer;
}

async function lookAtStreams(): Promise<void> {
  const answer = await ask<{ streams: StreamStatus[] }>("/v1/streams");
  if (answer === null) return;
  for (const status of answer.streams) {
    const key = streamKey(status);
    const curve = rateCurves.get(key) ?? [];
    rateCurves.set(key, curve);
    push(curve, status.messages_per_second);
  }
  streams.value = answer.streams;
}

async function lookAtSystem(): Promise<void> {
  const answer = await ask<System>("/v1/system");
  if (answer === null) return;
  push(memoryCurve, answer.memory_bytes);
  system.value = answer;
}

async function lookAtDay(): Promise<void> {
  const answer = await ask<{ dates: string[] }>("/v1/certificates");
  if (answer === null) return;
  const date = answer.dates.at(-1);
  const found = date === undefined ? null : await ask<Day>(`/v1/certificates/${date}`);
  batch(() => {
    day.value = found ?? { date: date ?? "", certificates: [] };
  });
}

export const streamKey = ({ feed, stream }: { feed: string; stream: number }): string =>
  `${feed} · stream ${stream}`;

function push(curve: number[], value: number): void {
  curve.push(value);
  if (curve.length > CURVE_POINTS) curve.shift();
}
