/**
 * Edge: the end of a finite input. A broker that acknowledged a chunk has it, and drops it if nobody
 * listens; only a consumer's position says that the centre has it. So the end waits for one, answers
 * what is asked meanwhile, and sends the last chunk again and again for a centre that comes late.
 */
import type { Forwarder } from "./forwarder.ts";

const LOOK_MS = 20;
export const ANNOUNCE_MS = 1000;

/**
 * Resolves when some consumer has every chunk, when nothing has moved for `quietMs`, or on
 * `forwarder.release()`. Bounded by that time for each chunk, since each only comes once.
 */
export async function confirmed(forwarder: Forwarder, quietMs: number): Promise<void> {
  const { window } = forwarder;
  let best = Number.NEGATIVE_INFINITY;
  let movedMs = performance.now();
  let announcedMs = movedMs;
  while (forwarder.unconfirmed > 0 && !forwarder.isReleased) {
    const nowMs = performance.now();
    // First sendings and confirmations; what is sent again comes on only when it is confirmed.
    const progress = window.confirmed + forwarder.sent - window.resent;
    if (progress > best) {
      best = progress;
      movedMs = nowMs;
    }
    if (nowMs - movedMs >= quietMs) return;
    const quiet = nowMs - Math.max(movedMs, announcedMs) >= ANNOUNCE_MS;
    if (quiet && forwarder.behind === 0) {
      announcedMs = nowMs;
      forwarder.announce();
    }
    await Bun.sleep(LOOK_MS);
  }
}
