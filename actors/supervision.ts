/**
 * What happens to an actor that failed, and how often: the directive, the tries of one message, the
 * back-off between restarts and the budget of restarts. The same rules hold for an actor in the
 * kernel and for one in a worker.
 */
import { integerFrom, timeFrom } from "./actor-error.ts";

/**
 * `restart`: a fresh instance after the back-off, its mailbox as it was. `stop`: the actor ends.
 * `escalate`: its parent fails in its place; without a parent it ends, and the host is told.
 */
export type Directive = "restart" | "stop" | "escalate";

export interface SupervisionOptions {
  /** Unless the parent's `supervise` says otherwise; `restart` if not given. */
  readonly directive?: Directive;
  /** How often one message is tried before it is poisoned; 1 if not given. */
  readonly tries?: number;
  /** How many restarts within `withinNs`; one more is `exhausted`. 5 in 60 s if not given. */
  readonly restarts?: number;
  readonly withinNs?: number;
  /** The pause before the first restart within `withinNs`, doubled for each further one; 100 ms. */
  readonly backoffNs?: number;
  /** The longest pause; 10 s. */
  readonly backoffLimitNs?: number;
  /** What follows when the budget is spent; `escalate` if not given. */
  readonly exhausted?: "stop" | "escalate";
}

export type Supervision = Required<SupervisionOptions>;

/** Fills in what is not given; throws ActorError `ACTOR_BAD_OPTION` for what makes no sense. */
export function supervision(options: SupervisionOptions = {}): Supervision {
  const backoffNs = timeFrom(0, options.backoffNs ?? 100e6, "backoffNs");
  return {
    directive: options.directive ?? "restart",
    tries: integerFrom(1, options.tries ?? 1, "tries"),
    restarts: integerFrom(0, options.restarts ?? 5, "restarts"),
    withinNs: timeFrom(1, options.withinNs ?? 60e9, "withinNs"),
    backoffNs,
    backoffLimitNs: timeFrom(backoffNs, options.backoffLimitNs ?? 10e9, "backoffLimitNs"),
    exhausted: options.exhausted ?? "escalate",
  };
}

/** Remembers the restarts of one actor within the window; at most `restarts` times are kept. */
export class RestartBudget {
  readonly #rules: Supervision;
  #timesNs: number[] = [];

  constructor(rules: Supervision) {
    this.#rules = rules;
  }

  /**
   * Spends one restart at `nowNs`.
   * @returns how long to wait before it, in nanoseconds; undefined when the budget is spent
   */
  spend(nowNs: number): number | undefined {
    const { restarts, withinNs, backoffNs, backoffLimitNs } = this.#rules;
    this.#timesNs = this.#timesNs.filter((atNs) => atNs > nowNs - withinNs);
    if (this.#timesNs.length >= restarts) return undefined;
    const pauseNs = Math.min(backoffLimitNs, backoffNs * 2 ** this.#timesNs.length);
    this.#timesNs.push(nowNs);
    return pauseNs;
  }
}
