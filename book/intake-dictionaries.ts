/**
 * The dictionaries that chunks of one boot wait for. Each is waited for once, so that one that never
 * comes holds its collector up for `holdNs` and not for `holdNs` with every chunk. Plain state: a
 * checkpoint takes it as it stands.
 */

/** By name: since when it is waited for; `IN_VAIN`: no longer. Who comes does not stand here. */
export type AwaitedDictionaries = Map<string, number>;

const IN_VAIN = Number.NEGATIVE_INFINITY;
/** A collector packs by one for each feed; names beyond these are waited for no more. */
const AWAITED_LIMIT = 32;

export type Wait = "waits" | "ends" | "in vain";

/** A chunk needs a dictionary that is not here; `ends`: from now on its chunks are lost. */
export function waitFor(
  awaited: AwaitedDictionaries,
  name: string,
  nowNs: number,
  holdNs: number,
): Wait {
  const sinceNs = awaited.get(name);
  if (sinceNs === undefined) {
    if (awaited.size >= AWAITED_LIMIT) return "in vain";
    awaited.set(name, nowNs);
    return "waits";
  }
  if (sinceNs === IN_VAIN) return "in vain";
  if (nowNs - sinceNs < holdNs) return "waits";
  awaited.set(name, IN_VAIN);
  return "ends";
}

/** Time that was nobody's delay but ours. What was given up stays so. */
export function forgive(awaited: AwaitedDictionaries, lateNs: number, nowNs: number): void {
  for (const [name, sinceNs] of awaited) awaited.set(name, Math.min(nowNs, sinceNs + lateNs));
}
