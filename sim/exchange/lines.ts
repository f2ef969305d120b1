/**
 * What the exchange sends, as datagrams on its two lines: the same messages, one in each datagram,
 * line B some time behind line A.
 *
 * Datagrams of all lines and streams come in the order of their time. Assumes that a line's delay
 * is shorter than what the streams' logs keep; what was dropped before is counted in `overrun`.
 */
import type { Exchange } from "./exchange.ts";

export interface LineSink {
  /**
   * @param line 0 is A, 1 is B
   * @param stream the exchange's stream id
   * @param sendNs nanoseconds since the exchange's start
   * @param bytes the datagram is `length` bytes at `offset`; only valid during the call
   */
  datagram(
    line: number,
    stream: number,
    sendNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void;
}

export class Lines {
  /** Datagrams that a line was too late for. */
  overrun = 0;

  private readonly exchange: Exchange;
  private readonly delayNs: readonly number[];
  /** For each line and stream: position in the stream's log, and when its datagram is due. */
  private readonly position: Float64Array;
  private readonly dueNs: Float64Array;

  /** @param delayNs how far each line is behind the exchange; by default B by 150 µs */
  constructor(exchange: Exchange, delayNs: readonly number[] = [0, 150_000]) {
    this.exchange = exchange;
    this.delayNs = delayNs;
    const cursors = delayNs.length * exchange.streams.length;
    this.position = new Float64Array(cursors);
    this.dueNs = new Float64Array(cursors).fill(Number.POSITIVE_INFINITY);
  }

  /** Lets the exchange go on up to `untilNs`, and sends what is due by then. */
  step(untilNs: number, sink: LineSink): void {
    const { exchange, dueNs } = this;
    exchange.step(untilNs);
    for (let cursor = 0; cursor < dueNs.length; cursor++) this.look(cursor);
    for (;;) {
      let next = 0;
      for (let cursor = 1; cursor < dueNs.length; cursor++) {
        if (dueNs[cursor]! < dueNs[next]!) next = cursor;
      }
      if (!(dueNs[next]! <= untilNs)) return;
      this.send(next, sink);
      this.look(next);
    }
  }

  private send(cursor: number, sink: LineSink): void {
    const line = Math.floor(cursor / this.exchange.streams.length);
    const stream = this.exchange.streams[cursor % this.exchange.streams.length]!;
    const position = this.position[cursor]!;
    const block = stream.log.at(position);
    const slot = stream.log.slot(position);
    sink.datagram(
      line,
      stream.id,
      this.dueNs[cursor]!,
      block.bytes,
      block.offset[slot]!,
      block.length[slot]!,
    );
    this.position[cursor] = position + 1;
  }

  /** When the cursor's next datagram is due: never, where the log has ended. */
  private look(cursor: number): void {
    const line = Math.floor(cursor / this.exchange.streams.length);
    const { log } = this.exchange.streams[cursor % this.exchange.streams.length]!;
    if (this.position[cursor]! < log.first) {
      this.overrun += log.first - this.position[cursor]!;
      this.position[cursor] = log.first;
    }
    const position = this.position[cursor]!;
    this.dueNs[cursor] =
      position < log.end
        ? log.at(position).timeNs[log.slot(position)]! + this.delayNs[line]!
        : Number.POSITIVE_INFINITY;
  }
}
