/**
 * Keys of one stream's instruments by their index, learnt when they are first met: no name is looked
 * up on the hot path. An instrument whose name comes later is joined from then on, where names decide.
 */
import type { Instruments } from "../../feed/instruments.ts";
import type { AsOfJoin } from "./asof-join.ts";
import { type AsOfRoutes, NO_KEY } from "./routes.ts";

export class InstrumentKeys {
  private readonly join: AsOfJoin;
  private readonly routes: AsOfRoutes | null;
  private readonly feed: string;
  private readonly instruments: Instruments;
  private readonly stream: number;
  private readonly known: string[] = [];
  private readonly own: number[] = [];
  private readonly others: number[] = [];

  /** @param routes null: each instrument's events are joined with its own quotes */
  constructor(
    join: AsOfJoin,
    routes: AsOfRoutes | null,
    feed: string,
    instruments: Instruments,
    stream: number,
  ) {
    this.join = join;
    this.routes = routes;
    this.feed = feed;
    this.instruments = instruments;
    this.stream = stream;
  }

  /** Key that the instrument's quotes are kept under, or `NO_KEY`. */
  ofQuotes(instrument: number): number {
    this.learn(instrument);
    return this.own[instrument];
  }

  /** Key that the instrument's events are joined with, or `NO_KEY`. */
  ofEvents(instrument: number): number {
    this.learn(instrument);
    return this.others[instrument];
  }

  private learn(instrument: number): void {
    const name = this.instruments.names[instrument] ?? "";
    if (this.known[instrument] === name) return;
    const { routes, feed } = this;
    const isNew = this.known[instrument] === undefined;
    this.known[instrument] = name;
    if (routes === null) {
      if (isNew) this.own[instrument] = this.others[instrument] = this.join.addKey(this.stream);
    } else if (name === "") {
      this.own[instrument] = this.others[instrument] = NO_KEY;
    } else {
      const named = { feed, token: name };
      this.own[instrument] = routes.ownKey(named, this.stream);
      this.others[instrument] = routes.eventKey(named);
    }
  }
}
