/**
 * Who is who: streams by the exchange's id, lines by channel. A channel's line is the table's, else
 * the next free one in order of appearance among the channels that carry the stream. Both are
 * bounded: further streams are refused, further channels share the last line.
 */
import type { Channels } from "../frames/channels.ts";
import { type Budget, Held } from "./held.ts";
import { Line } from "./line.ts";
import type { SequencerOptions } from "./options.ts";
import { Stream } from "./stream.ts";

/** Numbers whose copies can be compared: of the first streams, and of those beyond. */
const RECENT = 65536;
const RECENT_STREAMS = 64;
const RECENT_BEYOND = 1024;
const LINES = 16;

export class Roster {
  /** Dense, in order of appearance. */
  readonly streams: Stream[] = [];
  /** By channel: the line that the channel's last packet was of. */
  readonly lineOfChannel: (Line | undefined)[] = [];
  private readonly byId = new Map<number, Stream>();
  private readonly channels: Channels;
  private readonly options: SequencerOptions;
  private readonly budget: Budget;

  constructor(channels: Channels, options: SequencerOptions, budget: Budget) {
    this.channels = channels;
    this.options = options;
    this.budget = budget;
  }

  /** The line of a packet, or why there is none. */
  lineOf(channel: number, id: number): Line | "wrong_stream" | "too_many_streams" {
    const known = this.lineOfChannel[channel];
    if (known !== undefined && known.stream.id === id) return known;
    const table = this.channels.list[channel];
    if (table !== undefined && table.stream !== 0 && table.stream !== id) return "wrong_stream";
    const stream = this.byId.get(id) ?? this.addStream(id);
    if (stream === undefined) return "too_many_streams";
    const line = lineFor(stream, channel, table?.line ?? -1);
    this.lineOfChannel[channel] = line;
    return line;
  }

  private addStream(id: number): Stream | undefined {
    const index = this.streams.length;
    if (index >= this.options.maxStreams) return undefined;
    const recent = index < RECENT_STREAMS ? RECENT : RECENT_BEYOND;
    const { windowMessages, holdsBytes } = this.options;
    const held = new Held(windowMessages, this.budget, holdsBytes);
    const stream = new Stream(index, id, held, recent);
    this.streams.push(stream);
    this.byId.set(id, stream);
    return stream;
  }
}

function lineFor(stream: Stream, channel: number, wanted: number): Line {
  const known = stream.lineOfChannel.get(channel);
  if (known !== undefined) return known;
  let index = wanted;
  if (index < 0) {
    index = 0;
    while (stream.lines.some((line) => line.index === index)) index++;
  }
  let line = stream.lines.find((other) => other.index === index);
  if (line === undefined && stream.lines.length < LINES) {
    // A line that is new to a stream with a past has yet to show which epoch it is in.
    const epoch = Math.max(0, stream.epoch - 1);
    line = new Line(stream, index, stream.lines.length, epoch);
    stream.lines.push(line);
  }
  line ??= stream.lines[LINES - 1];
  stream.lineOfChannel.set(channel, line);
  return line;
}
