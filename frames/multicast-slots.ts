/**
 * Edge: memory that `recvmmsg` fills, and what it holds as frames: payloads, the kernel's times and its counts
 * of drops. Calls nothing of the system, so that it can be tried, and compiled, before a datagram comes.
 */
import { FrameBatch } from "./frame-batch.ts";
import * as c from "./multicast-libc.ts";
import { MessageHeaders, PinnedBytes } from "./multicast-mmsg.ts";

/** Longer datagrams are cut and counted: no exchange sends beyond a jumbo frame. */
const DATAGRAM_BYTES_MAX = 9216;
/** A little more than the longest datagram, so that slots do not all meet in one set of the cache. */
const SLOT_BYTES = DATAGRAM_BYTES_MAX + 64;
const CONTROL_BYTES = 128;
const TIMESPEC_BYTES = 16;
/** Room that a `cmsghdr` takes before its content. */
const CONTROL_HEAD_BYTES = 16;

export class ReceiveSlots {
  readonly frames: FrameBatch;
  /** Datagrams longer than a slot; their heads were kept. */
  truncated = 0;
  /** The kernel's running count of drops of the socket taken from last, where it told it; else NaN. */
  overflows = Number.NaN;
  private readonly slots: PinnedBytes;
  private readonly control: PinnedBytes;
  private readonly headers: MessageHeaders;

  /** @param count datagrams of one batch */
  constructor(count: number) {
    this.frames = new FrameBatch(count);
    this.slots = new PinnedBytes(count * SLOT_BYTES);
    this.control = new PinnedBytes(count * CONTROL_BYTES);
    this.headers = new MessageHeaders(count);
    for (let i = 0; i < count; i++) {
      this.headers.setPayload(i, this.slots.address + i * SLOT_BYTES, DATAGRAM_BYTES_MAX);
      this.headers.setControl(i, this.control.address + i * CONTROL_BYTES, CONTROL_BYTES);
    }
  }

  /** The next batch: all slots are free. */
  clear(): void {
    this.frames.reset(this.slots.bytes);
  }

  /** Address of the first free slot's `mmsghdr`. */
  get address(): number {
    return this.headers.address(this.frames.count);
  }

  /** The kernel has filled so many slots, the first free one and those behind it. */
  take(count: number, channel: number): void {
    const { frames, headers } = this;
    this.overflows = Number.NaN;
    const first = frames.count;
    for (let i = first; i < first + count; i++) {
      frames.add(i * SLOT_BYTES, headers.received(i), 0, 0, channel);
      if (headers.flags(i) & c.MSG_TRUNC) this.truncated++;
      this.readControl(i);
      headers.resetControl(i, CONTROL_BYTES);
    }
  }

  /** As the kernel would fill slot `i`: for whoever tries the way of a datagram without a wire. */
  write(i: number, payload: Uint8Array, sec: number, nsec: number): void {
    const { view } = this.control;
    const at = i * CONTROL_BYTES;
    this.slots.bytes.set(payload, i * SLOT_BYTES);
    view.setUint32(at, CONTROL_HEAD_BYTES + TIMESPEC_BYTES, true);
    view.setInt32(at + 12, c.SO_TIMESTAMPNS, true);
    view.setUint32(at + CONTROL_HEAD_BYTES, sec, true);
    view.setUint32(at + CONTROL_HEAD_BYTES + 8, nsec, true);
    this.headers.setReceived(i, payload.length, CONTROL_HEAD_BYTES + TIMESPEC_BYTES);
  }

  private readTime(i: number, at: number): void {
    const { view } = this.control;
    this.frames.sec[i] = view.getUint32(at, true);
    this.frames.nsec[i] = view.getUint32(at + 8, true);
  }

  /** The time of receipt, and its count of drops where there were any. */
  private readControl(i: number): void {
    const { view } = this.control;
    let at = i * CONTROL_BYTES;
    const end = at + this.headers.controlLength(i);
    while (at + CONTROL_HEAD_BYTES <= end) {
      const length = view.getUint32(at, true);
      const type = view.getInt32(at + 12, true);
      if (type === c.SO_TIMESTAMPNS) {
        this.readTime(i, at + CONTROL_HEAD_BYTES);
      } else if (type === c.SO_TIMESTAMPING) {
        // The software's comes first, the card's third; the card's counts where there is one.
        this.readTime(i, at + CONTROL_HEAD_BYTES + 2 * TIMESPEC_BYTES);
        if (this.frames.sec[i] === 0) this.readTime(i, at + CONTROL_HEAD_BYTES);
      } else if (type === c.SO_RXQ_OVFL) {
        this.overflows = view.getUint32(at + CONTROL_HEAD_BYTES, true);
      }
      if (length < CONTROL_HEAD_BYTES) return;
      at += (length + 7) & ~7;
    }
  }
}
