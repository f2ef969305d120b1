/**
 * The two lines of an exchange that packs several messages into a datagram (MoldUDP64): those of
 * `gatherNs` after the first go together, as far as they fit. Both lines bring the same datagrams.
 *
 * A heartbeat carries the next number; once trading has ended, the end of the session. What is sent
 * does not depend on how the time is cut into steps.
 */
import type { Exchange } from "./exchange.ts";
import type { LineSink } from "./lines.ts";
import { MoldPacket } from "./mold-packet.ts";

const BYTES_LIMIT = 1_400;
const GATHER_NS = 20_000;
const NEVER = Number.POSITIVE_INFINITY;

interface Cursor {
  readonly line: number;
  /** Index of the stream. */
  readonly stream: number;
  readonly packet: MoldPacket;
  /** Position of the next message that is not in `packet`, and of the first that is. */
  next: number;
  from: number;
  dueNs: number;
}

export class MoldLines {
  /** Messages that a line was too late for. */
  overrun = 0;
  private readonly exchange: Exchange;
  private readonly delayNs: readonly number[];
  private readonly gatherNs: number;
  private readonly cursors: Cursor[];

  /** @param delayNs how far each line is behind the exchange; by default B by 150 µs */
  constructor(exchange: Exchange, delayNs: readonly number[] = [0, 150_000], gatherNs = GATHER_NS) {
    this.exchange = exchange;
    this.delayNs = delayNs;
    this.gatherNs = gatherNs;
    this.cursors = delayNs.flatMap((_, line) =>
      exchange.streams.map((_, stream) => ({
        ...{ line, stream, packet: new MoldPacket(BYTES_LIMIT) },
        ...{ next: 0, from: 0, dueNs: NEVER },
      })),
    );
  }

  /** Lets the exchange go on up to `untilNs`, and sends what is due by then. */
  step(untilNs: number, sink: LineSink): void {
    this.exchange.step(untilNs);
    for (const cursor of this.cursors) this.look(cursor);
    for (;;) {
      let next = this.cursors[0];
      for (const cursor of this.cursors) if (next && cursor.dueNs < next.dueNs) next = cursor;
      if (next === undefined || !(next.dueNs <= untilNs)) return;
      const { line, stream, packet, dueNs } = next;
      sink.datagram(line, this.exchange.streams[stream]!.id, dueNs, packet.bytes, 0, packet.length);
      next.from = next.next;
      this.look(next);
    }
  }

  /** Packs what belongs into the next datagram, as far as it has happened yet. */
  private look(cursor: Cursor): void {
    const { id, log } = this.exchange.streams[cursor.stream]!;
    if (cursor.from < log.first) {
      this.overrun += log.first - cursor.from;
      cursor.from = log.first;
    }
    const { from, packet } = cursor;
    cursor.dueNs = NEVER;
    if (from >= log.end) return;
    const block = log.at(from);
    const slot = log.slot(from);
    const startNs = block.timeNs[slot]!;
    const delayNs = this.delayNs[cursor.line]!;
    const epoch = log.epochAt(from);
    if (block.numbered[slot] === 0) {
      packet.begin(id, epoch, block.sequence[slot]! + 1);
      if (startNs >= this.exchange.options.endNs) packet.endSession();
      cursor.next = from + 1;
      cursor.dueNs = startNs + delayNs;
      return;
    }
    packet.begin(id, epoch, block.sequence[slot]!);
    let lastNs = startNs;
    let isFull = false;
    for (cursor.next = from; cursor.next < log.end; cursor.next++) {
      const at = log.at(cursor.next);
      const place = log.slot(cursor.next);
      const timeNs = at.timeNs[place]!;
      if (timeNs > startNs + this.gatherNs || at.numbered[place] === 0) break;
      if (log.epochAt(cursor.next) !== epoch) break;
      isFull = !packet.add(log, cursor.next);
      if (isFull) break;
      lastNs = timeNs;
    }
    cursor.dueNs = (isFull ? lastNs : startNs + this.gatherNs) + delayNs;
  }
}
