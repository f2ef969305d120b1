/**
 * Edge: the demo's exchange on the wire: the simulated market of `sim serve` with a script of its own.
 *
 * Both lines lose datagrams by chance, and now and then the same one: tick recovery brings those back
 * at once. Two scenes come again every `SCENE_EVERY_NS`. In the first, both lines of stream 1 are
 * silent and tick recovery fails for a moment: the stream is held, then whole. In the second nobody
 * can mend the last stream for longer than its window holds messages: its books are doubtful, until
 * a snapshot heals them.
 */
import { contractFiles } from "../sim/exchange/instruments.ts";
import { exchangeSeconds, unixSeconds } from "../sim/exchange/options.ts";
import { NO_FAULTS } from "../sim/market.ts";
import { NO_SCHEDULE, type Schedule } from "../sim/schedule.ts";
import { MarketWire } from "../sim/serve-wire.ts";

export interface DemoMarketOptions {
  readonly seed: number;
  readonly streams: number;
  readonly instruments: number;
  readonly messagesPerSecond: number;
  readonly networkInterface: string;
}

const LOSS_RATE = 0.01;
const HELD_SCENE_NS = 8e9;
const LOST_SCENE_NS = 18e9;
const SCENE_EVERY_NS = 120e9;
const SCENES = 60;
const SILENCE_NS = 20e6;
/** Long enough to be seen, shorter than the collector goes on asking. */
const BRIEF_ERROR_NS = 1.5e9;
/** Longer than the collector asks for messages, and longer than the window lasts. */
const LONG_ERROR_NS = 12e9;
const WINDOW_SECONDS = 8;
const SNAPSHOT_PERIOD_NS = 1e9;
const ORDERS_PER_STREAM = 1500;
/** Far more than recovery is ever asked for. */
const KEPT_MESSAGES = 200_000;
/** What starting the collector takes; exchange times are the present from the first message on. */
const LEAD_MS = 500;
const LINE_NAMES = "AB";

export class DemoMarket {
  private readonly wire: MarketWire;
  private readonly options: DemoMarketOptions;
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();

  /** @throws SocketError no such interface, or no way to send */
  constructor(options: DemoMarketOptions) {
    this.options = options;
    const { seed, streams, instruments, messagesPerSecond, networkInterface } = options;
    const startSec = exchangeSeconds(Math.ceil((Date.now() + LEAD_MS) / 1000));
    this.wire = new MarketWire({
      market: {
        seed,
        exchange: {
          segment: "nse-fo",
          ...{ seed, streams, instruments, messagesPerSecond, startSec },
          ordersPerStream: ORDERS_PER_STREAM,
          keepMessages: KEPT_MESSAGES,
        },
        faults: { ...NO_FAULTS, all: { lossRate: LOSS_RATE } },
        schedule: demoSchedule(streams),
        snapshots: { periodNs: SNAPSHOT_PERIOD_NS },
        // Of this process, so that two demos on one host do not meet.
        port: 20_000 + (process.pid % 20_000),
      },
      ports: { recovery: 0, snapshot: 0, requests: 0 },
      networkInterface,
    });
  }

  /** Opens the recovery and snapshot servers. */
  listen(): Promise<void> {
    return this.wire.listen();
  }

  /** Contract and spread file of what it lists, as the exchange would publish them. */
  masters(): string[] {
    const { contracts, spreads } = contractFiles(this.wire.market.exchange.instruments, 0);
    return [contracts, spreads];
  }

  /** Where it is to be found, as flags of `collect`; after `listen`. */
  collectFlags(): string[] {
    const joins = this.wire.market.channels.list.flatMap(({ group, port, stream, line }) => [
      "--join",
      `${group}:${port}=${stream}/${LINE_NAMES[line]}`,
    ]);
    const servers = this.wire.servers.flatMap(({ kind, port }) => [
      `--${kind}`,
      `127.0.0.1:${port}`,
    ]);
    const { networkInterface } = this.options;
    return ["--feed", "nse-fo", "--interface", networkInterface, ...joins, ...servers];
  }

  /** What a stream of the book service may hold back: the second scene lasts longer. */
  get windowMessages(): number {
    const { messagesPerSecond, streams } = this.options;
    return Math.max(1000, Math.ceil((messagesPerSecond / streams) * WINDOW_SECONDS));
  }

  /** Datagrams that the lines lost on purpose. */
  get dropped(): number {
    const { scheduled, faults } = this.wire.market;
    return (scheduled.log.counts.get("outage") ?? 0) + (faults.log.counts.get("drop") ?? 0);
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
    await this.wire.close();
  }

  private async run(): Promise<void> {
    const { startSec } = this.wire.market.exchange.options;
    const leadMs = unixSeconds(startSec) * 1000 - Date.now();
    if (leadMs > 0) await Bun.sleep(leadMs);
    await this.wire.run(Number.POSITIVE_INFINITY, this.ending.signal);
  }
}

/** The two scenes, again and again for the first two hours. */
export function demoSchedule(streams: number): Schedule {
  const scenes = Array.from({ length: SCENES }, (_, at) => at * SCENE_EVERY_NS);
  const during = (stream: number, fromNs: number, lengthNs: number) => {
    return { stream, fromNs, untilNs: fromNs + lengthNs };
  };
  const lines = [0, 1];
  return {
    ...NO_SCHEDULE,
    outages: scenes.flatMap((atNs) => [
      { lines, ...during(1, atNs + HELD_SCENE_NS, SILENCE_NS) },
      { lines, ...during(streams, atNs + LOST_SCENE_NS, SILENCE_NS) },
    ]),
    recovery: scenes.flatMap((atNs) => [
      { fault: "error", ...during(1, atNs + HELD_SCENE_NS, BRIEF_ERROR_NS) } as const,
      { fault: "error", ...during(streams, atNs + LOST_SCENE_NS, LONG_ERROR_NS) } as const,
    ]),
    snapshots: scenes.map((atNs) => {
      return { fault: "error", ...during(streams, atNs + LOST_SCENE_NS, LONG_ERROR_NS) } as const;
    }),
  };
}
