/**
 * How long a feed's messages took from stage to stage, sampled once a chunk and once a book sent: a
 * histogram each. What was missed and comes again says nothing of how fast things go, and is left out
 * by whoever adds.
 */
import type { EventTime, Feed } from "../feed/feed.ts";
import { LatencyHistogram } from "../metrics/histogram.ts";
import type { LiveStream } from "./live-stream.ts";

export class Latencies {
  /** Exchange's time to capture: of two clocks. */
  readonly exchange = new LatencyHistogram();
  /** Capture to the chunk's arrival, to its books, to a client of the page. */
  readonly arrival = new LatencyHistogram();
  readonly book = new LatencyHistogram();
  readonly page = new LatencyHistogram();
  private readonly time: EventTime = { sec: 0, nsec: 0 };

  /** From the exchange's time of the message that a stream's books were touched by last. */
  addExchange(feed: Feed, stream: LiveStream, midnightOf: (captureSec: number) => number): void {
    const { latest } = stream;
    if (latest < 0) return;
    const { recvSec, recvNsec, timeHi, timeLo } = stream;
    const { time } = this;
    feed.eventTime(timeHi[latest], timeLo[latest], midnightOf(recvSec[latest]), time);
    if (time.sec > 0) {
      this.exchange.add((recvSec[latest] - time.sec) * 1e9 + (recvNsec[latest] - time.nsec));
    }
  }

  /** A client was sent a book that it had seen before, with something new in it. */
  addSent(stream: LiveStream, instrument: number, nowNs: number): void {
    this.page.add(nowNs - stream.recvSec[instrument] * 1e9 - stream.recvNsec[instrument]);
  }
}
