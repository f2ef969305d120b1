/**
 * Puts the parts of snapshots together again. Parts of a stream come in order (the intake sees to
 * that), so one that does not follow its predecessor tells that the snapshot is incomplete: it is
 * dropped, and the next first part begins anew. Bounded: `SNAPSHOTS_LIMIT` under way, each within
 * the protocol's limit.
 */
import type { Feed } from "../feed/feed.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { SnapshotImage } from "../streams/splice-image.ts";

interface Gathering {
  readonly key: string;
  readonly lastSequence: number;
  readonly orders: number;
  readonly parts: number;
  records: Uint8Array;
  used: number;
  part: number;
}

const SNAPSHOTS_LIMIT = 8;

export class SnapshotGatherer {
  /** Snapshots dropped because a part was missing or did not fit. */
  incomplete = 0;
  private gathering: Gathering[] = [];

  /** The whole image, when this was its last part. */
  take(feed: Feed, header: ChunkHeader, frames: FrameBatch): SnapshotImage | undefined {
    const protocol = feed.recovery?.snapshots;
    const { snapshot, collector, boot, stream, lastSequence } = header;
    if (protocol === undefined || snapshot === undefined) return undefined;
    const key = `${collector}/${boot}/${feed.id}/${stream}`;
    if (snapshot.part === 1) this.begin(key, header, protocol.bytesLimit, protocol.recordBytes);
    const at = this.gathering.findIndex((other) => other.key === key);
    const whole = this.gathering[at];
    if (whole === undefined) return undefined;
    const follows = snapshot.part === whole.part + 1 && lastSequence === whole.lastSequence;
    if (!follows || !append(whole, frames, protocol.recordBytes)) {
      this.incomplete++;
      this.gathering.splice(at, 1);
      return undefined;
    }
    whole.part++;
    if (whole.part < whole.parts) return undefined;
    this.gathering.splice(at, 1);
    if (whole.used !== whole.records.length) {
      this.incomplete++;
      return undefined;
    }
    const { lastSec, lastNsec } = header;
    return new SnapshotImage(protocol, whole.records, lastSequence, lastSec, lastNsec);
  }

  private begin(key: string, header: ChunkHeader, bytesLimit: number, recordBytes: number): void {
    const before = this.gathering.length;
    this.gathering = this.gathering.filter((other) => other.key !== key);
    this.incomplete += before - this.gathering.length;
    const { orders, parts } = header.snapshot ?? { orders: 0, parts: 0 };
    if (orders * recordBytes > bytesLimit || parts < 1) return;
    const records = new Uint8Array(orders * recordBytes);
    const { lastSequence } = header;
    this.gathering.push({ key, lastSequence, orders, parts, records, used: 0, part: 0 });
    if (this.gathering.length <= SNAPSHOTS_LIMIT) return;
    this.gathering.shift();
    this.incomplete++;
  }
}

/** False if a frame is no record, or there are more than were said. */
function append(whole: Gathering, frames: FrameBatch, recordBytes: number): boolean {
  const { bytes, offset, length, count } = frames;
  if (whole.used + count * recordBytes > whole.records.length) return false;
  for (let i = 0; i < count; i++) {
    if (length[i] !== recordBytes) return false;
    whole.records.set(bytes.subarray(offset[i], offset[i] + recordBytes), whole.used);
    whole.used += recordBytes;
  }
  return true;
}
