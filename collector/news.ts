/**
 * Edge: what a collector's log is told of: its streams and lines, and its spool, which says once when
 * it begins to lose what some sink lacks and once when it has not done so for a while.
 */
import type { Tell } from "../metrics/events.ts";
import { StreamNews } from "../streams/news.ts";
import type { Collector } from "./collector.ts";
import type { LineWatch } from "./watch.ts";

/** A spool that has lost nothing for so long has room. */
const ROOM_NS = 10e9;

export class CollectorNews {
  private readonly collector: Collector;
  private readonly watch: LineWatch;
  private readonly tell: Tell;
  private readonly streams: StreamNews;
  private readonly missing = new Set<string>();
  private lost = 0;
  private lostNs = Number.NaN;

  constructor(collector: Collector, watch: LineWatch, tell: Tell) {
    this.collector = collector;
    this.watch = watch;
    this.tell = tell;
    this.streams = new StreamNews(tell, { watchesLines: true });
  }

  /** @param nowNs any clock that does not step back; called some ten times a second */
  look(nowNs: number): void {
    for (const [feed, sequencer] of this.watch.sequencers()) {
      this.streams.look(feed, sequencer, nowNs);
    }
    this.lookAtSpool(nowNs);
    this.lookAtDictionaries();
  }

  private lookAtDictionaries(): void {
    for (const dictionary of this.collector.spool?.missingDictionaries ?? []) {
      if (this.missing.has(dictionary)) continue;
      this.missing.add(dictionary);
      const text = `the spool keeps chunks that need the dictionary ${dictionary}, which is not here`;
      this.tell(text, "dictionary_missing", { dictionary });
    }
  }

  private lookAtSpool(nowNs: number): void {
    const { spool, forwarders } = this.collector;
    if (spool === undefined) return;
    const missed = forwarders.reduce((sum, forwarder) => sum + forwarder.missed, 0);
    const lost = spool.appendsFailed + missed;
    const isFull = !Number.isNaN(this.lostNs);
    if (lost > this.lost) {
      this.lost = lost;
      this.lostNs = nowNs;
      if (isFull) return;
      const text = "the spool cannot keep what is still to be sent: chunks are being lost";
      this.tell(text, "spool_full", { bytes: spool.bytes, limit: spool.bytesLimit, lost });
    } else if (isFull && nowNs - this.lostNs >= ROOM_NS) {
      this.lostNs = Number.NaN;
      this.tell(`the spool has room again; ${lost} chunks were lost`, "spool_has_room", { lost });
    }
  }
}
