/**
 * Edge: the demo's exchange on the wire: a simulated NSE segment in real time, its two lines sent to
 * multicast groups of their own, some datagrams lost on the way.
 *
 * The lines lose in turns (A in even seconds, B in odd ones), so that the other line always has what
 * is missing, but for one scripted moment on the last stream, after which its books are doubtful:
 * the demo shows both.
 */
import { FrameFaults } from "../faults/frames.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { findInterface, type MulticastSender, openSender } from "../frames/multicast.ts";
import { Exchange } from "../sim/exchange/exchange.ts";
import { contractFiles } from "../sim/exchange/instruments.ts";
import { type LineSink, Lines } from "../sim/exchange/lines.ts";
import { exchangeSeconds } from "../sim/exchange/options.ts";

export interface DemoExchangeOptions {
  readonly seed: number;
  readonly streams: number;
  readonly instruments: number;
  readonly messagesPerSecond: number;
  /** Part of the datagrams that a line loses while it is its turn. */
  readonly lossRate: number;
  /** When the last stream loses messages on both lines, ns after the start; infinite: never. */
  readonly doubleLossNs: number;
  readonly networkInterface: string;
}

export interface DemoGroup {
  readonly group: string;
  readonly port: number;
  readonly stream: number;
  /** 0 is A. */
  readonly line: number;
}

const TICK_MS = 2;
const DOUBLE_LOSS_NS = 20e6;
const SECOND_NS = 1e9;
/** Virtual time of one step: what it sends fits in a batch, also behind after a pause. */
const STEP_NS = 5e6;
const BATCH_FRAMES = 16_384;
const BATCH_BYTES = 1 << 20;

export class DemoExchange implements LineSink {
  readonly groups: readonly DemoGroup[];
  /** Datagrams sent, and those that the lines lost on purpose. */
  sent = 0;
  dropped = 0;
  private readonly exchange: Exchange;
  private readonly lines: Lines;
  private readonly sender: MulticastSender;
  private readonly faults: FrameFaults;
  private readonly options: DemoExchangeOptions;
  private readonly startUnixSec: number;
  private readonly batch = new FrameBatch(BATCH_FRAMES);
  private readonly bytes = new Uint8Array(BATCH_BYTES);
  private used = 0;
  private stopped = false;
  private running: Promise<void> = Promise.resolve();

  /** @throws SocketError no such interface, or no way to send */
  constructor(options: DemoExchangeOptions) {
    this.options = options;
    const { seed, streams, instruments, messagesPerSecond } = options;
    this.startUnixSec = Math.floor(Date.now() / 1000);
    const startSec = exchangeSeconds(this.startUnixSec);
    this.exchange = new Exchange({
      segment: "nse-fo",
      ...{ seed, streams, instruments, messagesPerSecond, startSec },
      ordersPerStream: 1500,
      keepMessages: 10_000,
    });
    this.lines = new Lines(this.exchange);
    this.groups = groupsOf(streams);
    this.sender = openSender({ networkInterface: findInterface(options.networkInterface), ttl: 0 });
    for (const [channel, { group, port }] of this.groups.entries()) {
      this.sender.route(channel, group, port);
    }
    this.faults = new FrameFaults(
      { all: { lossRate: options.lossRate }, lineOf: (channel) => channel % 2 },
      seed,
      { frame: (channel, _, bytes, offset, length) => this.put(channel, bytes, offset, length) },
    );
    this.batch.reset(this.bytes);
  }

  /** Contract and spread file of what it lists, as the exchange would publish them. */
  masters(): string[] {
    const { contracts, spreads } = contractFiles(this.exchange.instruments, 0);
    return [contracts, spreads];
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
    this.sender.close();
  }

  datagram(
    line: number,
    stream: number,
    sendNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const channel = (stream - 1) * 2 + line;
    const { doubleLossNs } = this.options;
    const isLastStream = stream === this.options.streams;
    const before = this.sent;
    const isDoubleLoss = sendNs >= doubleLossNs && sendNs < doubleLossNs + DOUBLE_LOSS_NS;
    const turn = Math.floor(sendNs / SECOND_NS) % 2;
    if (isLastStream && isDoubleLoss) this.dropped++;
    else if (turn !== line) this.put(channel, bytes, offset, length);
    else {
      this.faults.push(channel, sendNs, bytes, offset, length);
      if (this.sent === before) this.dropped++;
    }
  }

  /**
   * Keeps virtual time at the clock's, so that exchange times are the present; what the collector's
   * start took is caught up with at once. One batch is on its way at a time.
   */
  private async run(): Promise<void> {
    while (!this.stopped) {
      const nowNs = (Date.now() - this.startUnixSec * 1000) * 1e6;
      while (this.exchange.nowNs < nowNs && !this.stopped) {
        this.lines.step(Math.min(this.exchange.nowNs + STEP_NS, nowNs), this);
        await this.sender.send(this.batch, 0, this.batch.count);
        this.batch.reset(this.bytes);
        this.used = 0;
      }
      await Bun.sleep(TICK_MS);
    }
  }

  private put(channel: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.batch.count === BATCH_FRAMES || this.used + length > BATCH_BYTES) {
      this.dropped++;
      return;
    }
    this.bytes.set(bytes.subarray(offset, offset + length), this.used);
    this.batch.add(this.used, length, 0, 0, channel);
    this.used += length;
    this.sent++;
  }
}

/** Two groups a stream; ports of this process, so that two demos on one host do not meet. */
function groupsOf(streams: number): DemoGroup[] {
  const port = 20_000 + (process.pid % 20_000);
  const groups: DemoGroup[] = [];
  for (let stream = 1; stream <= streams; stream++) {
    for (let line = 0; line < 2; line++) {
      groups.push({ group: `239.255.${70 + line}.${stream}`, port, stream, line });
    }
  }
  return groups;
}
