/** The bound, the policies and the metrics of one mailbox; and the queue and times beneath. */
import { describe, expect, test } from "bun:test";
import { Fifo } from "./fifo.ts";
import { Mailbox, type MailboxOptions, type MailboxPolicy } from "./mailbox.ts";
import { Timers } from "./timers.ts";

interface Numbered {
  readonly message: unknown;
}

function filled(options: MailboxOptions<number>, numbers: readonly number[]) {
  const dropped: unknown[] = [];
  const mailbox = new Mailbox<Numbered>(options as MailboxOptions<never>, (one) => {
    dropped.push(one.message);
  });
  const said = numbers.map((message) => mailbox.offer({ message }));
  const metrics = mailbox.metrics;
  const kept: unknown[] = [];
  for (let one = mailbox.take(); one !== undefined; one = mailbox.take()) kept.push(one.message);
  return { said, kept, dropped, metrics };
}

describe("a full mailbox", () => {
  const cases: [MailboxPolicy, kept: number[], dropped: number[], last: string][] = [
    ["block", [1, 2, 3], [], "full"],
    ["dropOldest", [3, 4, 5], [1, 2], "taken"],
    ["dropNewest", [1, 2, 3], [4, 5], "dropped"],
  ];
  for (const [policy, kept, dropped, last] of cases) {
    test(`of policy ${policy} never holds more than its limit and counts what it drops`, () => {
      const outcome = filled({ limit: 3, policy }, [1, 2, 3, 4, 5]);
      expect(outcome.kept).toEqual(kept);
      expect(outcome.dropped).toEqual(dropped);
      expect(outcome.said[4]).toBe(last as "full");
      const metrics = { depth: 3, highWaterMark: 3, dropped: dropped.length };
      expect(outcome.metrics).toEqual(metrics);
    });
  }

  test("that conflates keeps the newest of each key in the place of the first", () => {
    const key = (message: number) => message % 10;
    const outcome = filled({ limit: 3, policy: "conflate", key }, [11, 12, 21, 13, 22, 31]);
    expect(outcome.kept).toEqual([31, 22, 13]);
    expect(outcome.dropped).toEqual([11, 12, 21]);
  });

  test("that conflates drops the oldest for a new key, never a replaced one", () => {
    const key = (message: number) => message % 10;
    const outcome = filled({ limit: 2, policy: "conflate", key }, [11, 12, 22, 13]);
    expect(outcome.kept).toEqual([22, 13]);
    expect(outcome.dropped).toEqual([12, 11]);
  });

  test("needs a key to conflate, and only then", () => {
    expect(() => filled({ limit: 1, policy: "conflate" }, [])).toThrow("give mailbox.key");
    expect(() => filled({ limit: 1, policy: "block", key: () => 1 }, [])).toThrow("mailbox.key");
  });
});

test("a queue keeps its order while it grows and while one is taken out of its middle", () => {
  const queue = new Fifo<number>();
  for (let number = 0; number < 5; number++) queue.push(number);
  for (let number = 0; number < 3; number++) queue.shift();
  for (let number = 5; number < 20; number++) queue.push(number);
  queue.remove(10);
  queue.remove(99);
  expect(queue.peek()).toBe(3);
  const rest = Array.from({ length: queue.length }, () => queue.shift());
  expect(rest).toEqual([3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  expect(queue.shift()).toBeUndefined();
});

test("times fire in order, equal ones as they were set, cancelled ones never", () => {
  const timers = new Timers();
  const fired: string[] = [];
  const set = (atNs: number, name: string) => timers.set(atNs, () => void fired.push(name));
  const chosen = [50, 10, 30, 10, 40, 20, 60].map((atNs, place) => set(atNs, `${atNs}.${place}`));
  timers.cancel(chosen[2]);
  timers.cancel(chosen[2]);
  timers.fireDue(9);
  expect(fired).toEqual([]);
  timers.fireDue(45);
  expect(fired).toEqual(["10.1", "10.3", "20.5", "40.4"]);
  expect(timers.nextNs).toBe(50);
  timers.cancel(chosen[0]);
  timers.fireDue(100);
  expect(fired.at(-1)).toBe("60.6");
  expect([timers.size, timers.nextNs]).toEqual([0, Number.POSITIVE_INFINITY]);
});
