/**
 * The operator's `clear stream`, on its way through a collector: its chunk gives the clear one place
 * in the stream for every book service, archive and file that reads it.
 *
 * The collector that brought the stream's newest chunk is asked, again every `AGAIN_NS`, until the
 * chunk has come. Where there is none, or none answers within `PATIENCE_NS`, the clear is done here
 * alone, and whoever gave it is told so. At most `CLEARS_LIMIT` are on their way.
 */
import type { ClearRequest } from "../frames/transport.ts";

const AGAIN_NS = 1e9;
const PATIENCE_NS = 5e9;
const CLEARS_LIMIT = 64;

/** Who gave the clear its place. `collector` is empty where it was done here alone. */
export interface Cleared {
  readonly collector: string;
}

export interface ClearPorts {
  ask(collector: string, request: ClearRequest): void;
  /** Clears the stream in this service and nowhere else. */
  clearHere(feed: string, stream: number): void;
}

interface Order {
  readonly collector: string;
  readonly request: ClearRequest;
  readonly sinceNs: number;
  askedNs: number;
  readonly done: (cleared: Cleared) => void;
}

export class Clears {
  private orders: Order[] = [];
  private count = 0;
  private readonly ports: ClearPorts;

  constructor(ports: ClearPorts) {
    this.ports = ports;
  }

  /** @param collector who carries the stream; undefined: nobody who could be asked */
  give(feed: string, stream: number, collector: string | undefined, nowNs: number) {
    const { promise, resolve } = Promise.withResolvers<Cleared>();
    if (collector === undefined || this.orders.length >= CLEARS_LIMIT) {
      this.ports.clearHere(feed, stream);
      resolve({ collector: "" });
      return promise;
    }
    // The moment tells the orders of two services apart, which may have one name.
    const command = `${BigInt(Math.round(nowNs))}-${++this.count}`;
    const request: ClearRequest = { ask: "clear", feed, stream, command };
    const order = { collector, request, sinceNs: nowNs, askedNs: nowNs, done: resolve };
    this.orders.push(order);
    this.ports.ask(collector, request);
    return promise;
  }

  /** The chunk of a clear has come, this service's or another's. */
  came(collector: string, command: string | undefined): void {
    const order = this.orders.find(({ request }) => request.command === command);
    if (order === undefined) return;
    this.forget(order);
    order.done({ collector });
  }

  advance(nowNs: number): void {
    for (const order of [...this.orders]) {
      const { collector, request } = order;
      if (nowNs - order.sinceNs >= PATIENCE_NS) {
        this.forget(order);
        this.ports.clearHere(request.feed, request.stream);
        order.done({ collector: "" });
      } else if (nowNs - order.askedNs >= AGAIN_NS) {
        order.askedNs = nowNs;
        this.ports.ask(collector, request);
      }
    }
  }

  private forget(order: Order): void {
    this.orders = this.orders.filter((other) => other !== order);
  }
}
