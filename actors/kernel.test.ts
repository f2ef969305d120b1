/** What the kernel promises of messages, order, bounds and ends, one promise at a time. */
import { describe, expect, test } from "bun:test";
import type { Answer, AnyRef, Effect, Ref, ReplyTo, Self } from "./actor.ts";
import { ActorError } from "./actor-error.ts";
import { Kernel } from "./kernel.ts";
import { does, type Order, obeys, records, roomy } from "./toy.ts";

function bench(): { kernel: Kernel; effects: Effect[]; kinds: () => string[] } {
  const effects: Effect[] = [];
  const kernel = new Kernel({ onEffect: (effect) => effects.push(effect) });
  return { kernel, effects, kinds: () => effects.map(({ kind }) => kind) };
}

describe("messages", () => {
  test("an actor handles messages in the order they were sent", () => {
    const { kernel } = bench();
    const seen: number[] = [];
    const ref = kernel.spawn(records("one", seen));
    for (let number = 0; number < 100; number++) kernel.tell(ref, number);
    expect(kernel.step(0)).toBe(101);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, number) => number));
    expect(kernel.nextTimeNs).toBe(Number.POSITIVE_INFINITY);
  });

  test("a step makes no more turns than it may and says there is more to do", () => {
    const { kernel } = bench();
    const ref = kernel.spawn(records("one", [] as number[]));
    for (let number = 0; number < 10; number++) kernel.tell(ref, number);
    expect(kernel.step(5, 4)).toBe(4);
    expect(kernel.nextTimeNs).toBe(5);
    expect(kernel.mailbox(ref)?.depth).toBe(7);
  });

  test("a sender waits while the mailbox it sends to is full, and nothing is lost", () => {
    const { kernel } = bench();
    const seen: number[] = [];
    const slow = kernel.spawn(records("slow", seen, { limit: 2, policy: "block" }));
    const fast = kernel.spawn(
      does<number>("fast", (first, self) => {
        for (let number = first; number < first + 5; number++) self.send(slow, number);
      }),
    );
    kernel.tell(fast, 0);
    kernel.tell(fast, 5);
    kernel.step(0);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(kernel.mailbox(slow)).toEqual({ depth: 0, highWaterMark: 2, dropped: 0 });
  });

  test("senders that wait for one mailbox are served in turn", () => {
    const { kernel } = bench();
    const seen: string[] = [];
    const slow = kernel.spawn(records("slow", seen, { limit: 1, policy: "block" }));
    for (const name of ["a", "b"]) {
      const ref = kernel.spawn(
        does<number>(name, (count, self) => {
          for (let number = 0; number < count; number++) self.send(slow, name + number);
        }),
      );
      kernel.tell(ref, 4);
    }
    kernel.step(0);
    // "a" waits for room before "b" does; from then on they alternate.
    expect(seen).toEqual(["a0", "a1", "b0", "a2", "b1", "a3", "b2", "b3"]);
  });

  test("from outside a full mailbox says so and takes nothing", () => {
    const { kernel } = bench();
    const ref = kernel.spawn(records("one", [] as number[], { limit: 1, policy: "block" }));
    expect(kernel.tell(ref, 1)).toBe("taken");
    expect(kernel.tell(ref, 2)).toBe("full");
    const other = kernel.spawn(records("two", [] as number[], { limit: 1, policy: "dropNewest" }));
    expect([kernel.tell(other, 1), kernel.tell(other, 2)]).toEqual(["taken", "dropped"]);
  });

  test("a circle of actors that would wait for each other is broken, and told", () => {
    const { kernel, effects } = bench();
    const refs: Ref<Order>[] = [];
    for (const name of ["a", "b"]) {
      refs.push(kernel.spawn(obeys(name, { limit: 1, policy: "block" })));
    }
    const nothing: Order = () => {};
    const twice = (to: number): Order => {
      return (self) => {
        for (let count = 0; count < 3; count++) self.send(refs[to], nothing);
      };
    };
    kernel.tell(refs[0], twice(1));
    kernel.tell(refs[1], twice(0));
    kernel.step(0);
    const letters = effects.filter((effect) => effect.kind === "deadLetter");
    expect(letters.length).toBeGreaterThan(0);
    expect(letters.every((letter) => letter.why === "deadlock")).toBe(true);
    expect(kernel.counts.handled + kernel.counts.deadLetters).toBe(2 + 6);
  });

  test("a turn that fails has sent nothing", () => {
    const { kernel, kinds } = bench();
    const seen: string[] = [];
    const log = kernel.spawn(records("log", seen));
    const ref = kernel.spawn(
      does<string>("one", (text, self) => {
        self.send(log, text);
        if (text === "bad") throw new Error(text);
      }),
    );
    for (const text of ["good", "bad", "fine"]) kernel.tell(ref, text);
    kernel.step(0);
    kernel.step(1e9);
    expect(seen).toEqual(["good", "fine"]);
    expect(kinds()).toEqual(["failed", "poisoned", "restarted"]);
  });

  test("a turn sends at most 1,024 times", () => {
    const { kernel, effects } = bench();
    const ref = kernel.spawn(obeys("one"));
    kernel.tell(ref, (self) => {
      for (let count = 0; count < 1025; count++) self.send(ref, () => {});
    });
    kernel.step(0);
    expect(effects[0]).toMatchObject({
      kind: "failed",
      failure: { error: { code: "ACTOR_LIMIT" } },
    });
  });

  test("after its turn an actor's hand on the kernel is dead", () => {
    const { kernel } = bench();
    const kept: Self<Order>[] = [];
    const ref = kernel.spawn(obeys("one"));
    kernel.tell(ref, (self) => void kept.push(self));
    kernel.step(0);
    expect(() => kept[0].send(ref, () => {})).toThrow("the turn of one is over");
    expect(() => kept[0].spawn(obeys("two"))).toThrow("the turn of one is over");
  });

  test("the kernel cannot be called from inside a turn", () => {
    const { kernel, effects } = bench();
    const ref = kernel.spawn(obeys("one"));
    kernel.tell(ref, () => void kernel.tell(ref, () => {}));
    kernel.step(0);
    expect(effects[0]).toMatchObject({ failure: { error: { code: "ACTOR_BUSY" } } });
  });
});

describe("asking", () => {
  type Question = { to: ReplyTo<number>; of: number };

  function asked(kernel: Kernel, ref: Ref<Question>, of: number, timeoutNs = 10): Answer<number>[] {
    const answers: Answer<number>[] = [];
    kernel.ask<Question, number>(
      ref,
      (to) => ({ to, of }),
      timeoutNs,
      (one) => answers.push(one),
    );
    return answers;
  }

  test("an answer comes back to the one that asked, in a turn of its own", () => {
    const { kernel } = bench();
    const square = kernel.spawn(
      does<Question>("square", ({ to, of }, self) => self.reply(to, of * of)),
    );
    const heard: unknown[] = [];
    const ref = kernel.spawn(obeys("asker"));
    kernel.tell(ref, (self) => {
      self.ask<Question, number>(
        square,
        (to) => ({ to, of: 7 }),
        10,
        (answer, later) => {
          heard.push(answer, later.ref.path);
        },
      );
    });
    kernel.step(0);
    expect(heard).toEqual([{ ok: true, value: 49 }, "asker"]);
    expect(kernel.counts).toMatchObject({ openAsks: 0, timers: 0 });
  });

  test("a question without an answer ends at its time-out, and a late answer is counted", () => {
    const { kernel } = bench();
    const kept: ReplyTo<number>[] = [];
    const mute = kernel.spawn(
      does<Question>("mute", ({ to, of }, self) => {
        kept.push(to);
        if (of < 0) self.reply(kept[0], of);
      }),
    );
    const answers = asked(kernel, mute, 1);
    kernel.step(9);
    expect(answers).toEqual([]);
    expect(kernel.nextTimeNs).toBe(10);
    kernel.step(10);
    expect(answers).toEqual([{ ok: false, why: "timeout" }]);
    kernel.tell(mute, { to: kept[0], of: -1 });
    kernel.step(11);
    expect(kernel.counts.lateAnswers).toBe(1);
  });

  test("a question ends when the one that was asked stops, fails at it or drops it", () => {
    const { kernel } = bench();
    const mute = kernel.spawn(does<Question>("mute", () => {}));
    const stopped = asked(kernel, mute, 1);
    kernel.step(0);
    kernel.stop(mute, "now");
    const gone = asked(kernel, mute, 1);
    const bad = kernel.spawn(
      does<Question>("bad", () => {
        throw new Error("bad");
      }),
    );
    const failed = asked(kernel, bad, 1);
    kernel.step(0);
    const small = kernel.spawn(
      does<Question>("small", () => {}, { limit: 1, policy: "dropOldest" }),
    );
    const dropped = asked(kernel, small, 1);
    asked(kernel, small, 2);
    const tight = kernel.spawn(does<Question>("tight", () => {}, { limit: 1, policy: "block" }));
    asked(kernel, tight, 1);
    const full = asked(kernel, tight, 1);
    const whys = [stopped, gone, failed, dropped, full].map(([answer]) => !answer.ok && answer.why);
    expect(whys).toEqual(["stopped", "stopped", "failed", "dropped", "full"]);
  });

  test("only the first answer counts", () => {
    const { kernel } = bench();
    const eager = kernel.spawn(
      does<Question>("eager", ({ to }, self) => {
        self.reply(to, 1);
        self.reply(to, 2);
      }),
    );
    const answers = asked(kernel, eager, 0);
    kernel.step(0);
    expect(answers).toEqual([{ ok: true, value: 1 }]);
    expect(kernel.counts.lateAnswers).toBe(1);
  });

  test("a new life is not told what the old one asked", () => {
    const { kernel } = bench();
    const mute = kernel.spawn(does<Question>("mute", () => {}));
    const ref = kernel.spawn(obeys("asker"));
    let told = 0;
    kernel.tell(ref, (self) => {
      self.ask<Question, number>(
        mute,
        (to) => ({ to, of: 7 }),
        10,
        () => void told++,
      );
    });
    kernel.step(0);
    kernel.fail(ref, new Error("killed"));
    kernel.step(1e12);
    expect(told).toBe(0);
    expect(kernel.counts).toMatchObject({ openAsks: 0, timers: 0, restarts: 1 });
  });

  test("open questions are bounded, from inside and from outside", () => {
    const { kernel, effects } = bench();
    const mute = kernel.spawn(does<Question>("mute", () => {}));
    for (let count = 0; count < 1024; count++) asked(kernel, mute, count, 1e9);
    expect(() => asked(kernel, mute, 0)).toThrow("1024 questions");
    const ref = kernel.spawn(obeys("asker"));
    const much: Order = (self) => {
      for (let count = 0; count < 600; count++) {
        self.ask<Question, number>(
          mute,
          (to) => ({ to, of: 0 }),
          1e9,
          () => {},
        );
      }
    };
    kernel.tell(ref, much);
    kernel.tell(ref, much);
    kernel.step(0, 5000);
    expect(effects[0]).toMatchObject({ failure: { error: { code: "ACTOR_LIMIT" } } });
  });
});

describe("stopping", () => {
  const tree = (kernel: Kernel, seen: string[]): { root: Ref<Order>; leaf: () => Ref<string> } => {
    const root = kernel.spawn(obeys("root"));
    let leaf: Ref<string> | undefined;
    kernel.tell(root, (self, life) => {
      leaf = self.spawn(records("leaf", seen));
      life.set("leaf", leaf);
    });
    kernel.step(0);
    return { root, leaf: () => leaf as Ref<string> };
  };

  test("a drain handles what waits, then what the children have, then ends bottom up", () => {
    const { kernel, effects } = bench();
    const seen: string[] = [];
    const { root, leaf } = tree(kernel, seen);
    kernel.tell(root, (self) => self.send(leaf(), "late work"));
    kernel.stop(root, "drain");
    expect(kernel.tell(root, () => {})).toBe("stopped");
    kernel.step(0);
    expect(seen).toEqual(["late work"]);
    const ends = effects.filter((effect) => effect.kind === "stopped");
    expect(ends.map(({ actor, why }) => [actor.path, why])).toEqual([
      ["root/leaf", "stopped"],
      ["root", "stopped"],
    ]);
    expect(kernel.counts).toMatchObject({ actors: 0, timers: 0 });
  });

  test("stopping at once tells everything that still waited", () => {
    const { kernel, effects } = bench();
    const seen: string[] = [];
    const { root, leaf } = tree(kernel, seen);
    kernel.tell(leaf(), "never");
    kernel.stop(root, "now");
    expect(seen).toEqual([]);
    expect(effects).toMatchObject([
      { kind: "deadLetter", message: "never", why: "stopped" },
      { kind: "stopped", why: "parent" },
      { kind: "stopped", why: "stopped" },
    ]);
    expect([...kernel.actors()]).toEqual([]);
  });

  test("a drain that others hold up ends at its deadline", () => {
    const { kernel, effects } = bench();
    const mute = kernel.spawn(does<ReplyTo<number>>("mute", () => {}));
    const ref = kernel.spawn(obeys("one"));
    kernel.tell(ref, (self) => {
      self.ask<ReplyTo<number>, number>(
        mute,
        (to) => to,
        1e9,
        () => {},
      );
    });
    kernel.step(0);
    kernel.stop(ref, "drain", 100);
    kernel.stop(ref, "drain", 500);
    kernel.step(99);
    expect(effects).toEqual([]);
    kernel.step(100);
    expect(effects).toMatchObject([{ kind: "stopped", why: "deadline" }]);
  });

  test("a parent is told of its child's end, and the name is free again", () => {
    const { kernel } = bench();
    const ends: string[] = [];
    const parent = kernel.spawn<Order>({
      name: "parent",
      mailbox: roomy,
      create: () => ({
        receive: (order, self) => order(self, new Map()),
        ended: (child: AnyRef, why) => void ends.push(`${child.path} ${why}`),
      }),
    });
    const again: Order = (self) => self.stop(self.spawn(obeys("child")), "now");
    kernel.tell(parent, again);
    kernel.tell(parent, again);
    kernel.step(0);
    expect(ends).toEqual(["parent/child stopped", "parent/child stopped"]);
  });

  test("a message that still waited with its sender is told when the sender stops", () => {
    const { kernel, effects } = bench();
    const slow = kernel.spawn(records("slow", [] as number[], { limit: 1, policy: "block" }));
    const sender = kernel.spawn(obeys("sender"));
    kernel.tell(sender, (self) => {
      for (const number of [1, 2, 3]) self.send(slow, number);
    });
    kernel.step(0, 4);
    kernel.stop(sender, "now");
    const letters = effects.filter((effect) => effect.kind === "deadLetter");
    expect(letters.map(({ message, why }) => [message, why])).toEqual([[3, "senderStopped"]]);
    kernel.step(0);
    expect(kernel.counts.handled).toBe(3);
  });

  test("an actor may stop itself; what it wanted before that is done", () => {
    const { kernel, effects } = bench();
    const seen: string[] = [];
    const log = kernel.spawn(records("log", seen));
    const ref = kernel.spawn(obeys("one"));
    kernel.tell(ref, (self) => {
      self.send(log, "before");
      self.stop(self.ref, "now");
      self.send(log, "after");
    });
    kernel.step(0);
    expect(seen).toEqual(["before"]);
    expect(effects[0]).toMatchObject({
      kind: "deadLetter",
      message: "after",
      why: "senderStopped",
    });
  });
});

describe("spawning", () => {
  test("names are unique among siblings and have no slash", () => {
    const { kernel } = bench();
    kernel.spawn(obeys("one"));
    expect(() => kernel.spawn(obeys("one"))).toThrow('an actor "one" lives here already');
    expect(() => kernel.spawn(obeys("a/b"))).toThrow("has no slash");
    expect(() => kernel.spawn(obeys("two", { limit: 0, policy: "block" }))).toThrow(
      "mailbox.limit",
    );
    expect(kernel.counts.actors).toBe(1);
  });

  test("the number of actors is bounded", () => {
    const kernel = new Kernel({ actorsLimit: 1 });
    kernel.spawn(obeys("one"));
    expect(() => kernel.spawn(obeys("two"))).toThrow(ActorError);
  });
});
