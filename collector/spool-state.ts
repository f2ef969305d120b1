/** Edge: how full the spool of a collector is with what some sink still lacks. */
import type { Collector } from "./collector.ts";

/**
 * Share of the spool's limit that chunks take which the slowest sink lacks, 0 to 1. A spool at its
 * limit is ordinary, since it keeps what was sent long ago; one that is full of this is about to
 * lose something.
 */
export function unsentRatio({ spool, forwarders, boot }: Collector): number {
  if (spool === undefined) return 0;
  const oldest = spool.oldest(boot);
  const kept = oldest === 0 ? 0 : spool.newest(boot) - oldest + 1;
  if (kept === 0) return 0;
  const behind = Math.max(0, ...forwarders.map((forwarder) => forwarder.behind));
  return Math.min(1, behind / kept) * Math.min(1, spool.bytes / spool.bytesLimit);
}
