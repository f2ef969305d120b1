import { describe, expect, test } from "bun:test";
import { SendWindow } from "./send-window.ts";

const BOOT = 1000;

/** Takes all that may go at this time; none is acknowledged. */
function taken(window: SendWindow, nowNs = 0): number[] {
  const numbers: number[] = [];
  for (let next = window.take(nowNs); next !== undefined; next = window.take(nowNs)) {
    numbers.push(next.number);
  }
  return numbers;
}

function drained(window: SendWindow, nowNs = 0): number[] {
  const numbers: number[] = [];
  for (let next = window.take(nowNs); next !== undefined; next = window.take(nowNs)) {
    numbers.push(next.number);
    window.done(next);
  }
  return numbers;
}

describe("the send window", () => {
  test("lets at most its limit be under way without an acknowledgement", () => {
    const window = new SendWindow(BOOT, 3);
    window.offer(10);
    expect(taken(window)).toEqual([1, 2, 3]);
    window.done({ boot: BOOT, number: 1, again: false });
    expect(taken(window)).toEqual([4]);
    expect([window.waiting, window.underWay]).toEqual([6, 3]);
  });

  test("is not stopped by chunks that left the spool while a consumer was slow", () => {
    const window = new SendWindow(BOOT, 3);
    window.offer(20);
    window.hear({ consumer: "a", collector: "c", boot: BOOT, chunk: 2 }, 0);
    const sent: number[] = [];
    for (let next = window.take(0); next !== undefined; next = window.take(0)) {
      if (next.number < 12) window.gone(next);
      else {
        sent.push(next.number);
        window.done(next);
      }
    }
    expect(sent).toEqual([12, 13, 14]);
  });

  test("keeps within its limit of the slowest consumer that lives", () => {
    const window = new SendWindow(BOOT, 3);
    window.offer(100);
    window.hear({ consumer: "a", collector: "c", boot: BOOT, chunk: 5 }, 0);
    window.hear({ consumer: "b", collector: "c", boot: BOOT, chunk: 2 }, 0);
    expect(drained(window)).toEqual([1, 2, 3, 4, 5]);
    window.hear({ consumer: "b", collector: "c", boot: BOOT, chunk: 4 }, 1e9);
    expect(drained(window, 1e9)).toEqual([6, 7]);
  });

  test("waits long for a consumer that fell silent, and not for one that is gone", () => {
    const window = new SendWindow(BOOT, 3);
    window.offer(12);
    window.hear({ consumer: "a", collector: "c", boot: BOOT, chunk: 3 }, 0);
    expect(drained(window, 60e9)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(drained(window, 170e9)).toEqual([]);
    expect(drained(window, 190e9)).toEqual([7, 8, 9, 10, 11, 12]);
    window.offer(20);
    window.hear({ consumer: "a", collector: "c", boot: BOOT, chunk: 13 }, 200e9);
    expect(drained(window, 200e9)).toEqual([13, 14, 15, 16]);
    window.forget("a");
    expect(drained(window, 200e9)).toEqual([17, 18, 19, 20]);
  });

  test("waits only a while for a consumer that the broker remembers", () => {
    const window = new SendWindow(BOOT, 3);
    window.offer(9);
    window.hear({ consumer: "a", collector: "c", boot: BOOT - 1, chunk: 500 }, 0, true);
    expect(drained(window, 1e9)).toEqual([1, 2, 3]);
    expect(drained(window, 60e9)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  test("sends first what earlier boots left, within the bounds of those who lack it", () => {
    const window = new SendWindow(BOOT, 3);
    window.resume([
      { boot: 7, from: 90, to: 92 },
      { boot: 8, from: 1, to: 5 },
    ]);
    window.offer(2);
    window.hear({ consumer: "a", collector: "c", boot: 8, chunk: 1 }, 0);
    expect(window.waiting).toBe(10);
    const boots: string[] = [];
    for (let next = window.take(0); next !== undefined; next = window.take(0)) {
      boots.push(`${next.boot}/${next.number}`);
      window.done(next);
    }
    expect(boots).toEqual(["7/90", "7/91", "7/92", "8/1", "8/2", "8/3", "8/4"]);
    window.request({ ask: "resend", boot: 8, from: 4, to: 900 }, () => 5);
    expect(drained(window)).toEqual([4]);
    window.hear({ consumer: "a", collector: "c", boot: 8, chunk: 5 }, 0);
    expect(drained(window)).toEqual([5, 1, 2]);
    expect(window.settled).toEqual({ boot: BOOT, number: 2 });
  });

  test("what is acknowledged out of order is settled when all before it is", () => {
    const window = new SendWindow(BOOT, 9);
    window.offer(4);
    const sent = [1, 2, 3, 4].map(() => window.take(0));
    const done = (at: number) => window.done(sent[at] as NonNullable<(typeof sent)[number]>);
    done(1);
    expect(window.settled).toBeUndefined();
    done(0);
    done(3);
    expect(window.settled).toEqual({ boot: BOOT, number: 2 });
    done(2);
    expect(window.settled).toEqual({ boot: BOOT, number: 4 });
  });

  test("sends again what the centre asks for, before anything new, and no more than was sent", () => {
    const window = new SendWindow(BOOT, 64);
    window.offer(5);
    drained(window);
    window.offer(6);
    window.request({ ask: "resend", boot: BOOT, from: 2, to: 900 }, () => 0);
    expect(drained(window)).toEqual([2, 3, 4, 5, 6]);
    expect(window.resent).toBe(4);
  });

  test("sends nothing twice that is asked for again while it waits to be sent", () => {
    const window = new SendWindow(BOOT, 64);
    window.offer(9);
    drained(window);
    window.request({ ask: "resend", boot: BOOT, from: 4, to: 6 }, () => 0);
    window.request({ ask: "resend", boot: BOOT, from: 1, to: 9 }, () => 0);
    window.request({ ask: "resend", boot: BOOT, from: 1, to: 9 }, () => 0);
    expect(drained(window)).toEqual([4, 5, 6, 1, 2, 3, 7, 8, 9]);
    window.request({ ask: "resend", boot: BOOT, from: 5, to: 5 }, () => 0);
    expect(drained(window)).toEqual([5]);
  });

  test("only a position of this boot confirms, and never what is not there", () => {
    const window = new SendWindow(BOOT, 64);
    window.offer(5);
    drained(window);
    expect(window.unconfirmed).toBe(5);
    window.hear({ consumer: "a", collector: "c", boot: BOOT - 1, chunk: 500 }, 0);
    expect(window.unconfirmed).toBe(5);
    window.hear({ consumer: "a", collector: "c", boot: BOOT, chunk: 3 }, 0);
    window.hear({ consumer: "b", collector: "c", boot: BOOT, chunk: 2 }, 0);
    expect(window.unconfirmed).toBe(2);
    window.hear({ consumer: "b", collector: "c", boot: BOOT, chunk: 500 }, 0);
    window.offer(6);
    expect(window.unconfirmed).toBe(1);
  });

  test("goes back to any chunk, also of an earlier boot, when asked to send from it", () => {
    const window = new SendWindow(BOOT, 64);
    window.offer(3);
    drained(window);
    window.request({ ask: "from", boot: 900, from: 7 }, (boot) => (boot === 900 ? 9 : 0));
    window.request({ ask: "from", boot: 0, from: 2 }, () => 0);
    expect(drained(window)).toEqual([7, 8, 9, 2, 3]);
  });
});
