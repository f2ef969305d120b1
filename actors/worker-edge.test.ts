/** An actor in a real worker: order, back-pressure, crashes, hangs, poison, ends. */
import { afterEach, expect, test } from "bun:test";
import { until } from "../tests/until.ts";
import type { Failure } from "./actor.ts";
import { Kernel } from "./kernel.ts";
import { obeys } from "./toy.ts";
import { Tally, ToyOrder, toyChunk } from "./toy-chunks.ts";
import { WorkerEdge, type WorkerEvents, type WorkerSpec } from "./worker-edge.ts";

const open: { edge: WorkerEdge; timer: Timer }[] = [];
const nowNs = () => performance.now() * 1e6;

afterEach(async () => {
  for (const { edge, timer } of open.splice(0)) {
    await edge.stop("now", nowNs(), 0);
    clearInterval(timer);
  }
});

/** A toy worker that is ticked every 5 ms until the test is over. */
function toy(spec: Partial<WorkerSpec> = {}, events: WorkerEvents = {}) {
  const tally = new Int32Array(new SharedArrayBuffer(Tally.words * 4));
  const told: string[] = [];
  const edge = new WorkerEdge(
    {
      name: "toy",
      module: new URL("./toy-worker.ts", import.meta.url),
      ringBytes: 4096,
      policy: "block",
      supervision: { backoffNs: 1e6 },
      setup: () => ({ tally: tally.buffer, exitFrom: "node:process" }),
      ...spec,
    },
    {
      onFailed: (error, life) => told.push(`failed ${life} ${error.code}`),
      onPoisoned: (chunk, tries) => told.push(`poisoned ${numberOf(chunk)} after ${tries}`),
      beforeRestart: (life) => told.push(`life ${life}`),
      onGivenUp: (error) => told.push(`given up ${error.code}`),
      ...events,
    },
  );
  open.push({ edge, timer: setInterval(() => edge.tick(nowNs()), 5) });
  edge.start(nowNs());
  return { edge, tally, told };
}

function numberOf(chunk: Uint8Array): number {
  return new Int32Array(chunk.buffer, chunk.byteOffset, 1)[0];
}

test("a million chunks arrive in order, the sender waiting whenever the ring is full", async () => {
  const { edge, tally } = toy({ ringBytes: 65_536 });
  const count = 1_000_000;
  let waits = 0;
  for (let number = 1; number <= count; number++) {
    const chunk = toyChunk(number);
    if (edge.send(chunk) !== "full") continue;
    waits++;
    expect(await edge.sendWhenRoom(chunk)).toBe("taken");
  }
  expect(await edge.stop("drain", nowNs())).toBe("stopped");
  expect(tally[Tally.chunks]).toBe(count);
  expect([tally[Tally.outOfOrder], tally[Tally.again], tally[Tally.last]]).toEqual([0, 0, count]);
  expect(tally[Tally.stopped]).toBe(1);
  expect(waits).toBeGreaterThan(0);
  const most = 65_536 / 16;
  const { depth, highWaterMark, dropped } = edge.mailbox;
  expect([depth, dropped]).toEqual([0, 0]);
  // A chunk that is being given back may be counted although its room is taken again already.
  expect([most, most + 1]).toContain(highWaterMark);
}, 60_000);

test("killed ten times under load, a worker goes on where it was and skips nothing", async () => {
  const { edge, tally, told } = toy({
    supervision: { tries: 1000, restarts: 100, backoffNs: 0 },
  });
  const count = 50_000;
  for (let number = 1; number <= count; number++) {
    expect(await edge.sendWhenRoom(toyChunk(number))).toBe("taken");
    if (number % 5000 === 2500) {
      // Only a life that has begun its work can be killed at it.
      await until(() => edge.phase === "running");
      edge.kill();
    }
  }
  expect(await edge.stop("drain", nowNs(), 30e9)).toBe("stopped");
  expect(told.filter((one) => one.startsWith("life")).length).toBe(10);
  expect(tally[Tally.lives]).toBe(11);
  expect([tally[Tally.outOfOrder], tally[Tally.last]]).toEqual([0, count]);
  expect(tally[Tally.chunks]).toBe(count + tally[Tally.again]);
  expect(tally[Tally.again]).toBeLessThanOrEqual(10);
}, 60_000);

test("a poisoned chunk is tried as often as it may, then the next one follows", async () => {
  const { edge, tally, told } = toy({ supervision: { tries: 2, backoffNs: 1e6 } });
  edge.send(toyChunk(1));
  edge.send(toyChunk(2, ToyOrder.throw));
  edge.send(toyChunk(3));
  await until(() => tally[Tally.chunks] === 2);
  expect(told).toEqual([
    "failed 1 ACTOR_WORKER_THREW",
    "life 2",
    "failed 2 ACTOR_WORKER_THREW",
    "poisoned 2 after 2",
    "life 3",
  ]);
  expect(tally[Tally.last]).toBe(3);
  expect(edge.mailbox.depth).toBe(0);
});

test("a worker that hangs is noticed by its heartbeat, ended and begun again", async () => {
  const { edge, tally, told } = toy({ hangNs: 200e6 });
  edge.send(toyChunk(1, ToyOrder.hang));
  edge.send(toyChunk(1));
  await until(() => tally[Tally.chunks] === 1);
  expect(told).toEqual(["failed 1 ACTOR_WORKER_HUNG", "poisoned 1 after 1", "life 2"]);
});

test("a worker that is only idle is not taken for one that hangs", async () => {
  const { edge, tally, told } = toy({ hangNs: 300e6 });
  await until(() => tally[Tally.idle] > 10);
  expect(told).toEqual([]);
  expect(edge.phase).toBe("running");
});

test("a time in which the owner stood still too is not held against a worker's heart", async () => {
  const { edge, tally, told } = toy({ hangNs: 5e9 });
  await until(() => tally[Tally.idle] > 1);
  edge.tick(nowNs() + 60e9);
  expect([edge.phase, told]).toEqual(["running", []]);
});

test("a worker that ends by itself is begun again", async () => {
  const { edge, tally, told } = toy();
  edge.send(toyChunk(1, ToyOrder.exit));
  edge.send(toyChunk(1));
  await until(() => tally[Tally.chunks] === 1);
  expect(told).toEqual(["failed 1 ACTOR_WORKER_CLOSED", "poisoned 1 after 1", "life 2"]);
});

test("a worker given up fails its supervisor, and its chunks can be had", async () => {
  const failures: Failure[] = [];
  const kernel = new Kernel({
    onEffect: (effect) => effect.kind === "failed" && failures.push(effect.failure),
  });
  const supervisor = kernel.spawn(obeys("shards"));
  kernel.step(0);
  const { edge } = toy(
    { supervision: { restarts: 1, backoffNs: 0 } },
    { onGivenUp: (error) => kernel.fail(supervisor, error) },
  );
  edge.send(toyChunk(1, ToyOrder.throw));
  edge.send(toyChunk(2, ToyOrder.throw));
  edge.send(toyChunk(3));
  expect(await edge.ended).toBe("escalated");
  expect(failures).toMatchObject([{ error: { code: "ACTOR_WORKER_THREW" } }]);
  expect(edge.send(toyChunk(4))).toBe("stopped");
  const left = edge.takeBack();
  expect(left && numberOf(left)).toBe(3);
  expect(edge.takeBack()).toBeUndefined();
});

test("a module that is not there is a failure like any other", async () => {
  const { edge, told } = toy({
    module: new URL("./nowhere.ts", import.meta.url),
    supervision: { restarts: 0, exhausted: "stop" },
  });
  expect(await edge.ended).toBe("failed");
  expect(told).toEqual(["failed 1 ACTOR_WORKER_THREW", "given up ACTOR_WORKER_THREW"]);
});

test("before a restart the owner may empty the ring and send again", async () => {
  let cleared = 0;
  const { edge, tally } = toy(
    {},
    {
      beforeRestart: (_life, ring) => {
        cleared = ring.clear();
        for (const number of [1, 2, 3]) edge.send(toyChunk(number));
      },
    },
  );
  edge.send(toyChunk(1));
  edge.send(toyChunk(2, ToyOrder.throw));
  for (const number of [3, 4, 5]) edge.send(toyChunk(number));
  await until(() => tally[Tally.chunks] === 4);
  expect(cleared).toBe(3);
  expect([tally[Tally.again], tally[Tally.last]]).toEqual([1, 3]);
});

test("a poisoned chunk that is sent again after each restart is still counted", async () => {
  const poisoned: number[] = [];
  const { edge, tally, told } = toy(
    { supervision: { tries: 3, backoffNs: 0 } },
    {
      onPoisoned: (chunk) => poisoned.push(numberOf(chunk)),
      beforeRestart: (_life, ring) => {
        ring.clear();
        tally[Tally.last] = 0;
        edge.send(toyChunk(1));
        if (poisoned.length === 0) edge.send(toyChunk(9, ToyOrder.throw));
        else edge.send(toyChunk(2));
      },
    },
  );
  edge.send(toyChunk(9, ToyOrder.throw));
  await until(() => tally[Tally.last] === 2);
  expect(poisoned).toEqual([9]);
  expect(told.length).toBe(3);
});

test("a full ring drops the newest where its policy says so, and counts it", async () => {
  const { edge, tally } = toy({ ringBytes: 64, policy: "dropNewest" });
  edge.send(toyChunk(1, ToyOrder.sleepMs, 200));
  const said = [2, 3, 4, 5, 6].map((number) => edge.send(toyChunk(number)));
  expect(said).toEqual(["taken", "taken", "taken", "dropped", "dropped"]);
  expect(await edge.sendWhenRoom(toyChunk(7))).toBe("dropped");
  await edge.stop("drain", nowNs());
  expect(tally[Tally.last]).toBe(4);
  expect(edge.mailbox).toEqual({ depth: 0, highWaterMark: 4, dropped: 3 });
});

test("stop at once leaves what waits; a deaf worker ends at the deadline", async () => {
  const { edge, tally } = toy();
  edge.send(toyChunk(1, ToyOrder.sleepMs, 100));
  edge.send(toyChunk(2));
  await until(() => edge.phase === "running");
  expect(await edge.stop("now", nowNs())).toBe("stopped");
  expect(tally[Tally.last]).toBeLessThan(2);
  const stuck = toy({ hangNs: 60e9 });
  stuck.edge.send(toyChunk(1, ToyOrder.hang));
  await until(() => stuck.edge.phase === "running");
  expect(await stuck.edge.stop("drain", nowNs(), 50e6)).toBe("deadline");
});

test("a chunk that waits for room is not overtaken by one sent later", async () => {
  const { edge, tally } = toy({ ringBytes: 64 });
  edge.send(toyChunk(1, ToyOrder.sleepMs, 50));
  for (const number of [2, 3, 4]) edge.send(toyChunk(number));
  const waits = [5, 6].map((number) => edge.sendWhenRoom(toyChunk(number)));
  // This thread sees the room before any promise does.
  await until(() => edge.phase === "running");
  const endMs = performance.now() + 5000;
  while (edge.mailbox.depth > 0 && performance.now() < endMs);
  expect(edge.send(toyChunk(7))).toBe("full");
  expect(await Promise.all(waits)).toEqual(["taken", "taken"]);
  expect(await edge.sendWhenRoom(toyChunk(7))).toBe("taken");
  await edge.stop("drain", nowNs());
  expect([tally[Tally.last], tally[Tally.outOfOrder]]).toEqual([7, 0]);
});

test("one that waits for room is told when the worker is stopped", async () => {
  const { edge } = toy({ ringBytes: 64 });
  edge.send(toyChunk(1, ToyOrder.hang));
  for (const number of [2, 3, 4]) edge.send(toyChunk(number));
  const waits = edge.sendWhenRoom(toyChunk(5));
  expect(edge.send(toyChunk(6))).toBe("full");
  await until(() => edge.phase === "running");
  edge.stop("now", nowNs(), 0);
  expect(await waits).toBe("stopped");
});

test("a worker may tell its host something, with the life it is in", async () => {
  const said: unknown[] = [];
  const { edge } = toy({}, { onSaid: (message) => said.push(message) });
  edge.send(toyChunk(1, ToyOrder.throw));
  edge.send(toyChunk(1, ToyOrder.say));
  await until(() => said.length === 1);
  expect(said).toEqual([{ life: 2, number: 1 }]);
});
