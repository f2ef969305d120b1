/**
 * Edge: waits for a fact. A time that was chosen instead is a bet on the machine: a slow one is not
 * there yet, and a fast one is past it.
 */

const LOOK_MS = 20;
/** What has not happened by then does not happen, however busy the machine is. */
const WITHIN_MS = 60_000;

type Found<T> = T | false | undefined;

/**
 * @param look asked again and again, until it gives something else than false or undefined
 * @param what the error says was waited for
 * @returns what it gave
 */
export async function until<T>(
  look: () => Found<T> | Promise<Found<T>>,
  what: string | (() => string) = String(look),
  withinMs = WITHIN_MS,
): Promise<T> {
  for (const end = performance.now() + withinMs; ; await Bun.sleep(LOOK_MS)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) {
      throw new Error(`waited in vain for ${typeof what === "string" ? what : what()}`);
    }
  }
}
