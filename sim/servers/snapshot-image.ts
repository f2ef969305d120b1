/**
 * The image of all live orders of a stream, as NSE's snapshot server gives it: a header of 16 bytes
 * and 30 for each order, which are the multicast order message without its stream header.
 */
import { writeSnapshotHeader } from "../../feed/nse/recovery.ts";
import { SNAPSHOT_HEADER_LENGTH, SNAPSHOT_RECORD_LENGTH } from "../../feed/nse/recovery-table.ts";
import { type FeedEncoder, OrderEvent } from "../exchange/encoder.ts";
import type { StreamEngine } from "../exchange/stream-engine.ts";

/** Bytes of the stream header that a record leaves out. */
const LEFT_OUT = 8;

/**
 * A record's time: of the place in the queue, from which queues can be told again; or of the last
 * message about the order, from which they cannot. The exchange's document does not say which.
 */
export type RecordTime = "placed" | "changed";

export interface SnapshotImage {
  readonly bytes: Uint8Array;
  readonly orders: number;
  /** Last number whose effect it contains. */
  readonly lastSequence: number;
  /** Restarts of the stream before it was made. */
  readonly epoch: number;
}

/** The stream as it stands now: exact between two steps of the exchange. */
export function snapshotImage(
  stream: StreamEngine,
  encoder: FeedEncoder,
  times: RecordTime,
): SnapshotImage {
  const orders = stream.liveOrders;
  const { lastSequence } = stream.publisher;
  const bytes = new Uint8Array(SNAPSHOT_HEADER_LENGTH + orders * SNAPSHOT_RECORD_LENGTH);
  const header = { stream: stream.id, orders, lastSequence };
  let at = writeSnapshotHeader(header, new DataView(bytes.buffer), 0);
  const scratch = new DataView(new ArrayBuffer(encoder.maxLength));
  const record = new Uint8Array(scratch.buffer, LEFT_OUT, SNAPSHOT_RECORD_LENGTH);
  stream.forEachOrder((order) => {
    encoder.order(
      scratch,
      0,
      stream.id,
      0,
      OrderEvent.New,
      times === "placed" ? order.placedNs : order.changedNs,
      order.id,
      order.instrument,
      order.side,
      order.price,
      order.quantity,
    );
    bytes.set(record, at);
    at += SNAPSHOT_RECORD_LENGTH;
  });
  return { bytes, orders, lastSequence, epoch: stream.log.epoch };
}
