/**
 * Which instrument's quotes an event is joined with: its own, or those of another that the plan
 * names (an option's underlying future, a share on another exchange).
 */
import type { AsOfJoin } from "./asof-join.ts";

export interface Instrument {
  /** Feed id. */
  readonly feed: string;
  /** As the feed names it. */
  readonly token: string;
}

export interface AsOfPlan {
  /** The one whose quotes an event's instrument is joined with; undefined: its events are left out. */
  quoteOf(event: Instrument): Instrument | undefined;
  /** Quotes of the others are not kept. */
  isQuoted(instrument: Instrument): boolean;
}

/** The key of an instrument that is of no use to the join. */
export const NO_KEY = -1;

/** Keys of instruments by name, for the streams of one join. */
export class AsOfRoutes {
  private readonly join: AsOfJoin;
  private readonly plan: AsOfPlan;
  private readonly keys = new Map<string, number>();
  private readonly named = new Map<number, Instrument>();

  constructor(join: AsOfJoin, plan: AsOfPlan) {
    this.join = join;
    this.plan = plan;
  }

  /** Key of the instrument's own quotes, or `NO_KEY`; of two streams that quote a name the first. */
  ownKey(instrument: Instrument, stream: number): number {
    if (!this.plan.isQuoted(instrument)) return NO_KEY;
    const key = this.keyOf(instrument);
    return this.join.place(key, stream) ? key : NO_KEY;
  }

  /** Key of the quotes that the instrument's events are joined with, or `NO_KEY`. */
  eventKey(instrument: Instrument): number {
    const quoted = this.plan.quoteOf(instrument);
    return quoted === undefined ? NO_KEY : this.keyOf(quoted);
  }

  /** The instrument whose quotes the key has. */
  instrumentOf(key: number): Instrument | undefined {
    return this.named.get(key);
  }

  private keyOf(instrument: Instrument): number {
    const name = `${instrument.feed}/${instrument.token}`;
    const known = this.keys.get(name);
    if (known !== undefined) return known;
    const key = this.join.addKey();
    this.keys.set(name, key);
    this.named.set(key, instrument);
    return key;
  }
}
