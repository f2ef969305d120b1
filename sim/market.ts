/**
 * A whole simulated market, as a core: the exchange, its two lines, what goes wrong on them, and its
 * servers. `sim serve` puts it on the wire, `--write-pcap` into a file, and `sim expect` judges by
 * the same exchange.
 *
 *   exchange ─► lines ─► the schedule's faults ─► faults by rate ─► sink.frame(channel, …)
 */
import { type FrameFaultOptions, FrameFaults, type FrameSink } from "../faults/frames.ts";
import type { LineFaults } from "../faults/line-faults.ts";
import type { NumberLayout } from "../faults/numbers.ts";
import { NSE_NUMBERS } from "../faults/numbers.ts";
import type { FaultLog } from "../faults/record.ts";
import { RecoveryFaultDraw, type RecoveryFaults } from "../faults/recovery.ts";
import { SnapshotFaultDraw, type SnapshotFaults } from "../faults/snapshots.ts";
import { Channels } from "../frames/channels.ts";
import { Exchange } from "./exchange/exchange.ts";
import { type LineSink, Lines } from "./exchange/lines.ts";
import { MoldLines } from "./exchange/mold-lines.ts";
import type { ExchangeOptions } from "./exchange/options.ts";
import { NO_SCHEDULE, type Schedule } from "./schedule.ts";
import { MoldNumbersIn, NseNumbersIn, ScheduledLines } from "./schedule-lines.ts";
import type { ServerLimits } from "./servers/limits.ts";
import {
  type DatagramSink,
  type MoldRequestOptions,
  MoldRequests,
} from "./servers/mold-requests.ts";
import { OneRequestServer, type ServerSink } from "./servers/one-request.ts";
import { type SnapshotOptions, Snapshots } from "./servers/snapshots.ts";
import { TickRecovery, type TickRecoveryOptions } from "./servers/tick-recovery.ts";

export interface MarketFaults {
  /** Of every line, and of A and B alone. */
  readonly all: Partial<LineFaults>;
  readonly lines: readonly (Partial<LineFaults> | undefined)[];
  readonly recovery: Partial<RecoveryFaults>;
  readonly snapshots: Partial<SnapshotFaults>;
}

export const NO_FAULTS: MarketFaults = { all: {}, lines: [], recovery: {}, snapshots: {} };

export interface MarketOptions {
  readonly exchange: Partial<ExchangeOptions>;
  /** How far each line is behind the exchange, A then B. */
  readonly delayNs: readonly number[];
  readonly faults: MarketFaults;
  readonly schedule: Schedule;
  /** Of the faults; the exchange has its own. */
  readonly seed: number;
  /** Port of every group; line A of stream 3 is 239.255.70.3, line B 239.255.71.3. */
  readonly port: number;
  readonly limits: Partial<ServerLimits>;
  readonly recovery: Partial<TickRecoveryOptions>;
  readonly snapshots: Partial<SnapshotOptions>;
  readonly requests: Partial<MoldRequestOptions>;
}

export const MARKET_DEFAULTS: MarketOptions = {
  exchange: {},
  delayNs: [0, 150_000],
  faults: NO_FAULTS,
  schedule: NO_SCHEDULE,
  seed: 1,
  port: 17_741,
  limits: {},
  recovery: {},
  snapshots: {},
  requests: {},
};

/** Two letters of the session stand for the stream, the number's lower half for the number. */
const MOLD_NUMBERS: NumberLayout = {
  streamOffset: 3,
  sequenceOffset: 14,
  littleEndian: false,
  messageFrom: 20,
};
const LINES = 2;

export class Market implements LineSink {
  readonly options: MarketOptions;
  readonly exchange: Exchange;
  /** Two for each stream: A, then B. */
  readonly channels = new Channels();
  /** What the schedule and the rates have done. */
  readonly scheduled: ScheduledLines;
  readonly faults: FrameFaults;
  private readonly lines: Lines | MoldLines;
  private readonly isMold: boolean;
  private readonly streamIndex = new Map<number, number>();
  private readonly recoveryFaults: RecoveryFaultDraw;
  private readonly snapshotFaults: SnapshotFaultDraw;

  constructor(given: Partial<MarketOptions>, sink: FrameSink) {
    const options = { ...MARKET_DEFAULTS, ...given };
    this.options = options;
    this.exchange = new Exchange(scheduledExchange(options.exchange, options.schedule));
    const { segment } = this.exchange.options;
    this.isMold = segment === "nasdaq-itch50";
    for (const [index, { id }] of this.exchange.streams.entries()) {
      this.streamIndex.set(id, index);
      for (let line = 0; line < LINES; line++) {
        const group = `239.255.${70 + line}.${id}`;
        this.channels.add({ group, port: options.port, feed: segment, stream: id, line });
      }
    }
    const { exchange, isMold } = this;
    this.lines = isMold
      ? new MoldLines(exchange, options.delayNs)
      : new Lines(exchange, options.delayNs);
    this.faults = new FrameFaults(faultsOf(options, isMold), options.seed, sink);
    const numbers = isMold ? new MoldNumbersIn() : new NseNumbersIn();
    this.scheduled = new ScheduledLines(options.schedule, numbers, this);
    const { recovery, snapshots } = options.faults;
    const { schedule, seed } = options;
    this.recoveryFaults = new RecoveryFaultDraw(
      { ...recovery, scheduled: schedule.recovery },
      seed,
    );
    this.snapshotFaults = new SnapshotFaultDraw(
      { ...snapshots, scheduled: schedule.snapshots },
      seed,
    );
  }

  /** What went wrong on the lines and at the servers, in that order. */
  get logs(): FaultLog[] {
    return [this.scheduled.log, this.faults.log, this.recoveryFaults.log, this.snapshotFaults.log];
  }

  /** Lets the market go on up to `untilNs` since its start, and sends what arrives by then. */
  step(untilNs: number): void {
    this.lines.step(untilNs, this.scheduled);
    this.scheduled.drain(untilNs);
    this.faults.drain(untilNs);
  }

  /** Nothing more is sent: what is still on its way arrives. */
  finish(): void {
    this.scheduled.drain(Number.POSITIVE_INFINITY);
    this.faults.finish();
  }

  /** From the schedule's faults to those by rate. */
  datagram(
    line: number,
    stream: number,
    sendNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const channel = this.streamIndex.get(stream)! * LINES + line;
    this.faults.push(channel, sendNs, bytes, offset, length);
  }

  /** NSE's tick recovery. */
  recoveryServer(sink: ServerSink): OneRequestServer {
    const { recovery, limits } = this.options;
    const messagesPerRequest = limits.messagesPerRequest;
    const options =
      messagesPerRequest === undefined ? recovery : { messagesPerRequest, ...recovery };
    const answering = new TickRecovery(this.exchange, options, this.recoveryFaults);
    return new OneRequestServer(answering, sink, limits);
  }

  /** NSE's snapshots. */
  snapshotServer(sink: ServerSink): OneRequestServer {
    const { snapshots, limits } = this.options;
    const answering = new Snapshots(this.exchange, snapshots, this.snapshotFaults);
    return new OneRequestServer(answering, sink, limits);
  }

  /** MoldUDP64's requests, of all streams. */
  requestServer(sink: DatagramSink): MoldRequests {
    return new MoldRequests(this.exchange, sink, this.options.requests, this.recoveryFaults);
  }
}

/** The exchange with what a schedule does to it itself: restarts, and the end of trading. */
export function scheduledExchange(
  exchange: Partial<ExchangeOptions>,
  schedule: Schedule,
): Partial<ExchangeOptions> {
  const restartAtNs = [...(exchange.restartAtNs ?? []), ...schedule.restartAtNs];
  const endNs = Math.min(exchange.endNs ?? Number.POSITIVE_INFINITY, schedule.endNs);
  return { ...exchange, restartAtNs: restartAtNs.sort((a, b) => a - b), endNs };
}

function faultsOf({ faults }: MarketOptions, isMold: boolean): Partial<FrameFaultOptions> {
  const numbers = isMold ? MOLD_NUMBERS : NSE_NUMBERS;
  const { all, lines } = faults;
  return { all, lines, lineOf: (channel) => channel % LINES, numbers };
}
