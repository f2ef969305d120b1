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
    window.done();
  }
  return numbers;
}

describe("the send window", () => {
  test("lets at most its limit be under way without an acknowledgement", () => {
    const window = new SendWindow(BOOT, 3);
    window.offer(10);
    expect(taken(window)).toEqual([1, 2, 3]);
    window.done();
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
        window.done();
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

  test("waits for no consumer that fell silent", () => {
    const window = new SendWindow(BOOT, 3);
    window.offer(9);
    window.hear({ consumer: "a", collector: "c", boot: BOOT - 1, chunk: 500 }, 0);
    expect(drained(window, 1e9)).toEqual([1, 2, 3]);
    expect(drained(window, 60e9)).toEqual([4, 5, 6, 7, 8, 9]);
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
