import { describe, expect, test } from "bun:test";
import type { PackedChunk } from "../frames/chunk.ts";
import type { Position } from "../frames/transport.ts";
import { testChunk } from "../tests/test-chunk.ts";
import { confirmed } from "./confirmation.ts";
import { Forwarder } from "./forwarder.ts";

const BOOT = 1;
/** Longer than a busy machine is late. */
const PATIENT_MS = 50_000;

/** A broker that takes everything; whether anybody listens behind it is up to the test. */
class Broker {
  readonly name = "broker";
  readonly took: number[] = [];
  onTook: (number: number) => void = () => {};
  private tell: (position: Position) => void = () => {};

  async send({ header }: PackedChunk): Promise<void> {
    this.took.push(header.number);
    this.onTook(header.number);
  }

  onPosition(listener: (position: Position) => void): void {
    this.tell = listener;
  }

  /** What a centre says that has everything up to this chunk. */
  confirm(upTo: number, boot = BOOT): void {
    this.tell({ consumer: "book", collector: "colo-1", boot, chunk: upTo });
  }

  async close(): Promise<void> {}
}

function sentTo(broker: Broker, count: number): Forwarder {
  const forwarder = new Forwarder(broker, BOOT, undefined);
  for (let number = 1; number <= count; number++)
    forwarder.offer(testChunk(number, { boot: BOOT }));
  return forwarder;
}

async function msOf(work: Promise<void>): Promise<number> {
  const began = performance.now();
  await work;
  return performance.now() - began;
}

describe("the end of a finite input", () => {
  test("is there at once when the centre has the last chunk", async () => {
    const broker = new Broker();
    const forwarder = sentTo(broker, 3);
    const waiting = msOf(confirmed(forwarder, PATIENT_MS));
    broker.confirm(2);
    broker.confirm(3);
    expect(await waiting).toBeLessThan(PATIENT_MS);
    expect(forwarder.unconfirmed).toBe(0);
    await forwarder.close(0);
  });

  test("does not take the broker's acknowledgement, or another boot's, for the centre's", async () => {
    const broker = new Broker();
    const forwarder = sentTo(broker, 3);
    broker.confirm(3, BOOT - 1);
    expect(await msOf(confirmed(forwarder, 300))).toBeGreaterThan(250);
    expect([forwarder.behind, forwarder.unconfirmed]).toEqual([0, 3]);
    await forwarder.close(0);
  });

  test("tells a centre that comes late of its last chunk, until it has all", async () => {
    const broker = new Broker();
    const forwarder = sentTo(broker, 3);
    await forwarder.settle(0, 1000);
    broker.onTook = (number) => broker.confirm(number);
    await confirmed(forwarder, PATIENT_MS);
    expect(broker.took).toEqual([1, 2, 3, 3]);
    await forwarder.close(0);
  });

  test("goes on waiting as long as a centre comes on, however slowly", async () => {
    const broker = new Broker();
    const forwarder = sentTo(broker, 4);
    // Each comes well within the time, even where a busy machine is late; all together do not.
    const waiting = confirmed(forwarder, 1200);
    for (let upTo = 1; upTo <= 4; upTo++) {
      await Bun.sleep(350);
      broker.confirm(upTo);
    }
    await waiting;
    expect(forwarder.unconfirmed).toBe(0);
    await forwarder.close(0);
  });

  test("an interrupt ends the waiting at once", async () => {
    const broker = new Broker();
    const forwarder = sentTo(broker, 3);
    setTimeout(() => forwarder.release(), 50);
    expect(await msOf(confirmed(forwarder, PATIENT_MS))).toBeLessThan(PATIENT_MS);
    expect(forwarder.unconfirmed).toBe(3);
    await forwarder.close(0);
  });
});
