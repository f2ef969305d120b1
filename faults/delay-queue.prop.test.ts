import { expect, test } from "bun:test";
import fc from "fast-check";
import { DelayQueue } from "./delay-queue.ts";

test("what waits comes out by time, equals in the order they came, each with its own bytes", () => {
  const push = fc.record({ due: fc.integer({ min: 0, max: 20 }), size: fc.nat({ max: 300 }) });
  const steps = fc.array(fc.oneof(push, fc.constant("take" as const)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (actions) => {
      const queue = new DelayQueue(64);
      let model: { due: number; order: number; size: number }[] = [];
      const takeOne = () => {
        model = model.toSorted((a, b) => a.due - b.due || a.order - b.order);
        const expected = model.shift()!;
        expect(queue.nextNs).toBe(expected.due);
        queue.take();
        expect([queue.timeNs, queue.line, queue.length]).toEqual([
          expected.due,
          expected.order,
          expected.size,
        ]);
        const bytes = queue.bytes.subarray(0, queue.length);
        expect(bytes.every((byte) => byte === expected.order % 251)).toBe(true);
      };
      actions.forEach((action, order) => {
        if (action === "take") {
          if (model.length > 0) takeOne();
        } else if (!queue.isFull) {
          const bytes = new Uint8Array(action.size + 3).fill(order % 251);
          queue.push(order, action.due, bytes, 3, action.size);
          model.push({ due: action.due, order, size: action.size });
        }
        expect(queue.count).toBe(model.length);
      });
      while (model.length > 0) takeOne();
      expect(queue.nextNs).toBe(Number.POSITIVE_INFINITY);
    }),
    { numRuns: 200 },
  );
});
