/**
 * What can go wrong in the kernel itself, as a closed list. What an actor throws stays its own: it
 * goes to the supervisor as it is.
 */
export type ActorErrorCode =
  | "ACTOR_LIMIT" // more actors, children, asks or sends in one turn than the bound allows
  | "ACTOR_NAME_TAKEN" // a living sibling has this name
  | "ACTOR_BAD_OPTION" // a bound, a time or a policy that makes no sense
  | "ACTOR_OUTSIDE_TURN" // `self` was used after its turn was over
  | "ACTOR_BUSY" // the kernel was called from inside a turn or an effect
  | "ACTOR_STOPPING" // spawn by an actor whose children are already stopping
  | "ACTOR_KILLED" // killed from outside, as a fault
  | "ACTOR_ESCALATED" // a child's failure that became its parent's
  | "ACTOR_UNSETTLED" // a deterministic run did not come to rest in its turns
  | "ACTOR_TOO_LARGE" // a chunk that could never fit its ring
  | "ACTOR_WORKER_THREW" // the code in a worker threw
  | "ACTOR_WORKER_CLOSED" // a worker ended by itself
  | "ACTOR_WORKER_HUNG"; // a worker's heartbeat stood still

export class ActorError extends Error {
  override readonly name = "ActorError";
  readonly code: ActorErrorCode;

  constructor(code: ActorErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Takes `value` if it is an integer from `least` up; else says which option is wrong. */
export function integerFrom(least: number, value: number, option: string): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new ActorError(
    "ACTOR_BAD_OPTION",
    `${option} is an integer from ${least} up, not ${value}`,
  );
}

/** Takes a time in nanoseconds that is finite and at least `least`. */
export function timeFrom(least: number, valueNs: number, option: string): number {
  if (Number.isFinite(valueNs) && valueNs >= least) return valueNs;
  const wanted = `a time in nanoseconds from ${least} up`;
  throw new ActorError("ACTOR_BAD_OPTION", `${option} is ${wanted}, not ${valueNs}`);
}
