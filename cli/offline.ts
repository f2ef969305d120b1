/**
 * Edge: reads captures, chunks or an exchange's own file from their first byte to their last, and
 * hands everything to a consumer: `rebuild` makes books of it, `decode` rows. Finds out the feed and
 * the trading day on the way, and keeps account of what was damaged.
 */
import { readFileSync } from "node:fs";
import type { EventTime, Feed } from "../feed/feed.ts";
import { FEED_IDS } from "../feed/registry.ts";
import { notACapture } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { parseChannelFile } from "../frames/channel-file.ts";
import { Channels } from "../frames/channels.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { type Input, openInput } from "../frames/input.ts";
import { CliError } from "./errors.ts";
import { feedNeeded, guessFeed, guessFileFeed, namedFeed } from "./feed-choice.ts";
import type { FlagValues } from "./flag-values.ts";
import { frameBatches, mergedSources, type SourceBatch } from "./frame-source.ts";
import { filesBelow } from "./input-files.ts";
import { printErr } from "./output.ts";
import { OwnFileReader } from "./own-file.ts";
import { Progress } from "./progress.ts";
import {
  type Day,
  dayInNewYork,
  dayOfFileName,
  midnightInNewYork,
  parseDay,
} from "./trading-day.ts";

/** What is known when the first bytes have been looked at. */
export interface Opened {
  readonly feed: Feed;
  readonly channels: Channels;
  /** False for the exchange's own file. */
  readonly captured: boolean;
  /** Midnight at the exchange, seconds since 1970 UTC; NaN where nobody knows, or has use for it. */
  readonly midnightSec: number;
}

export interface Consumer {
  /** Whether it has use for the trading day: it is not told otherwise, nor is one missed. */
  readonly usesDay: boolean;
  open(opened: Opened): void | Promise<void>;
  frames(batch: FrameBatch): void;
  /** A chunk was read whose frames follow; told before them, perhaps long before. */
  heard?(header: ChunkHeader): void;
  /** Frames of a chunk that was obtained by request; else they come as frames, snapshots never. */
  requested?(header: ChunkHeader, frames: FrameBatch): void;
  /** As `Feed.file.split`: where the next call starts, or -1 - at of a damaged prefix. */
  fileBytes(bytes: Uint8Array, from: number, to: number): number;
  /** Between two batches: what it has to wait for before it takes the next. */
  settle?(): Promise<void>;
  /** The input is over; nothing follows. */
  finish(): void;
}

/** What the reading itself found, beside what the consumer made of it. */
export interface ReadingReport {
  /** Of captures; one for each file. */
  readonly counters: readonly CaptureCounters[];
  /** What was damaged or incomplete, for people; exit code 3 unless it is empty. */
  readonly complaints: string[];
  /** Bytes of the exchange's own file. */
  readonly fileBytes: number;
  /** Some of it were chunks, which need not hold every copy of a message. */
  readonly chunks: boolean;
}

/** Reads all of `paths`, of directories the chunk files. The flags are those of `CAPTURE_FLAGS`, and `--verify-checksums`. */
export async function readOffline(
  paths: readonly string[],
  flags: FlagValues,
  signal: AbortSignal,
  consumer: Consumer,
): Promise<ReadingReport> {
  const reading = new Reading(paths, flags, signal, consumer);
  try {
    return await Promise.race([reading.run(), interruption(signal)]);
  } finally {
    reading.close();
  }
}

/** Rejects on an interrupt: a pipe that says nothing would otherwise hold it up for ever. */
function interruption(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const interrupted = () => reject(new CliError("interrupted", "interrupted"));
    signal.addEventListener("abort", interrupted, { once: true });
  });
}

export function loadChannels(path: string | undefined): Channels {
  const channels = new Channels();
  if (path === undefined) return channels;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const why = (cause as Error).message;
    const message = `The channel table '${path}' cannot be read: ${why}`;
    throw new CliError("bad_channel_file", message, "Check the path of --channels.", cause);
  }
  for (const channel of parseChannelFile(text, { path, feeds: FEED_IDS })) channels.add(channel);
  return channels;
}

class Reading {
  private readonly paths: readonly string[];
  private readonly flags: FlagValues;
  private readonly signal: AbortSignal;
  private readonly consumer: Consumer;
  private readonly channels: Channels;
  /** Channels of the table; those behind them were found in the capture. */
  private readonly listed: number;
  private readonly inputs: Input[] = [];
  private readonly counters: CaptureCounters[] = [];
  private readonly complaints: string[] = [];
  private readonly progress = new Progress();
  private feed: Feed | undefined;
  private unlisted = 0;
  /** Chunks that the consumer has not been told of. */
  private unheard: ChunkHeader[] = [];

  constructor(
    paths: readonly string[],
    flags: FlagValues,
    signal: AbortSignal,
    consumer: Consumer,
  ) {
    this.paths = paths.flatMap(filesBelow);
    this.flags = flags;
    this.signal = signal;
    this.consumer = consumer;
    this.channels = loadChannels(flags.text("channels"));
    this.listed = this.channels.list.length;
  }

  async run(): Promise<ReadingReport> {
    const { flags } = this;
    // What was asked wrongly is told before what is not there.
    this.feed = namedFeed(flags.text("feed"), this.channels, flags.text("spec"));
    if (this.feed) checkSequenceFields(this.feed, this.channels);
    for (const path of this.paths) this.inputs.push(await openInput(path));
    const own = this.inputs.filter((input) => input.kind === "other");
    const fileBytes = own.length > 0 ? await this.readOwnFile(own[0]) : 0;
    if (own.length === 0) await this.readCaptures();
    this.consumer.finish();
    this.progress.clear();
    const chunks = this.inputs.some((input) => input.kind === "chunks");
    return { counters: this.counters, complaints: this.complaints, fileBytes, chunks };
  }

  close(): void {
    this.progress.clear();
    for (const input of this.inputs) input.close();
  }

  private async readOwnFile(input: Input): Promise<number> {
    const feed = this.feed?.file?.sniff(input.head) ? this.feed : guessFileFeed(input.head);
    if (!feed || (this.feed && this.feed !== feed)) throw notACapture(input);
    if (this.inputs.length > 1) {
      const message = `'${input.path}' is an exchange's own file, which stands alone.`;
      throw new CliError("bad_argument", message, "Give the files one by one.");
    }
    const day = this.day(() => undefined);
    await this.consumer.open(this.opened(feed, false, day));
    const reader = new OwnFileReader(feed, this.consumer);
    for await (const block of input.blocks()) {
      this.turn();
      if (!reader.push(block)) break;
      await this.consumer.settle?.();
    }
    const damage = reader.end();
    if (damage !== "") this.complaints.push(`${input.path}: ${damage}`);
    if (input.damage) this.complaints.push(`${input.path}: ${input.damage.reason}`);
    return reader.bytes;
  }

  private async readCaptures(): Promise<void> {
    const verify = this.flags.on("verify-checksums");
    const sources = this.inputs.map((input) => {
      const counters = new CaptureCounters();
      this.counters.push(counters);
      const onChunk = (header: ChunkHeader) => void this.unheard.push(header);
      return frameBatches(input, this.channels, counters, verify, onChunk);
    });
    let begun = false;
    for await (const batch of mergedSources(sources)) {
      this.turn();
      if (!begun) await this.begin(batch.frames);
      begun = true;
      this.hand(batch);
      if (this.consumer.settle) await this.consumer.settle();
    }
    for (let i = 0; i < this.inputs.length; i++) this.complainOf(this.inputs[i], this.counters[i]);
    if (!begun) await this.begin(undefined);
    if (this.unlisted > 0) {
      const what = `${this.unlisted} datagrams of groups that the channel table does not list`;
      printErr(`edgebook: ${what}, or gives to another feed, were left out\n`);
    }
  }

  private hand({ frames, requested }: SourceBatch): void {
    const { consumer } = this;
    for (const header of this.unheard) consumer.heard?.(header);
    this.unheard.length = 0;
    // All frames of an answer are labelled with one channel, so they are kept or left out together.
    const hadFrames = frames.count > 0;
    if (this.listed > 0) this.keepListed(frames);
    if (hadFrames && frames.count === 0) return;
    if (requested === undefined) consumer.frames(frames);
    else if (consumer.requested) consumer.requested(requested, frames);
    else if (requested.kind === "recovered") consumer.frames(frames);
  }

  /** The first frames, or none at all, decide what nobody has said. */
  private async begin(first: FrameBatch | undefined): Promise<void> {
    // Chunks name their feed; it stands in the channels that they brought.
    this.feed ??= namedFeed(undefined, this.channels, this.flags.text("spec"));
    this.feed ??= first && guessFeed(first);
    if (!this.feed) {
      if (this.complaints.length > 0) throw new CliError("damaged_input", this.complaints[0]);
      throw feedNeeded(first !== undefined);
    }
    checkSequenceFields(this.feed, this.channels);
    const sec = first?.sec[0] ?? 0;
    // A capture whose first time is in 1970 has no clock worth a date.
    const day = this.day(() => (sec > 366 * 86_400 ? dayInNewYork(sec) : undefined));
    await this.consumer.open(this.opened(this.feed, true, day));
  }

  private opened(feed: Feed, captured: boolean, day: Day | undefined): Opened {
    const { usesDay } = this.consumer;
    const midnightSec = day && usesDay ? midnightInNewYork(day) : Number.NaN;
    if (!day && usesDay && needsDay(feed)) {
      printErr("edgebook: the trading day is unknown, so ts_event stays empty; --date gives it\n");
    }
    return { feed, channels: this.channels, captured, midnightSec };
  }

  private day(ofCapture: () => Day | undefined): Day | undefined {
    const told = this.flags.text("date");
    if (told !== undefined) return parseDay(told);
    return ofCapture() ?? this.paths.map(dayOfFileName).find((day) => day !== undefined);
  }

  /** Leaves out frames of channels that the table does not give to this feed. */
  private keepListed(batch: FrameBatch): void {
    const { count } = batch;
    let kept = 0;
    for (let at = 0; at < count; at++) {
      const channel = batch.channel[at];
      const { feed } = this.channels.list[channel];
      if (channel >= this.listed || (feed !== "" && feed !== this.feed?.id)) continue;
      batch.offset[kept] = batch.offset[at];
      batch.length[kept] = batch.length[at];
      batch.sec[kept] = batch.sec[at];
      batch.nsec[kept] = batch.nsec[at];
      batch.channel[kept++] = channel;
    }
    batch.count = kept;
    this.unlisted += count - kept;
  }

  private complainOf(input: Input, counters: CaptureCounters): void {
    const complain = (what: string) => this.complaints.push(`${input.path}: ${what}`);
    const { truncated, unknownLinkType, damaged } = counters;
    if (truncated) complain(`ends at byte ${counters.stoppedAtByte}: ${counters.stopReason}`);
    if (unknownLinkType > 0) {
      const types = [...counters.unknownLinkTypes].join(", ");
      complain(`${unknownLinkType} packets of a link type that is not read (${types})`);
    }
    if (damaged > 0) complain(`${damaged} damaged packets`);
    if (counters.beyondChannels > 0) {
      complain(`${counters.beyondChannels} datagrams beyond the most groups that are followed`);
    }
  }

  private turn(): void {
    if (this.signal.aborted) throw new CliError("interrupted", "interrupted");
    const sizes = this.inputs.map((input) => input.sizeBytes);
    const total = sizes.every((size) => size !== undefined) ? sum(sizes as number[]) : undefined;
    this.progress.show(sum(this.inputs.map((input) => input.readBytes)), total);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** True for feeds that give time since midnight. */
function needsDay(feed: Feed): boolean {
  const time: EventTime = { sec: 0, nsec: 0 };
  feed.eventTime(0, 0, Number.NaN, time);
  return Number.isNaN(time.sec);
}

function checkSequenceFields(feed: Feed, channels: Channels): void {
  if (feed.id !== "sequenced" || channels.list.some((channel) => channel.sequenceField)) return;
  throw new CliError(
    "bad_channel_file",
    "The feed 'sequenced' needs a channel table that says where the sequence number stands.",
    'Give --channels FILE with feed = "sequenced", offset, width and endianness for each group.',
  );
}
