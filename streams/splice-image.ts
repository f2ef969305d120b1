/**
 * A snapshot on its way into a stream: its records in the order in which they most likely stand in
 * their queues. The exchange does not say that order; by time of the record and then by id is the
 * best there is, so of queue positions a splice promises only what that order gives.
 */
import type { SnapshotProtocol } from "../feed/recovery.ts";

export class SnapshotImage {
  /** Last number whose effect the image contains. */
  readonly lastSequence: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly recordBytes: number;
  /** Where each record begins, in the order of delivery. */
  readonly offsets: Int32Array;
  /** Exchange time of its newest record as `Framing.messageTime` gives it; NaN of an empty image. */
  readonly newestNs: number;
  /** When it was captured: seconds since 1970 UTC, nanoseconds. */
  readonly sec: number;
  readonly nsec: number;

  /** @param records whole records, one behind the other; not copied */
  constructor(
    protocol: SnapshotProtocol,
    records: Uint8Array,
    lastSequence: number,
    sec: number,
    nsec: number,
  ) {
    const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    const { recordBytes } = protocol;
    this.lastSequence = lastSequence;
    this.bytes = records;
    this.view = view;
    this.recordBytes = recordBytes;
    this.sec = sec;
    this.nsec = nsec;
    const count = Math.floor(records.length / recordBytes);
    this.offsets = new Int32Array(count);
    let isSorted = true;
    for (let i = 0, at = 0; i < count; i++, at += recordBytes) {
      this.offsets[i] = at;
      if (i > 0 && isSorted && protocol.compare(view, at - recordBytes, at) > 0) isSorted = false;
    }
    this.newestNs = newestTime(protocol, records);
    if (!isSorted) this.offsets.sort((a, b) => protocol.compare(view, a, b));
  }

  get orders(): number {
    return this.offsets.length;
  }
}

/** Exchange time of the newest record; NaN if there is none. */
export function newestTime(protocol: SnapshotProtocol, records: Uint8Array): number {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  let newest = Number.NaN;
  for (let at = 0; at + protocol.recordBytes <= records.length; at += protocol.recordBytes) {
    const time = protocol.recordTime(view, at);
    if (!(time <= newest)) newest = time;
  }
  return newest;
}
