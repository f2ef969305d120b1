/**
 * Random traffic between actors whose turns are struck down, held up, failed and stopped by lot:
 * every message is accounted for, order is kept, bounds hold, questions and trees end. A failure
 * prints fast-check's seed and path and the smallest plan. EDGEBOOK_RUNS=5000 runs them longer.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Random } from "../faults/random.ts";
import type { Answer, AnyRef, Effect, Ref, ReplyTo, StopMode } from "./actor.ts";
import { DeterministicRun, type Trouble } from "./deterministic.ts";
import type { MailboxOptions } from "./mailbox.ts";
import { does, type Order, obeys, records, roomy } from "./toy.ts";

const runs = Number(Bun.env.EDGEBOOK_RUNS ?? 150);

interface Parcel {
  readonly from: number;
  readonly to: number;
  readonly number: number;
}
const nameOf = ({ from, to, number }: Parcel) => `${from}>${to}#${number}`;

const receiver = fc.record({
  policy: fc.constantFrom("block", "dropOldest", "dropNewest", "conflate"),
  limit: fc.integer({ min: 1, max: 4 }),
  tries: fc.integer({ min: 1, max: 3 }),
  restarts: fc.constantFrom(1_000_000, 2),
});
type Receiver = typeof receiver extends fc.Arbitrary<infer T> ? T : never;

const nth = fc.nat(3);
const step = fc.oneof(
  fc.record({
    kind: fc.constant("burst"),
    from: nth,
    to: nth,
    count: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({ kind: fc.constant("run"), turns: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant("wait"), forNs: fc.integer({ min: 1, max: 300e6 }) }),
  fc.record({ kind: fc.constant("fail"), to: nth }),
  fc.record({
    kind: fc.constant("stop"),
    to: nth,
    mode: fc.constantFrom<StopMode>("drain", "now"),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const plan = fc.record({
  seed: fc.nat(),
  killRate: fc.constantFrom(0, 0.05, 0.3),
  delayRate: fc.constantFrom(0, 0.2),
  receivers: fc.array(receiver, { minLength: 1, maxLength: 4 }),
  steps: fc.array(step, { maxLength: 40 }),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

interface Outcome {
  readonly run: DeterministicRun;
  readonly sent: Parcel[];
  readonly handled: Parcel[];
  readonly receivers: readonly AnyRef[];
}

function trouble({ killRate, delayRate }: Plan, spared: (ref: AnyRef) => boolean): Trouble {
  return { killRate, delayRate, delayNs: 1e6, spares: spared };
}

function mailboxOf({ policy, limit }: Receiver): MailboxOptions<Parcel> {
  if (policy !== "conflate") return { policy, limit };
  return { policy, limit, key: ({ from, number }) => `${from}.${number % 3}` };
}

/**
 * Senders write each parcel into a journal in the turn that sends it, receivers each one that they
 * handled: since a turn is all or nothing, the journals are what truly happened.
 */
function play(chosen: Plan): Outcome {
  const spared = new Set<number>();
  const run = new DeterministicRun(
    new Random(chosen.seed),
    trouble(chosen, ({ id }) => spared.has(id)),
  );
  const { kernel } = run;
  const sent: Parcel[] = [];
  const handled: Parcel[] = [];
  const sentLog = kernel.spawn(records("sent", sent, roomy));
  const handledLog = kernel.spawn(records("handled", handled, roomy));
  spared.add(sentLog.id).add(handledLog.id);
  const receivers = chosen.receivers.map((one, place) =>
    kernel.spawn(
      does<Parcel>(
        `receiver${place}`,
        (parcel, self) => self.send(handledLog, parcel),
        mailboxOf(one),
        { tries: one.tries, restarts: one.restarts, exhausted: "stop" },
      ),
    ),
  );
  const senders = [0, 1, 2, 3].map((from) =>
    kernel.spawn(obeys(`sender${from}`, undefined, { restarts: 1_000_000, tries: 2 })),
  );
  let number = 0;
  const burst = (from: number, to: number, count: number) => {
    const first = number;
    number += count;
    kernel.tell(senders[from], (self) => {
      for (let one = first; one < first + count; one++) {
        self.send(sentLog, { from, to, number: one });
        self.send(receivers[to], { from, to, number: one });
      }
    });
  };
  for (const one of chosen.steps) act(one, run, receivers, burst);
  run.settle();
  return { run, sent, handled, receivers };
}

function act(
  one: Step,
  run: DeterministicRun,
  receivers: readonly AnyRef[],
  burst: (from: number, to: number, count: number) => void,
): void {
  const target = "to" in one ? one.to % receivers.length : 0;
  if (one.kind === "burst") burst(one.from, target, one.count);
  if (one.kind === "run") run.step(one.turns);
  if (one.kind === "wait") run.pass(one.forNs);
  if (one.kind === "fail") run.kernel.fail(receivers[target], new Error("failed from outside"));
  if (one.kind === "stop") run.kernel.stop(receivers[target], one.mode, 1e9);
}

function dropsOf(run: DeterministicRun, ref: AnyRef): number {
  const ended = run.effects.find((one) => one.kind === "stopped" && one.actor.id === ref.id);
  if (ended?.kind === "stopped") return ended.mailbox.dropped;
  return run.kernel.mailbox(ref)?.dropped ?? 0;
}

/** Throws unless every parcel sent came to exactly one end, drops only counted. */
function account({ run, sent, handled, receivers }: Outcome): void {
  const ends = new Map<string, string>();
  const end = (parcel: Parcel, how: string) => {
    expect([nameOf(parcel), ends.get(nameOf(parcel))]).toEqual([nameOf(parcel), undefined]);
    ends.set(nameOf(parcel), how);
  };
  for (const parcel of handled) end(parcel, "handled");
  for (const effect of run.effects) {
    if (effect.kind === "poisoned" && isParcel(effect.failure.message)) {
      end(effect.failure.message, "poisoned");
    }
    if (effect.kind === "deadLetter") end(effect.message as Parcel, effect.why);
  }
  receivers.forEach((ref, to) => {
    const all = sent.filter((parcel) => parcel.to === to);
    const missing = all.filter((parcel) => !ends.has(nameOf(parcel)));
    expect([ref.path, missing.length]).toEqual([ref.path, dropsOf(run, ref)]);
  });
  const known = new Set(sent.map(nameOf));
  expect(known.size).toBe(sent.length);
  expect([...ends.keys()].filter((name) => !known.has(name))).toEqual([]);
}

function isParcel(message: unknown): message is Parcel {
  return typeof message === "object" && message !== null && "number" in message;
}

test("no message is lost or doubled, except by policy, and then it is counted", () => {
  fc.assert(
    fc.property(plan, (chosen) => account(play(chosen))),
    { numRuns: runs },
  );
});

test("the accounting itself notices one message lost and one doubled", () => {
  const steps: Step[] = [{ kind: "burst", from: 0, to: 0, count: 6 }];
  const receivers: Receiver[] = [{ policy: "block", limit: 2, tries: 1, restarts: 2 }];
  const outcome = play({ seed: 1, killRate: 0, delayRate: 0, receivers, steps });
  account(outcome);
  expect(() => account({ ...outcome, handled: outcome.handled.slice(1) })).toThrow();
  const doubled = [...outcome.handled, outcome.handled[0]];
  expect(() => account({ ...outcome, handled: doubled })).toThrow();
});

test("what one actor sends another arrives in order; conflated, in order for each key", () => {
  fc.assert(
    fc.property(plan, (chosen) => {
      const last = new Map<string, number>();
      for (const { from, to, number } of play(chosen).handled) {
        const conflates = chosen.receivers[to].policy === "conflate";
        const line = `${from}>${to}${conflates ? number % 3 : ""}`;
        expect(number).toBeGreaterThan(last.get(line) ?? -1);
        last.set(line, number);
      }
    }),
    { numRuns: runs },
  );
});

test("no mailbox ever holds more than its bound, and one that blocks drops nothing", () => {
  fc.assert(
    fc.property(plan, (chosen) => {
      const { run, receivers } = play(chosen);
      receivers.forEach((ref, place) => {
        const { limit, policy } = chosen.receivers[place];
        const metrics = run.kernel.mailbox(ref);
        expect(metrics?.highWaterMark ?? 0).toBeLessThanOrEqual(limit);
        expect(metrics?.depth ?? 0).toBe(0);
        if (policy === "block") expect(dropsOf(run, ref)).toBe(0);
      });
    }),
    { numRuns: runs },
  );
});

test("one seed gives one run", () => {
  const trace = ({ run, handled }: Outcome) => ({
    handled: handled.map(nameOf),
    kinds: run.effects.map(({ kind }) => kind),
    kills: run.scheduler.kills,
    nowNs: run.nowNs,
  });
  fc.assert(
    fc.property(plan, (chosen) => expect(trace(play(chosen))).toEqual(trace(play(chosen)))),
    { numRuns: Math.ceil(runs / 5) },
  );
});

/** Actors with small mailboxes that send each other copies: circles of waiting are certain. */
test("a crowd that sends in circles comes to rest, with every message accounted for", () => {
  const crowd = fc.record({
    seed: fc.nat(),
    size: fc.integer({ min: 1, max: 5 }),
    limit: fc.integer({ min: 1, max: 3 }),
    killRate: fc.constantFrom(0, 0.1),
    fan: fc.integer({ min: 1, max: 3 }),
    depth: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(crowd, ({ seed, size, limit, killRate, fan, depth }) => {
      const chance = new Random(seed);
      const run = new DeterministicRun(chance, { killRate, delayRate: 0.1, delayNs: 1e6 });
      const refs: Ref<number>[] = [];
      for (let place = 0; place < size; place++) {
        const receive = (left: number, send: (to: Ref<number>, left: number) => void) => {
          for (let copy = 0; copy < fan && left > 0; copy++)
            send(refs[chance.below(size)], left - 1);
        };
        const spec = does<number>(
          `one${place}`,
          (left, self) => receive(left, (to, less) => self.send(to, less)),
          { limit, policy: "block" },
          { restarts: 1_000_000 },
        );
        refs.push(run.kernel.spawn(spec));
      }
      expect(run.kernel.tell(refs[0], depth)).toBe("taken");
      run.settle();
      const { deadLetters, handled, poisoned } = run.kernel.counts;
      const letters = run.effects.filter((one) => one.kind === "deadLetter");
      expect(letters.every(({ why }) => why === "deadlock")).toBe(true);
      const all = (fan ** (depth + 1) - 1) / (fan - 1 || 1);
      const complete = fan === 1 ? depth + 1 : all;
      const sum = handled + poisoned + deadLetters;
      if (poisoned + deadLetters === 0) expect(sum).toBe(complete);
      else expect(sum).toBeLessThanOrEqual(complete);
      // A message that was not handled took with it only what it would have sent.
      expect((sum - 1) % fan).toBe(0);
      for (const ref of refs) expect(run.kernel.mailbox(ref)?.depth).toBe(0);
    }),
    { numRuns: runs },
  );
});

test("every question ends once: by an answer, by its time-out or because one stops", () => {
  const asks = fc.record({
    seed: fc.nat(),
    killRate: fc.constantFrom(0, 0.2),
    mailbox: fc.constantFrom<MailboxOptions<ReplyTo<number>>>(
      { limit: 1, policy: "block" },
      { limit: 2, policy: "dropOldest" },
      { limit: 2, policy: "dropNewest" },
    ),
    /** Of three questions, which are answered. */
    answered: fc.integer({ min: 0, max: 3 }),
    questions: fc.array(
      fc.record({ inside: fc.boolean(), turns: fc.nat(4), timeoutMs: fc.nat(50) }),
    ),
    stopAfter: fc.option(fc.nat(20)),
  });
  fc.assert(
    fc.property(asks, ({ seed, killRate, mailbox, answered, questions, stopAfter }) => {
      const spared = new Set<number>();
      const spares = ({ id }: AnyRef) => spared.has(id);
      const run = new DeterministicRun(new Random(seed), {
        killRate,
        delayRate: 0.2,
        delayNs: 20e6,
        spares,
      });
      const { kernel } = run;
      let heard = 0;
      const oracle = kernel.spawn(
        does<ReplyTo<number>>(
          "oracle",
          (to, self) => {
            if (heard++ % 3 < answered) self.reply(to, 42);
          },
          mailbox,
          { restarts: 1_000_000 },
        ),
      );
      const asker = kernel.spawn(obeys("asker"));
      spared.add(asker.id);
      const ends = questions.map((): Answer<number>[] => []);
      questions.forEach(({ inside, turns, timeoutMs }, place) => {
        if (place === stopAfter) kernel.stop(oracle, place % 2 === 0 ? "now" : "drain");
        const timeoutNs = timeoutMs * 1e6;
        const then = (answer: Answer<number>) => void ends[place].push(answer);
        const ask: Order = (self) => self.ask(oracle, (to: ReplyTo<number>) => to, timeoutNs, then);
        if (inside) kernel.tell(asker, ask);
        else kernel.ask(oracle, (to: ReplyTo<number>) => to, timeoutNs, then);
        run.step(turns);
      });
      run.settle();
      expect(ends.map((answers) => answers.length)).toEqual(questions.map(() => 1));
      expect(kernel.counts).toMatchObject({ openAsks: 0, timers: 0 });
    }),
    { numRuns: runs },
  );
});

test("stopping an actor ends all below it, children first, each exactly once", () => {
  const trees = fc.record({
    seed: fc.nat(),
    killRate: fc.constantFrom(0, 0.2),
    /** The place in the list of the parent of each further actor. */
    parents: fc.array(fc.nat(30), { maxLength: 15 }),
    mode: fc.constantFrom<StopMode>("drain", "now"),
    turns: fc.nat(60),
  });
  fc.assert(
    fc.property(trees, ({ seed, killRate, parents, mode, turns }) => {
      const run = new DeterministicRun(new Random(seed), {
        killRate,
        delayRate: 0.1,
        delayNs: 1e6,
      });
      const bystander = run.kernel.spawn(obeys("bystander", undefined, { restarts: 1_000_000 }));
      const root = run.kernel.spawn(obeys("root", undefined, { restarts: 1_000_000 }));
      const born: AnyRef[] = [root];
      const refs: Ref<Order>[] = [root];
      parents.forEach((parent, place) => {
        run.kernel.tell(refs[parent % refs.length], (self) => {
          const child = self.spawn(obeys(`child${place}.${born.length}`));
          born.push(child);
          refs.push(child);
        });
        run.step(4);
      });
      run.step(turns);
      run.kernel.stop(root, mode);
      run.settle();
      expect([...run.kernel.actors()].map(({ path }) => path)).toEqual([bystander.path]);
      expect(endsInOrder(run.effects)).toEqual([...born].map(({ id }) => id).sort((a, b) => a - b));
      expect(run.kernel.counts.timers).toBe(0);
    }),
    { numRuns: runs },
  );
});

/** The ids of those that ended, sorted; throws if a parent ended before its child. */
function endsInOrder(effects: readonly Effect[]): number[] {
  const ended: AnyRef[] = [];
  for (const effect of effects) {
    if (effect.kind !== "stopped") continue;
    const orphan = ended.find(({ path }) => effect.actor.path.startsWith(`${path}/`));
    expect(orphan).toBeUndefined();
    ended.push(effect.actor);
  }
  return ended.map(({ id }) => id).sort((a, b) => a - b);
}
