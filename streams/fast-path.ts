/**
 * The two things that almost every packet is: next on its stream with nothing waiting, or a copy
 * of messages that are still remembered; and time that only moves on a little. Whole runs of such
 * packets are dealt with here in one loop, without an object; whatever else turns up is left,
 * untouched, to the slow path.
 *
 * It reads and writes the columns itself: for packets of one message, calls and the way to the
 * columns cost more than what is done with them.
 */
import type { Framing } from "../feed/feed.ts";
import { MessageKind } from "../feed/message-batch.ts";
import { type PacketBatch, PacketKind } from "../feed/packet-batch.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { hashOf } from "./hash.ts";
import type { Line } from "./line.ts";
import type { Outlet } from "./outlet.ts";
import { lowNs } from "./recent.ts";
import type { Stream } from "./stream.ts";

/** Beyond it a packet might pass 2^53, where numbers stop being exact; the slow path looks. */
const LAST_FAST = Number.MAX_SAFE_INTEGER - 65536;

/** Fewer than the numbers between `LAST_FAST` and the end of what is exact. */
const LONGEST_STREAK = 4096;

export class FastPath {
  /** Streams whose high-water mark's message lies in the frames in hand. */
  readonly touched: Stream[] = [];
  /** Index of the frame whose capture time was looked at last. */
  observed = -1;
  /** Running maximum of the capture times. */
  nowNs = 0;
  /** By channel: the latest capture time; of `ClockDoubt`. */
  latestNs = new Float64Array(0);
  /** A capture time from `nowNs` up to this needs no look at clock or windows. */
  calmUntilNs = 0;
  private readonly framing: Framing;
  private readonly packets: PacketBatch;
  private readonly lineOfChannel: readonly (Line | undefined)[];
  private readonly out: Outlet;

  constructor(
    framing: Framing,
    packets: PacketBatch,
    lineOfChannel: readonly (Line | undefined)[],
    out: Outlet,
  ) {
    this.framing = framing;
    this.packets = packets;
    this.lineOfChannel = lineOfChannel;
    this.out = out;
  }

  /** Goes on from `packet`; returns the first that is not for it, or the packet count. */
  run(frames: FrameBatch, packet: number): number {
    const { packets, lineOfChannel, out, calmUntilNs, latestNs } = this;
    const { frame, kind, session, sequence, numbers, firstMessage, stream: ids, count } = packets;
    const { messageOffset, messageLength } = packets;
    const { channel, sec, nsec, view } = frames;
    const { batch } = out;
    const { capacity } = batch;
    const { offset: offsets, length: lengths, stream: streams, sequence: sequences } = batch;
    const { kind: kinds, recvSec: secs, recvNsec: nsecs, flags } = batch;
    let { observed, nowNs } = this;
    out.lieOver(frames.bytes, view);
    let at = packet;
    let row = batch.count;
    for (; at < count; at++) {
      const f = frame[at];
      if (observed < f) {
        const ns = sec[observed + 1] * 1e9 + nsec[observed + 1];
        if (!(ns >= nowNs && ns <= calmUntilNs)) break;
        nowNs = ns;
        latestNs[channel[++observed]] = ns;
        if (observed < f) {
          at--;
          continue;
        }
      }
      const line = lineOfChannel[channel[f]];
      if (line === undefined || kind[at] !== PacketKind.Messages) break;
      const stream = line.stream;
      if (stream.id !== ids[at] || stream.session !== session[at]) break;
      if (line.epoch !== stream.epoch) break;
      const from = firstMessage[at];
      const messages = firstMessage[at + 1] - from;
      if (messages !== numbers[at] || messages === 0) break;
      const first = sequence[at];
      const ahead = first - stream.fastNext;
      if (ahead === 0) {
        if (first > LAST_FAST) break;
        if (stream.guarded) {
          if (!this.isLater(view, from, stream)) break;
        } else if (messages === 1 && at + 1 < count && sequence[at + 1] === first + 1) {
          // Worth its call only where the next packet goes on, as copies from another line do not.
          batch.count = row;
          this.nowNs = nowNs;
          at = this.streak(frames, at, line) - 1;
          row = batch.count;
          nowNs = this.nowNs;
          observed = this.observed;
          continue;
        }
        const { words, line: bringers, mask } = stream.recent;
        const arrived = lowNs(sec[f], nsec[f]);
        let slot = first & mask;
        const end = from + messages;
        for (let message = from, number = first; message < end; message++, number++) {
          const offset = messageOffset[message];
          const length = messageLength[message];
          words[slot * 2] = hashOf(view, offset, length);
          words[slot * 2 + 1] = arrived;
          bringers[slot] = line.place;
          slot = (slot + 1) & mask;
          if (row === capacity) {
            batch.count = row;
            out.flush();
            row = 0;
          }
          kinds[row] = MessageKind.Message;
          offsets[row] = offset;
          lengths[row] = length;
          streams[row] = stream.index;
          sequences[row] = number;
          secs[row] = sec[f];
          nsecs[row] = nsec[f];
          flags[row] = stream.flags;
          row++;
        }
        if (stream.tailOffset < 0) this.touched.push(stream);
        stream.tailNumber = first + messages - 1;
        stream.tailOffset = messageOffset[end - 1];
        stream.tailLength = messageLength[end - 1];
        stream.delivered += messages;
        stream.high = first + messages - 1;
        stream.next = first + messages;
        stream.fastNext = first + messages;
        line.firstArrivals += messages;
      } else if (ahead < 0) {
        if (!this.copy(frames, f, line, first, from, messages)) break;
      } else break;
      line.packets++;
      line.messages += messages;
      if (first === line.next) line.next = first + messages;
      else line.brought(first, first + messages - 1);
    }
    batch.count = row;
    this.observed = observed;
    this.nowNs = nowNs;
    return at;
  }

  /**
   * Packets of one message that follow one another on one line, each next on its stream: the first is
   * known to be, the others are looked at here. What the stream and the line count is counted once.
   * @returns the first packet that goes on otherwise
   */
  private streak(frames: FrameBatch, packet: number, line: Line): number {
    const { packets, out, calmUntilNs } = this;
    const { frame, kind, session, sequence, numbers, firstMessage, stream: ids } = packets;
    const { messageOffset, messageLength } = packets;
    const { channel, sec, nsec, view } = frames;
    const { batch } = out;
    const { capacity } = batch;
    const { offset: offsets, length: lengths, stream: streams, sequence: sequences } = batch;
    const { kind: kinds, recvSec: secs, recvNsec: nsecs, flags } = batch;
    const { stream, place } = line;
    const { words, line: bringers, mask } = stream.recent;
    const { index, flags: streamFlags, id, session: streamSession } = stream;
    const end = Math.min(packets.count, packet + LONGEST_STREAK);
    const first = sequence[packet];
    let f = frame[packet];
    const from = channel[f];
    let { nowNs } = this;
    let row = batch.count;
    let at = packet;
    let number = first;
    for (;;) {
      const message = firstMessage[at];
      const offset = messageOffset[message];
      const length = messageLength[message];
      const slot = number & mask;
      words[slot * 2] = hashOf(view, offset, length);
      words[slot * 2 + 1] = lowNs(sec[f], nsec[f]);
      bringers[slot] = place;
      if (row === capacity) {
        batch.count = row;
        out.flush();
        row = 0;
      }
      kinds[row] = MessageKind.Message;
      offsets[row] = offset;
      lengths[row] = length;
      streams[row] = index;
      sequences[row] = number;
      secs[row] = sec[f];
      nsecs[row] = nsec[f];
      flags[row++] = streamFlags;
      number++;
      if (++at === end) break;
      const next = f + 1;
      if (frame[at] !== next || channel[next] !== from || sequence[at] !== number) break;
      if (kind[at] !== PacketKind.Messages || ids[at] !== id || session[at] !== streamSession)
        break;
      if (numbers[at] !== 1 || firstMessage[at + 1] - firstMessage[at] !== 1) break;
      const ns = sec[next] * 1e9 + nsec[next];
      if (!(ns >= nowNs && ns <= calmUntilNs)) break;
      nowNs = ns;
      f = next;
    }
    batch.count = row;
    this.observed = f;
    this.nowNs = nowNs;
    // The first packet's time has been looked at; it may lie behind the latest of all.
    if (at > packet + 1) this.latestNs[from] = nowNs;
    this.deliveredOn(line, at - 1, at - packet);
    return at;
  }

  /** So many more messages were delivered, each its packet; the last is packet `last`. */
  private deliveredOn(line: Line, last: number, messages: number): void {
    const { sequence, firstMessage, messageOffset, messageLength } = this.packets;
    const { stream } = line;
    const high = sequence[last];
    const first = high - messages + 1;
    if (stream.tailOffset < 0) this.touched.push(stream);
    stream.tailNumber = high;
    stream.tailOffset = messageOffset[firstMessage[last]];
    stream.tailLength = messageLength[firstMessage[last]];
    stream.delivered += messages;
    stream.high = high;
    stream.next = high + 1;
    stream.fastNext = high + 1;
    line.firstArrivals += messages;
    line.packets += messages;
    line.messages += messages;
    if (first === line.next) line.next = high + 1;
    else line.brought(first, high);
  }

  /** False for a message of the epoch before a restart. */
  private isLater(view: DataView, message: number, stream: Stream): boolean {
    const { messageOffset, messageLength } = this.packets;
    const time = this.framing.messageTime(view, messageOffset[message], messageLength[message]);
    return !(time < stream.epochTimeNs);
  }

  /** Below what is next: taken if every message is remembered and byte for byte the same. */
  private copy(
    frames: FrameBatch,
    at: number,
    line: Line,
    first: number,
    from: number,
    numbers: number,
  ): boolean {
    const { messageOffset, messageLength } = this.packets;
    const { recent, high, lines } = line.stream;
    const { words, line: bringers, mask, size } = recent;
    if (first <= high - size || first + numbers - 1 > high) return false;
    for (let i = 0; i < numbers; i++) {
      const hash = hashOf(frames.view, messageOffset[from + i], messageLength[from + i]);
      if (words[((first + i) & mask) * 2] !== hash) return false;
    }
    const arrived = lowNs(frames.sec[at], frames.nsec[at]);
    for (let i = 0; i < numbers; i++) {
      const slot = (first + i) & mask;
      const leader = lines[bringers[slot]];
      if (leader !== undefined && leader !== line) leader.led((arrived - words[slot * 2 + 1]) | 0);
    }
    line.duplicates += numbers;
    return true;
  }
}
