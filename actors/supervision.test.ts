/** Failing and beginning again: tries, back-off, budget, escalation. */
import { describe, expect, test } from "bun:test";
import type { Actor, ActorSpec, Effect, Failure, Ref, Self } from "./actor.ts";
import { Kernel } from "./kernel.ts";
import { RestartBudget, type SupervisionOptions, supervision } from "./supervision.ts";
import { does, type Order, obeys, roomy } from "./toy.ts";

function bench(): { kernel: Kernel; effects: Effect[] } {
  const effects: Effect[] = [];
  return { kernel: new Kernel({ onEffect: (effect) => effects.push(effect) }), effects };
}

const throws: Order = () => {
  throw new Error("poison");
};

/** Has one child, and decides about it as it is told. */
class Guardian implements Actor<string> {
  readonly failures: Failure[] = [];
  readonly #child: ActorSpec<Order>;
  readonly #decide: (failure: Failure) => "restart" | "stop" | "escalate" | undefined;
  child: Ref<Order> | undefined;

  constructor(child: ActorSpec<Order>, decide: Guardian["supervise"] = () => undefined) {
    this.#child = child;
    this.#decide = decide;
  }

  started(self: Self<string>): void {
    this.child = self.spawn(this.#child);
  }

  receive(): void {}

  supervise(failure: Failure): "restart" | "stop" | "escalate" | undefined {
    this.failures.push(failure);
    return this.#decide(failure);
  }
}

function family(child: SupervisionOptions, decide?: Guardian["supervise"], own = {}) {
  const { kernel, effects } = bench();
  const guardians: Guardian[] = [];
  const root = kernel.spawn<string>({
    name: "root",
    mailbox: roomy,
    supervision: own,
    create: () => {
      guardians.push(new Guardian(obeys("child", undefined, child), decide));
      return guardians[guardians.length - 1];
    },
  });
  kernel.step(0);
  const refOf = (life: number) => guardians[life].child as Ref<Order>;
  return { kernel, effects, guardians, root, refOf };
}

describe("a failed actor", () => {
  test("begins afresh after its back-off and goes on with its next message", () => {
    const { kernel, effects } = bench();
    const seen: unknown[] = [];
    const ref = kernel.spawn(obeys("one", undefined, { backoffNs: 50 }));
    const look: Order = (self, life) => {
      seen.push([self.life, life.size]);
      life.set("seen", true);
    };
    for (const order of [look, look, throws, look]) kernel.tell(ref, order);
    kernel.step(0);
    expect(seen.length).toBe(2);
    expect(kernel.mailbox(ref)?.depth).toBe(1);
    kernel.step(49);
    expect(seen.length).toBe(2);
    kernel.step(50);
    expect(seen).toEqual([
      [1, 0],
      [1, 1],
      [2, 0],
    ]);
    expect(effects.map(({ kind }) => kind)).toEqual(["failed", "poisoned", "restarted"]);
  });

  test("tries a message as often as it may, first of all, then hands it to its supervisor", () => {
    const { kernel, guardians, effects, refOf } = family({ tries: 3, backoffNs: 0 });
    const seen: number[] = [];
    kernel.tell(refOf(0), throws);
    kernel.tell(refOf(0), (self) => void seen.push(self.life));
    kernel.step(0);
    for (let nowNs = 1; nowNs < 5; nowNs++) kernel.step(nowNs);
    const told = guardians[0].failures.map(({ tries, poisoned, life }) => [tries, poisoned, life]);
    expect(told).toEqual([
      [1, false, 1],
      [2, false, 2],
      [3, true, 3],
    ]);
    expect(guardians[0].failures[2].message).toBe(throws);
    expect(seen).toEqual([4]);
    const poisoned = effects.filter((effect) => effect.kind === "poisoned");
    expect(poisoned).toMatchObject([{ failure: { tries: 3, message: throws } }]);
    expect(kernel.counts.poisoned).toBe(1);
  });

  test("pauses twice as long each time, up to the limit, and forgets old restarts", () => {
    const rules = { restarts: 4, withinNs: 1000, backoffNs: 10, backoffLimitNs: 25 };
    const budget = new RestartBudget(supervision(rules));
    const pauses = [0, 1, 2, 3, 4, 1001].map((nowNs) => budget.spend(nowNs));
    expect(pauses).toEqual([10, 20, 25, 25, undefined, 25]);
    expect(budget.spend(5000)).toBe(10);
  });

  test("escalates when its budget is spent: its parent begins afresh, with new children", () => {
    const { kernel, effects, guardians, root, refOf } = family({ restarts: 1, backoffNs: 1 });
    kernel.tell(refOf(0), throws);
    kernel.tell(refOf(0), throws);
    for (let nowNs = 0; nowNs < 5; nowNs++) kernel.step(nowNs);
    kernel.step(1e9);
    expect(guardians.length).toBe(2);
    expect(refOf(1).id).not.toBe(refOf(0).id);
    const failed = effects.filter((effect) => effect.kind === "failed");
    expect(failed.map(({ failure, directive }) => [failure.actor.path, directive])).toEqual([
      ["root/child", "restart"],
      ["root/child", "escalate"],
      ["root", "restart"],
    ]);
    expect(failed[2].failure.error).toMatchObject({ code: "ACTOR_ESCALATED" });
    expect(kernel.mailbox(root)).toBeDefined();
    expect(kernel.mailbox(refOf(0))).toBeUndefined();
  });

  test("stops instead, where its supervision says so", () => {
    const { kernel, effects, refOf } = family({ restarts: 0, exhausted: "stop" });
    kernel.tell(refOf(0), throws);
    kernel.step(1);
    expect(effects.map(({ kind }) => kind)).toEqual(["failed", "poisoned", "stopped"]);
    expect(kernel.counts.actors).toBe(1);
  });

  test("is stopped by a parent that decides so, against its own directive", () => {
    const { kernel, effects, refOf } = family({}, () => "stop");
    kernel.tell(refOf(0), throws);
    kernel.step(1);
    expect(effects.at(-1)).toMatchObject({ kind: "stopped", why: "failed" });
  });

  test("takes its parent with it when the parent's decision throws", () => {
    const decide = () => {
      throw new Error("cannot decide");
    };
    const { kernel, effects, guardians, refOf } = family({}, decide, { backoffNs: 0 });
    kernel.tell(refOf(0), throws);
    kernel.step(1);
    kernel.step(2);
    expect(guardians.length).toBe(2);
    const parent = effects.find(
      (one) => one.kind === "failed" && one.failure.actor.path === "root",
    );
    expect(parent).toMatchObject({ failure: { error: { cause: { message: "cannot decide" } } } });
  });

  test("without a parent, an escalation ends it and the host is told", () => {
    const { kernel, effects } = bench();
    kernel.tell(kernel.spawn(obeys("one", undefined, { directive: "escalate" })), throws);
    kernel.step(0);
    expect(effects.map(({ kind }) => kind)).toEqual(["failed", "poisoned", "stopped", "escalated"]);
    expect(kernel.counts.actors).toBe(0);
  });

  test("that cannot even start is supervised like any other", () => {
    const { kernel, effects } = bench();
    let lives = 0;
    const spec = does<number>("one", () => {});
    const ref = kernel.spawn({
      ...spec,
      supervision: { backoffNs: 1 },
      create: () => {
        if (++lives < 3) throw new Error("no disk");
        return spec.create();
      },
    });
    kernel.tell(ref, 1);
    for (let nowNs = 0; nowNs < 10; nowNs++) kernel.step(nowNs);
    expect(kernel.counts).toMatchObject({ handled: 1, restarts: 2 });
    expect(effects[0]).toMatchObject({ failure: { tries: 0, poisoned: false } });
  });

  test("with a stop hook that throws still ends, and the host is told", () => {
    const { kernel, effects } = bench();
    const stopped = () => {
      throw new Error("cannot close");
    };
    const ref = kernel.spawn<number>({
      name: "one",
      mailbox: roomy,
      create: () => ({ receive: () => {}, stopped }),
    });
    kernel.step(0);
    kernel.stop(ref, "now");
    expect(effects.map(({ kind }) => kind)).toEqual(["stopHookFailed", "stopped"]);
  });

  test("that drains goes on draining in its next life", () => {
    const { kernel, effects } = bench();
    const seen: number[] = [];
    const ref = kernel.spawn(obeys("one", undefined, { backoffNs: 5 }));
    kernel.tell(ref, throws);
    kernel.tell(ref, (self) => void seen.push(self.life));
    kernel.stop(ref, "drain");
    kernel.step(0);
    kernel.step(5);
    expect(seen).toEqual([2]);
    expect(effects.at(-1)).toMatchObject({ kind: "stopped", why: "stopped" });
  });

  test("told of a failure from outside between two lives does not fail twice", () => {
    const { kernel, effects } = bench();
    const ref = kernel.spawn(obeys("one"));
    kernel.step(0);
    kernel.fail(ref, new Error("killed"));
    kernel.fail(ref, new Error("killed again"));
    expect(effects.length).toBe(1);
  });
});

test("options that make no sense are refused with the way to mend them", () => {
  expect(() => supervision({ tries: 0 })).toThrow("tries is an integer from 1 up, not 0");
  expect(() => supervision({ backoffNs: Number.NaN })).toThrow("backoffNs is a time");
  expect(() => supervision({ backoffNs: 10, backoffLimitNs: 5 })).toThrow("backoffLimitNs");
});
