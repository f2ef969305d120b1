/**
 * Edge: a worker for tests, which does what `toy-chunks.ts` says.
 */
import { Tally, ToyOrder, type ToySetup } from "./toy-chunks.ts";
import { serveChunks } from "./worker-loop.ts";

serveChunks<ToySetup>(async ({ tally: shared, exitFrom }, host) => {
  const tally = new Int32Array(shared);
  const { exit } = await import(exitFrom);
  Atomics.add(tally, Tally.lives, 1);
  return {
    take(chunk) {
      const [number, order, argument] = new Int32Array(chunk.buffer, chunk.byteOffset, 3);
      if (order === ToyOrder.throw) throw new Error(`chunk ${number} is poison`);
      if (order === ToyOrder.exit) exit(3);
      while (order === ToyOrder.hang || order === ToyOrder.exit);
      if (order === ToyOrder.sleepMs) Atomics.wait(tally, Tally.bed, 0, argument);
      if (order === ToyOrder.say) host.say({ life: host.life, number });
      const last = tally[Tally.last];
      if (number === last) tally[Tally.again]++;
      else if (number !== last + 1) tally[Tally.outOfOrder]++;
      tally[Tally.last] = number;
      Atomics.add(tally, Tally.chunks, 1);
    },
    idle: () => void Atomics.add(tally, Tally.idle, 1),
    stopped: () => void Atomics.add(tally, Tally.stopped, 1),
  };
});
