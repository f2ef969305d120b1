/**
 * A batch of captured datagrams: the currency of captures, sockets, chunks and replays.
 * Structure of arrays over one buffer, so that a datagram costs no object.
 */
export class FrameBatch {
  /** Holds every payload of the batch. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  count = 0;
  /** Start of the UDP payload in `bytes`. */
  readonly offset: Int32Array;
  /** Length of the UDP payload, by the UDP header: padding is not in it. */
  readonly length: Int32Array;
  /** Capture time: seconds since 1970 UTC, and nanoseconds. */
  readonly sec: Uint32Array;
  readonly nsec: Uint32Array;
  /** Index in the `Channels` table. */
  readonly channel: Int32Array;

  readonly capacity: number;

  constructor(capacity = 1024) {
    this.capacity = capacity;
    this.offset = new Int32Array(capacity);
    this.length = new Int32Array(capacity);
    this.sec = new Uint32Array(capacity);
    this.nsec = new Uint32Array(capacity);
    this.channel = new Int32Array(capacity);
  }

  /** Lays the batch over another buffer; frames already in it are dropped. */
  reset(bytes: Uint8Array): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.count = 0;
  }

  /** Appends a frame; the caller has checked `count < capacity`. */
  add(offset: number, length: number, sec: number, nsec: number, channel: number): void {
    const at = this.count++;
    this.offset[at] = offset;
    this.length[at] = length;
    this.sec[at] = sec;
    this.nsec[at] = nsec;
    this.channel[at] = channel;
  }
}
