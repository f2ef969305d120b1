/** One packet on its way through the slow path: where its bytes lie, who brought it and when. */
import type { PacketBatch } from "../feed/packet-batch.ts";
import type { Line } from "./line.ts";

export class Arrival {
  line: Line;
  /** Datagrams since the sequencer began, and the channel: for quarantine samples. */
  frame = 0;
  channel = 0;
  bytes: Uint8Array;
  view: DataView;
  kind = 0;
  session = 0;
  /** First number; of a heartbeat the last number sent. */
  sequence = 0;
  /** Numbers covered, from `sequence` on; 0 for a heartbeat. */
  numbers = 0;
  /** Messages in it; fewer than `numbers` where the datagram is opaque. */
  messages = 0;
  offsets: Int32Array;
  lengths: Int32Array;
  /** Index of the first message in those. */
  firstMessage = 0;
  sec = 0;
  nsec = 0;
  /** Capture time to stamp with what this packet reveals. */
  stampNs = 0;
  /** `RowFlag` bits that its messages carry beside the stream's. */
  flags = 0;
  /** The one message of an opaque datagram has been handed on. */
  carried = false;

  constructor(line: Line, packets: PacketBatch, bytes: Uint8Array, view: DataView) {
    this.line = line;
    this.bytes = bytes;
    this.view = view;
    this.offsets = packets.messageOffset;
    this.lengths = packets.messageLength;
  }

  /** Last number of the packet. */
  get last(): number {
    return this.numbers === 0 ? this.sequence : this.sequence + this.numbers - 1;
  }

  /**
   * Index in `offsets` of the message that `number` stands for, -1 where it has none: an opaque
   * datagram that covers several numbers goes with the first of them that is new.
   */
  take(number: number): number {
    if (this.messages === this.numbers) return this.firstMessage + number - this.sequence;
    if (this.carried || this.messages === 0) return -1;
    this.carried = true;
    return this.firstMessage;
  }

  /** As `take`, for a look at the message without handing it on. */
  peek(number: number): number {
    if (this.messages === this.numbers) return this.firstMessage + number - this.sequence;
    return this.messages > 0 && number === this.sequence ? this.firstMessage : -1;
  }

  /** A copy with bytes of its own, to wait until it is believed. */
  kept(): Arrival {
    let size = 0;
    const end = this.firstMessage + this.messages;
    for (let i = this.firstMessage; i < end; i++) size += this.lengths[i];
    const bytes = new Uint8Array(size);
    const offsets = new Int32Array(this.messages);
    const lengths = this.lengths.slice(this.firstMessage, end);
    let position = 0;
    for (let i = 0; i < this.messages; i++) {
      const from = this.offsets[this.firstMessage + i];
      bytes.set(this.bytes.subarray(from, from + lengths[i]), position);
      offsets[i] = position;
      position += lengths[i];
    }
    const copy: Arrival = Object.assign(Object.create(Arrival.prototype), this);
    return Object.assign(copy, {
      bytes,
      view: new DataView(bytes.buffer),
      offsets,
      lengths,
      firstMessage: 0,
    });
  }
}
