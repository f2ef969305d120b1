/**
 * The simulated exchange: a deterministic core on virtual time.
 *
 * `step(untilNs)` lets the market go on; what it sends stands in each stream's `log`, and goes out
 * on two lines by `lines.ts`. `book(name)` is the truth that every rebuilt book is held against.
 * Assumes that time only moves on. Worst case: about 90 bytes of log for each kept message, and
 * 60 bytes for each live order.
 */
import { Random } from "../../faults/random.ts";
import type { BookImage } from "../book-image.ts";
import type { FeedEncoder } from "./encoder.ts";
import { generateContracts, type Instrument, instrumentsFromContracts } from "./instruments.ts";
import { ItchEncoder } from "./itch-encoder.ts";
import { NseEncoder } from "./nse-encoder.ts";
import {
  ExchangeOptionError,
  type ExchangeOptions,
  exchangeOptions,
  unixSeconds,
} from "./options.ts";
import { Sent } from "./publisher.ts";
import { StreamEngine } from "./stream-engine.ts";
import { Tempo } from "./tempo.ts";

export class Exchange {
  readonly options: ExchangeOptions;
  readonly encoder: FeedEncoder;
  readonly instruments: readonly Instrument[];
  /** By rising stream id. */
  readonly streams: readonly StreamEngine[];
  /** Nanoseconds since the exchange's start. */
  nowNs = 0;

  private readonly places = new Map<string, { stream: StreamEngine; index: number }>();

  /** @param encoder the feed's wire format; the segment's own unless another is given */
  constructor(given: Partial<ExchangeOptions> = {}, encoder?: FeedEncoder) {
    const options = exchangeOptions(given);
    this.options = options;
    const { segment, seed } = options;
    const contracts =
      options.contracts.length > 0
        ? options.contracts
        : generateContracts(segment, options.instruments, options.streams);
    this.instruments = instrumentsFromContracts(segment, contracts, seed);
    this.encoder = encoder ?? encoderOf(options);
    this.streams = this.openStreams(this.encoder);
    for (const stream of this.streams) {
      for (const [index, on] of stream.instruments.entries()) {
        this.places.set(on.name, { stream, index });
      }
    }
  }

  /** Lets the market go on up to `untilNs` since the start. */
  step(untilNs: number): void {
    if (untilNs <= this.nowNs) return;
    for (const stream of this.streams) stream.step(untilNs);
    this.nowNs = untilNs;
  }

  stream(id: number): StreamEngine | undefined {
    return this.streams.find((stream) => stream.id === id);
  }

  /** The true book of an instrument: by token, of a spread `S45585`; undefined if not listed. */
  book(token: string | number): BookImage | undefined {
    const place = this.places.get(`${token}`);
    return place?.stream.book(place.index);
  }

  /** Numbered messages sent, of all streams. */
  get messages(): number {
    let sum = 0;
    for (const { publisher } of this.streams) {
      for (let kind = 0; kind < Sent.Heartbeat; kind++) sum += publisher.sent[kind]!;
    }
    return sum;
  }

  private openStreams(encoder: FeedEncoder): StreamEngine[] {
    const { options } = this;
    const ids = new Set(this.instruments.map((on) => on.stream));
    if (options.contracts.length === 0) {
      for (let id = 1; id <= options.streams; id++) ids.add(id);
    }
    const sorted = [...ids].sort((a, b) => a - b);
    const outside = sorted.find((id) => !(id >= 1 && id <= 79));
    if (outside !== undefined) {
      throw new ExchangeOptionError(`a contract is on stream ${outside}: streams are 1 to 79`);
    }
    const meanGapNs = (sorted.length * 1e9) / options.messagesPerSecond;
    const random = new Random(options.seed, 2);
    return sorted.map((id, at) => {
      const listed = this.instruments.filter((on) => on.stream === id);
      const tempo = new Tempo(random.fork(0), options.isEven);
      const first = this.firstSequence(at);
      const own = random.fork(id);
      return new StreamEngine(id, listed, options, encoder, tempo, first, meanGapNs, own);
    });
  }

  private firstSequence(at: number): number {
    const { firstSequence } = this.options;
    const first = typeof firstSequence === "number" ? firstSequence : (firstSequence[at] ?? 1);
    if (!Number.isSafeInteger(first) || first < 1) {
      throw new ExchangeOptionError(`firstSequence is ${first}, and must be an integer from 1`);
    }
    return first;
  }
}

function encoderOf({ segment, startSec, midnightSec }: ExchangeOptions): FeedEncoder {
  if (segment !== "nasdaq-itch50") return new NseEncoder(startSec);
  return new ItchEncoder((unixSeconds(startSec) - midnightSec) * 1e9);
}
