/**
 * What is worth a line in the log: a gap says once when it opens and once when it closes, a line once
 * when it falls silent and once when it is back, a new epoch that it began. Looks at a sequencer now
 * and then; a gap that its other line fills within `quietNs` is nobody's news.
 *
 * Bounded: however many gaps there are, a stream opens one story a second, and numbers that are lost
 * meanwhile belong to it.
 */
import type { Tell } from "../metrics/events.ts";
import { lineName } from "./ledger.ts";
import type { Line } from "./line.ts";
import type { Sequencer } from "./sequencer.ts";
import type { Stream } from "./stream.ts";

export interface NewsOptions {
  /** How long a gap may be open before it is told, ns. */
  readonly quietNs: number;
  /** How long a line may bring nothing while another does, ns. */
  readonly silentNs: number;
  /** A line that brings nothing has been left out by the collector: only at the edge it means something. */
  readonly watchesLines: boolean;
}

export const NEWS_DEFAULTS: NewsOptions = { quietNs: 200e6, silentNs: 3e9, watchesLines: false };

/** Between the end of a stream's story and the beginning of its next, ns. */
const PAUSE_NS = 1e9;

interface LineStory {
  packets: number;
  movedNs: number;
  isSilent: boolean;
}

interface Story {
  epoch: number;
  /** Numbers lost when the last story ended. */
  lost: number;
  /** Since when a gap is open; NaN: none is. */
  heldNs: number;
  /** When this story was told; NaN: there is none. */
  openedNs: number;
  closedNs: number;
  readonly lines: Map<Line, LineStory>;
}

export class StreamNews {
  private readonly tell: Tell;
  private readonly options: NewsOptions;
  private readonly stories = new Map<Stream, Story>();

  constructor(tell: Tell, options: Partial<NewsOptions> = {}) {
    this.tell = tell;
    this.options = { ...NEWS_DEFAULTS, ...options };
  }

  /** @param nowNs any clock that does not step back; called some ten times a second */
  look(feed: string, { streams }: Sequencer, nowNs: number): void {
    for (const stream of streams) {
      const story = this.storyOf(stream, nowNs);
      this.lookAtEpoch(feed, stream, story);
      this.lookAtGaps(feed, stream, story, nowNs);
      if (this.options.watchesLines) this.lookAtLines(feed, stream, story, nowNs);
    }
  }

  private storyOf(stream: Stream, nowNs: number): Story {
    let story = this.stories.get(stream);
    if (story === undefined) {
      const { epoch, lostNumbers: lost } = stream;
      const never = Number.NEGATIVE_INFINITY;
      const none = { heldNs: Number.NaN, openedNs: Number.NaN, closedNs: never };
      story = { epoch, lost, ...none, lines: new Map() };
      this.stories.set(stream, story);
    }
    if (stream.gaps.count === 0) story.heldNs = Number.NaN;
    else if (Number.isNaN(story.heldNs)) story.heldNs = nowNs;
    return story;
  }

  private lookAtEpoch(feed: string, { id: stream, epoch }: Stream, story: Story): void {
    if (epoch === story.epoch) return;
    story.epoch = epoch;
    const text = `stream ${stream} of ${feed}: its numbers began again`;
    this.tell(text, "epoch_began", { feed, stream, epoch });
  }

  private lookAtGaps(feed: string, stream: Stream, story: Story, nowNs: number): void {
    const { gaps, lostNumbers, id } = stream;
    const name = `stream ${id} of ${feed}`;
    if (Number.isNaN(story.openedNs)) {
      const isOld = nowNs - story.heldNs >= this.options.quietNs;
      if (!isOld && lostNumbers === story.lost) return;
      if (nowNs - story.closedNs < PAUSE_NS) return;
      story.openedNs = nowNs;
      const missing = gaps.numbers + lostNumbers - story.lost;
      const text = `${name}: a gap, ${missing} numbers are missing behind ${behind(stream)}`;
      this.tell(text, "gap_opened", { feed, stream: id, missing, behind: behind(stream) });
    }
    if (gaps.count > 0) return;
    const lost = lostNumbers - story.lost;
    const seconds = Math.round((nowNs - story.openedNs) / 1e8) / 10;
    story.lost = lostNumbers;
    story.openedNs = Number.NaN;
    story.closedNs = nowNs;
    const end = lost === 0 ? "nothing is missing any more" : `${lost} numbers are lost for good`;
    const place = { feed, stream: id, lost, seconds, doubtful: stream.isDoubtful ? 1 : 0 };
    this.tell(`${name}: the gap is closed after ${seconds} s, ${end}`, "gap_closed", place);
  }

  private lookAtLines(feed: string, stream: Stream, { lines }: Story, nowNs: number): void {
    let movedNs = Number.NEGATIVE_INFINITY;
    for (const line of stream.lines) {
      const story = lines.get(line) ?? { packets: -1, movedNs: nowNs, isSilent: false };
      lines.set(line, story);
      if (line.packets !== story.packets) {
        story.packets = line.packets;
        story.movedNs = nowNs;
      }
      movedNs = Math.max(movedNs, story.movedNs);
    }
    for (const [{ index }, story] of lines) {
      const isSilent = movedNs - story.movedNs >= this.options.silentNs;
      if (isSilent === story.isSilent) continue;
      story.isSilent = isSilent;
      const place = { feed, stream: stream.id, line: lineName(index) };
      const what = isSilent ? "is silent, while another goes on" : "is back";
      const text = `line ${place.line} of stream ${place.stream} of ${feed} ${what}`;
      this.tell(text, isSilent ? "line_silent" : "line_back", place);
    }
  }
}

/** The number before the first that is missing, or that the books stand at. */
function behind({ gaps, position }: Stream): number {
  const [first] = gaps.list;
  return first === undefined ? position : first.from - 1;
}
