/**
 * Any streams in any interleaving give the rows of a slow, obvious model: for each event a walk over
 * all quotes, with times as big integers. Where bounds, lags and the clock come in, a row may say
 * that it is doubtful; one that does not must be right.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Answer,
  type Item,
  itemsOf,
  joinWorld,
  type World,
  worlds,
} from "../../tests/asof-scenario.ts";
import { AsOfFlag } from "./joined-batch.ts";

interface Placed extends Item {
  /** Exchange time, but never before that of an earlier item of the stream. */
  readonly effectiveNs: bigint;
  /** Place in its stream's list. */
  readonly at: number;
}

/** Gaps give no time and so have none of their own. */
function place(items: readonly Item[]): Placed[] {
  let latest = -1n;
  return items.map((item, at) => {
    if (item.kind !== "gap" && item.timeNs > latest) latest = item.timeNs;
    return { ...item, effectiveNs: latest, at };
  });
}

function sign(a: Placed, b: Placed): number {
  if (a.effectiveNs !== b.effectiveNs) return a.effectiveNs < b.effectiveNs ? -1 : 1;
  if (a.stream !== b.stream) return a.order - b.order;
  return a.ordinal - b.ordinal;
}

interface ModelAnswer extends Answer {
  /** The key has no quote at the event's time or before. */
  readonly isUnknown: boolean;
}

const distance = (a: Placed, b: Placed) => {
  const apart = a.effectiveNs - b.effectiveNs;
  return apart < 0n ? -apart : apart;
};

function modelAnswers(world: World): Map<number, ModelAnswer> {
  const { strategy = "backward", toleranceNs = Number.POSITIVE_INFINITY } = world.options;
  const isExact = world.options.allowExactMatches ?? true;
  const all = itemsOf(world).map(place);
  const answers = new Map<number, ModelAnswer>();
  for (const event of all.flat().filter(({ kind }) => kind === "event")) {
    const mayMatch = (quote: Placed) =>
      (isExact || quote.effectiveNs !== event.effectiveNs) &&
      Number(distance(quote, event)) <= toleranceNs;
    const home = event.key % world.streams.length;
    const ofKey = all[home].filter(
      (item) => item.kind === "quote" && item.key === event.key && mayMatch(item),
    );
    const back = ofKey.filter((quote) => sign(quote, event) < 0).at(-1);
    const forth = ofKey.find((quote) => sign(quote, event) > 0);
    let found = strategy === "forward" ? forth : back;
    if (
      strategy === "nearest" &&
      forth &&
      (!back || distance(forth, event) < distance(back, event))
    )
      found = forth;
    const isQuoted = all[home].some(({ kind, key }) => kind === "quote" && key === event.key);
    const inGap = isQuoted && isInGap(all[home], event, found, strategy, toleranceNs, isExact);
    const verdict = (found ? AsOfFlag.Matched : 0) | (inGap ? AsOfFlag.InGap : 0);
    const isUnknown = !all[home].some(
      ({ kind, key, effectiveNs }) =>
        kind === "quote" && key === event.key && effectiveNs <= event.effectiveNs,
    );
    answers.set(event.id, { quote: found?.id ?? -1, verdict, isUnknown });
  }
  return answers;
}

/** A message that is missing might have been a better quote than the one found. */
function isInGap(
  items: readonly Placed[],
  event: Placed,
  found: Placed | undefined,
  strategy: string,
  toleranceNs: number,
  isExact: boolean,
): boolean {
  const looksForth = strategy === "forward" || (found !== undefined && sign(found, event) > 0);
  const real = items.filter(({ kind }) => kind !== "gap");
  const isBeforeEvent = (item: Placed) =>
    sign(item, event) < 0 && (isExact || item.effectiveNs < event.effectiveNs);
  const isAfterEvent = (item: Placed) =>
    sign(item, event) > 0 && (isExact || item.effectiveNs > event.effectiveNs);
  return items.some((gap) => {
    if (gap.kind !== "gap") return false;
    const last = real.filter(({ at }) => at < gap.at).at(-1);
    const next = real.find(({ at }) => at > gap.at);
    if (looksForth) {
      if (next !== undefined && !isAfterEvent(next)) return false;
      if (found) return gap.at < found.at;
      return last === undefined || Number(last.effectiveNs - event.effectiveNs) <= toleranceNs;
    }
    if (last !== undefined && !isBeforeEvent(last)) return false;
    if (found) return gap.at > found.at;
    return next === undefined || Number(event.effectiveNs - next.effectiveNs) <= toleranceNs;
  });
}

function differences(world: World, doubts = 0): string[] {
  const { answers } = joinWorld(world);
  const model = modelAnswers(world);
  const found: string[] = [];
  if (answers.size !== model.size) found.push(`${answers.size} rows, not ${model.size}`);
  for (const [id, wanted] of model) {
    const answer = answers.get(id);
    if (answer !== undefined && answer.verdict & doubts) continue;
    if (answer?.quote !== wanted.quote || !isVerdict(answer, wanted)) {
      found.push(`event ${id}: ${JSON.stringify(answer)}, not ${JSON.stringify(wanted)}`);
    }
  }
  return found;
}

/** Before its first quote nobody knows a key's stream: then a gap of any stream counts. */
function isVerdict({ verdict }: Answer, wanted: ModelAnswer): boolean {
  return verdict === wanted.verdict || (wanted.isUnknown && verdict === AsOfFlag.InGap);
}

const UNBOUNDED = fc.constant({
  idleNs: Number.POSITIVE_INFINITY,
  quotesLimit: 4096,
  waitingLimit: 500,
});
const TIGHT = fc.record({
  idleNs: fc.constantFrom(500, 2000),
  quotesLimit: fc.constantFrom(4, 16, 64),
  quotesPerKeyLimit: fc.constantFrom(2, 4),
  waitingLimit: fc.constantFrom(1, 3),
});

test("any streams in any interleaving give the rows of an obvious model", () => {
  fc.assert(
    fc.property(worlds(14, UNBOUNDED), (world) => {
      expect(differences(world)).toEqual([]);
    }),
    { numRuns: 1500 },
  );
});

test("with tight bounds and silent streams a row that is not flagged is right", () => {
  const doubts = AsOfFlag.Late | AsOfFlag.Early | AsOfFlag.Evicted;
  const seen = { matched: 0, late: 0, early: 0, evicted: 0, lateQuotes: 0 };
  fc.assert(
    fc.property(worlds(14, TIGHT), (world) => {
      expect(differences(world, doubts)).toEqual([]);
      const { stats } = joinWorld(world);
      for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] += stats[name];
    }),
    { numRuns: 1500 },
  );
  // The worlds are wild enough that each of these happens.
  expect(Object.values(seen).every((count) => count > 50)).toBe(true);
});

test("the rows do not depend on the interleaving of the streams", () => {
  fc.assert(
    fc.property(worlds(10, UNBOUNDED), (world) => {
      const one = joinWorld(world).answers;
      const other = joinWorld({ ...world, turns: [] }).answers;
      for (const [id, { quote }] of one) expect(other.get(id)?.quote).toBe(quote);
      expect(other.size).toBe(one.size);
    }),
    { numRuns: 300 },
  );
});

test("the check catches a join that takes the other order at equal times", () => {
  const world = (orders: number[]): World => ({
    orders,
    options: {},
    turns: [],
    streams: [
      [{ stepNs: 5, events: [1], quotes: [], before: "nothing" }],
      [{ stepNs: 5, events: [], quotes: [1], before: "nothing" }],
    ],
  });
  expect(differences(world([1, 2]))).toEqual([]);
  expect(modelAnswers(world([1, 2])).get(0)?.quote).toBe(-1);
  expect(joinWorld(world([2, 1])).answers.get(0)?.quote).toBe(1);
});
