/**
 * The way out: gathers messages and events in one reused batch and hands it to the sink when it is
 * full, when the bytes change to another buffer, and when the input pauses.
 */
import { MessageBatch, MessageKind } from "../feed/message-batch.ts";
import type { DeliverySink } from "./delivery.ts";

export class Outlet {
  /** Written by the fast path itself; everything else calls `add`. */
  readonly batch: MessageBatch;
  private readonly sink: DeliverySink;

  constructor(sink: DeliverySink, capacity: number) {
    this.sink = sink;
    this.batch = new MessageBatch(capacity);
  }

  /** What follows lies in this buffer. */
  lieOver(bytes: Uint8Array, view: DataView): void {
    const batch = this.batch;
    if (batch.bytes === bytes && batch.view === view) return;
    this.flush();
    batch.bytes = bytes;
    batch.view = view;
  }

  /** `kind` Message: bytes in the buffer of `lieOver`. Events have no bytes: offset and length 0. */
  add(
    kind: number,
    stream: number,
    sequence: number,
    offset: number,
    length: number,
    sec: number,
    nsec: number,
    flags: number,
  ): void {
    const batch = this.batch;
    if (batch.count === batch.capacity) this.flush();
    const at = batch.count++;
    batch.kind[at] = kind;
    batch.offset[at] = offset;
    batch.length[at] = length;
    batch.stream[at] = stream;
    batch.sequence[at] = sequence;
    batch.recvSec[at] = sec;
    batch.recvNsec[at] = nsec;
    batch.flags[at] = flags;
  }

  message(
    stream: number,
    sequence: number,
    offset: number,
    length: number,
    sec: number,
    nsec: number,
    flags: number,
  ): void {
    this.add(MessageKind.Message, stream, sequence, offset, length, sec, nsec, flags);
  }

  flush(): void {
    if (this.batch.count === 0) return;
    this.sink.deliver(this.batch);
    this.batch.count = 0;
  }
}
