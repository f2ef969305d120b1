/**
 * Where checkpoints are kept, as a port: a directory (`folder.ts`), object storage (`s3-store.ts`).
 * Names are flat within one store; what has a name is whole, whoever dies while it is written.
 */
export interface StateStore {
  /** For people: a path, or `s3://bucket/prefix`. */
  readonly place: string;
  /** Names of all that is there, in no order. */
  list(): Promise<string[]>;
  /** @throws if nothing has the name, or the store cannot be reached */
  get(name: string): Promise<Uint8Array>;
  /** Whole or not at all; replaces what had the name. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Nothing happens where nothing has the name. */
  remove(name: string): Promise<void>;
}

/** So many are kept, so that a damaged one is not the last. */
export const CHECKPOINTS_KEPT = 2;
const NAME = /^(\d{12})\.ebcp$/;

export const checkpointName = (number: number) => `${String(number).padStart(12, "0")}.ebcp`;

/** Of the names, those of checkpoints, newest first. */
export function checkpointNumbers(names: readonly string[]): number[] {
  const digits = names.map((name) => NAME.exec(name)?.[1]);
  const numbers = digits.flatMap((text) => (text === undefined ? [] : [Number(text)]));
  return numbers.sort((a, b) => b - a);
}

/** What `from` has and `to` lacks, of the newest: for a life that begins on another machine. */
export async function fetchCheckpoints(from: StateStore, to: StateStore): Promise<number> {
  const there = new Set(await to.list());
  let fetched = 0;
  for (const number of checkpointNumbers(await from.list()).slice(0, CHECKPOINTS_KEPT)) {
    const name = checkpointName(number);
    if (there.has(name)) continue;
    await to.put(name, await from.get(name));
    fetched++;
  }
  return fetched;
}

/** A checkpoint that `from` has goes to `to`; older ones of it go. */
export async function copyCheckpoint(
  number: number,
  from: StateStore,
  to: StateStore,
): Promise<void> {
  const name = checkpointName(number);
  await to.put(name, await from.get(name));
  const old = checkpointNumbers(await to.list()).slice(CHECKPOINTS_KEPT);
  for (const each of old) await to.remove(checkpointName(each));
}
