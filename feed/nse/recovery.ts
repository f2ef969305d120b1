/**
 * Readers and writers of NSE's requests, replies and snapshot headers. Bytes only: who connects to
 * whom, the limits and the waiting belong to the collector and to the simulated exchange.
 * Readers give undefined for what is cut short or is something else.
 */
import { fieldNumber, layoutAt } from "../codec-fields.ts";
import { readValues, writeMessage } from "../codec-write.ts";
import type { FeedTable, MessageLayout } from "../layout.ts";
import {
  RECOVERY_REPLY,
  RECOVERY_REQUEST,
  REPLY_LENGTH,
  REPLY_TABLE,
  REQUEST_LENGTH,
  REQUEST_TABLE,
  SNAPSHOT_CODE,
  SNAPSHOT_HEADER,
  SNAPSHOT_HEADER_LENGTH,
  SNAPSHOT_HEADER_TABLE,
  SNAPSHOT_RECORD_LENGTH,
  SNAPSHOT_REPLY,
  SNAPSHOT_REQUEST,
} from "./recovery-table.ts";

/** Most messages that one request may ask for. */
export const MOST_RECOVERED = 300_000;

export interface NseRequest {
  readonly kind: "recovery" | "snapshot";
  readonly stream: number;
  /** Inclusive; both 0 for a snapshot. */
  readonly first: number;
  readonly last: number;
}

export interface NseReply {
  readonly kind: "recovery" | "snapshot";
  readonly stream: number;
  readonly success: boolean;
}

export interface SnapshotHeader {
  readonly stream: number;
  readonly orders: number;
  readonly lastSequence: number;
}

/** Writes 11 bytes at `at`; returns how many. */
export function writeRequest(request: NseRequest, view: DataView, at: number): number {
  const layout = request.kind === "recovery" ? RECOVERY_REQUEST : SNAPSHOT_REQUEST;
  const values = {
    message_type: layout.type,
    stream_id: request.stream,
    first_seq_no: request.first,
    last_seq_no: request.last,
  };
  return writeMessage(REQUEST_TABLE, layout, values, view, at);
}

export function readRequest(view: DataView, at: number, length: number): NseRequest | undefined {
  const layout = layoutAt(REQUEST_TABLE, view, at, length);
  if (layout === undefined || length < REQUEST_LENGTH) return undefined;
  const number = numbersOf(REQUEST_TABLE, layout, view, at);
  return {
    kind: layout.type === "R" ? "recovery" : "snapshot",
    stream: number("stream_id"),
    first: number("first_seq_no"),
    last: number("last_seq_no"),
  };
}

/** Writes 10 bytes at `at`; returns how many. */
export function writeReply(reply: NseReply, view: DataView, at: number): number {
  const layout = reply.kind === "recovery" ? RECOVERY_REPLY : SNAPSHOT_REPLY;
  const values = {
    msg_len: REPLY_LENGTH,
    stream_id: reply.stream,
    message_type: layout.type,
    status: reply.success ? "S" : "E",
  };
  return writeMessage(REPLY_TABLE, layout, values, view, at);
}

export function readReply(view: DataView, at: number, length: number): NseReply | undefined {
  const layout = layoutAt(REPLY_TABLE, view, at, length);
  if (layout === undefined || length < REPLY_LENGTH) return undefined;
  const { msg_len, stream_id, status } = readValues(REPLY_TABLE, layout, view, at);
  if (msg_len !== REPLY_LENGTH || (status !== "S" && status !== "E")) return undefined;
  return {
    kind: layout.type === "Y" ? "recovery" : "snapshot",
    stream: Number(stream_id),
    success: status === "S",
  };
}

/** Writes 16 bytes at `at`; returns how many. */
export function writeSnapshotHeader(header: SnapshotHeader, view: DataView, at: number): number {
  const values = {
    trans_code: SNAPSHOT_CODE,
    total_size: SNAPSHOT_HEADER_LENGTH + header.orders * SNAPSHOT_RECORD_LENGTH,
    order_count: header.orders,
    last_seq_no: header.lastSequence,
    stream_id: header.stream,
  };
  return writeMessage(SNAPSHOT_HEADER_TABLE, SNAPSHOT_HEADER, values, view, at);
}

/** Undefined also where code, size and count do not agree: nothing behind it could be trusted. */
export function readSnapshotHeader(
  view: DataView,
  at: number,
  length: number,
): SnapshotHeader | undefined {
  if (length < SNAPSHOT_HEADER_LENGTH) return undefined;
  const number = numbersOf(SNAPSHOT_HEADER_TABLE, SNAPSHOT_HEADER, view, at);
  const orders = number("order_count");
  const bytes = SNAPSHOT_HEADER_LENGTH + orders * SNAPSHOT_RECORD_LENGTH;
  if (number("trans_code") !== SNAPSHOT_CODE || orders < 0) return undefined;
  if (number("total_size") !== bytes) return undefined;
  return { stream: number("stream_id"), orders, lastSequence: number("last_seq_no") };
}

function numbersOf(table: FeedTable, layout: MessageLayout, view: DataView, at: number) {
  return (name: string): number => {
    const field = layout.fields.find((candidate) => candidate.name === name);
    return field === undefined ? Number.NaN : fieldNumber(field, table, view, at);
  };
}
