/**
 * Joins a snapshot to its live stream.
 *
 *   delivered ... P │ held: P+1 ...... L │ L+1 ......        L: the image's last number
 *                   └─ delivered first ──┴─ image ─ then the rest
 *
 * A stream that waits for a snapshot stands still (state `held`): nothing is delivered, everything
 * is held within the window's bounds. It begins to wait when it joined late, or when somebody asks
 * (`begin`); a stream that is held by a gap needs no beginning. When the image has come and the
 * stream has seen its last number, what was held up to there is delivered, so that no trade is lost;
 * then the image, which drops every book and fills them anew; then the rest. Numbers of an open gap
 * up to L are repaired by the snapshot: nobody has the messages, the books have their effect.
 *
 * An image that is ahead waits until a line has reached it; one that is older than what was
 * delivered is refused; one of another epoch too, told by its newest record's time. One that ends
 * before the first held number of a late start leaves a gap that recovery can ask for.
 */
import { MessageKind, RowFlag } from "../feed/message-batch.ts";
import type { Arbiter } from "./arbiter.ts";
import type { Ledger } from "./ledger.ts";
import type { SequencerOptions } from "./options.ts";
import type { Outlet } from "./outlet.ts";
import type { SnapshotImage } from "./splice-image.ts";
import type { Stream } from "./stream.ts";

const DOUBT = RowFlag.Gap | RowFlag.JoinedLate;

/** What became of a snapshot. `waiting`: it is ahead of the lines. `unneeded`: nothing is doubtful. */
export type SpliceVerdict = "spliced" | "waiting" | "unneeded" | "old" | "other_epoch";

export class Splicer {
  private readonly arbiter: Arbiter;
  private readonly out: Outlet;
  private readonly ledger: Ledger;
  private readonly options: SequencerOptions;

  constructor(arbiter: Arbiter, out: Outlet, ledger: Ledger, options: SequencerOptions) {
    this.arbiter = arbiter;
    this.out = out;
    this.ledger = ledger;
    this.options = options;
  }

  /** Its books are wrong or may be, or it stands still for something that it lacks. */
  needsImage(stream: Stream): boolean {
    return stream.isDoubtful || stream.gaps.count > 0 || stream.splicing;
  }

  /** @param highTimeNs exchange time of the highest message seen; NaN if unknown */
  offer(stream: Stream, image: SnapshotImage, highTimeNs: number): SpliceVerdict {
    if (!stream.begun || stream.starting || !this.needsImage(stream)) return "unneeded";
    if (isOtherEpoch(stream, image, highTimeNs)) return "other_epoch";
    const last = image.lastSequence;
    if (last < stream.position && !this.reachesBack(stream, last)) return "old";
    if (stream.image !== undefined && stream.image.lastSequence >= last) return "old";
    stream.image = image;
    if (stream.gaps.count === 0) this.arbiter.standStill(stream);
    return this.attempt(stream, highTimeNs);
  }

  /** The stream has gone on: may the image that waits be spliced now? */
  attempt(stream: Stream, highTimeNs: number): SpliceVerdict {
    const { image } = stream;
    if (image === undefined) return "unneeded";
    if (!this.needsImage(stream) || isOtherEpoch(stream, image, highTimeNs)) {
      stream.image = undefined;
      return this.needsImage(stream) ? "other_epoch" : "unneeded";
    }
    if (image.lastSequence > stream.high) return "waiting";
    this.splice(stream, image);
    return "spliced";
  }

  private splice(stream: Stream, image: SnapshotImage): void {
    const { arbiter, out } = this;
    const last = image.lastSequence;
    if (last < stream.position) this.reachBack(stream, last);
    else arbiter.passTo(stream, last);
    arbiter.clearIfDue(stream);
    const { sec, nsec, offsets, recordBytes } = image;
    const flag = RowFlag.Snapshot;
    out.lieOver(image.bytes, image.view);
    out.add(MessageKind.SnapshotBegin, stream.index, last, 0, 0, sec, nsec, flag);
    for (const at of offsets) {
      out.add(MessageKind.SnapshotOrder, stream.index, last, at, recordBytes, sec, nsec, flag);
    }
    out.add(MessageKind.SnapshotEnd, stream.index, last, 0, 0, sec, nsec, flag);
    out.flush();
    this.ledger.snapshots.add({
      stream: stream.id,
      epoch: stream.epoch,
      sequence: last,
      orders: image.orders,
      atNs: arbiter.stampNs,
    });
    stream.flags &= ~DOUBT;
    stream.image = undefined;
    arbiter.goOn(stream);
  }

  /** Nothing of this epoch was delivered, so the epoch may as well begin behind the image. */
  private reachesBack(stream: Stream, last: number): boolean {
    const missing = stream.first - last - 1;
    const untouched = stream.splicing && stream.next === stream.first;
    return untouched && last >= 0 && missing <= this.options.windowMessages;
  }

  private reachBack(stream: Stream, last: number): void {
    const missing = stream.first - 1;
    stream.first = last + 1;
    stream.next = last + 1;
    if (missing > last) stream.gaps.open(last + 1, missing, this.arbiter.nowNs);
  }
}

/**
 * Numbers begin anew with an epoch, so an image of another one can look right by its numbers. Its
 * newest record is then older than this epoch, or newer than the message that it should end with.
 * Whoever joined after a restart cannot know the former: the edge, which saw it, looks too.
 */
export function isOtherEpoch(
  stream: Stream,
  { newestNs, lastSequence }: Pick<SnapshotImage, "newestNs" | "lastSequence">,
  highTimeNs: number,
): boolean {
  if (Number.isNaN(newestNs)) return false;
  if (newestNs <= stream.formerTimeNs) return true;
  return stream.timedNumber >= lastSequence && newestNs > highTimeNs;
}
