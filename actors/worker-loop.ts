/**
 * Edge: the worker's side of an actor in a worker. It takes chunks from the ring, one after the
 * other, and sleeps when there are none.
 *
 * The loop never goes back to the worker's event loop: a handler does its work at once (timers and
 * promises would not run). A chunk leaves the ring when its handler has returned, so one whose
 * handler threw, hung or killed the worker is still there for the next life.
 */
import { ByteRing } from "./byte-ring.ts";
import { WorkerControl, type WorkerStart, type WorkerWord } from "./worker-control.ts";

/** How long it sleeps at most, so that the heart beats and `idle` is called. */
const IDLE_MS = 50;

export interface ChunkHandler {
  /** @param chunk lies in shared memory and is valid until this returns */
  take(chunk: Uint8Array): void;
  /** About every 50 ms while nothing waits. */
  idle?(): void;
  /** The last call of a worker that was asked to end; not of one that failed. */
  stopped?(): void;
}

export interface WorkerSelf {
  /** From 1, one more with every restart. */
  readonly life: number;
  /** Tells the host something (structured clone). For little and rarely: it is not bounded. */
  say(message: unknown): void;
  /** Shows that a long `take` is alive; otherwise the heart beats once a chunk. */
  beat(): void;
}

/**
 * To be called once, at the top of a worker's module.
 * @param begin makes the handler of this life from what the host's `setup` gave
 */
export function serveChunks<S>(
  begin: (setup: S, self: WorkerSelf) => ChunkHandler | Promise<ChunkHandler>,
): void {
  self.onmessage = async ({ data: start }: MessageEvent<WorkerStart>) => {
    const control = new WorkerControl(start.control);
    const hand = {
      life: start.life,
      say: (message: unknown) => tell({ kind: "said", message }),
      beat: () => control.beat(),
    };
    try {
      const handler = await begin(start.setup as S, hand);
      if (takeAll(new ByteRing(start.ring), control, start.life, handler)) tell({ kind: "ended" });
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      tell({ kind: "threw", text });
    }
  };
}

/** @returns true if it ended as it was asked to; false if another life has taken over */
function takeAll(
  ring: ByteRing,
  control: WorkerControl,
  life: number,
  handler: ChunkHandler,
): boolean {
  while (control.life === life) {
    control.beat();
    const chunk = control.wanted === "now" ? undefined : ring.peek();
    if (chunk !== undefined) {
      control.hold(ring.readAt);
      handler.take(chunk);
      if (control.life !== life) return false;
      ring.release();
    } else if (control.wanted !== undefined) {
      handler.stopped?.();
      return true;
    } else if (!ring.waitForChunk(IDLE_MS)) {
      handler.idle?.();
    }
  }
  return false;
}

function tell(word: WorkerWord): void {
  self.postMessage(word);
}
