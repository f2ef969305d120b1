/**
 * A place among the rows of one instrument: epoch, sequence number, and how many rows of that message
 * came up to here. As text in every message of rows, so that a client that was cut off goes on
 * exactly behind the last row it has, also at another book service of the same stream.
 */
import { ApiError } from "./http-error.ts";
import type { RowRing } from "./row-ring.ts";

export interface Cursor {
  readonly epoch: number;
  readonly sequence: number;
  /** Rows of the message that are behind us; at least 1. */
  readonly row: number;
}

/** Where a replay begins: so many of the newest rows, and whether all that was asked for is there. */
export interface Unseen {
  readonly rows: number;
  readonly complete: boolean;
}

/** Rows that one message may give an instrument. */
const MESSAGE_ROWS = 64;

export function parseCursor(text: string): Cursor {
  const parts = /^(\d{1,9})\.(\d{1,16})\.(\d{1,6})$/.exec(text);
  if (parts === null) {
    throw new ApiError("bad_parameter", `cursor is '${text.slice(0, 40)}', which is none`);
  }
  return { epoch: Number(parts[1]), sequence: Number(parts[2]), row: Number(parts[3]) };
}

/** Of the instrument's row that `newer` rows follow; empty where there is no such row. */
export function cursorOf(ring: RowRing, instrument: number, newer: number): string {
  const [slot, ...older] = ring.latest(instrument, MESSAGE_ROWS, newer);
  if (slot === undefined) return "";
  let row = 1;
  for (const other of older) {
    if (ring.epoch[other] !== ring.epoch[slot]) break;
    if (ring.sequence[other] !== ring.sequence[slot]) break;
    row++;
  }
  return `${ring.epoch[slot]}.${ring.sequence[slot]}.${row}`;
}

/** The rows behind a cursor. */
export function unseenSince(ring: RowRing, instrument: number, cursor: Cursor): Unseen {
  let rows = 0;
  let same = 0;
  for (const slot of ring.latest(instrument, ring.capacity)) {
    const order = ring.epoch[slot] - cursor.epoch || ring.sequence[slot] - cursor.sequence;
    if (order < 0) return { rows: rows + Math.max(0, same - cursor.row), complete: true };
    if (order > 0) rows++;
    else same++;
  }
  // The row of the cursor itself is still there, so nothing behind it was overwritten.
  return { rows: rows + Math.max(0, same - cursor.row), complete: same >= cursor.row };
}

/** The rows captured at that time or later; 0 is all there are. */
export function unseenFrom(ring: RowRing, instrument: number, sec: number, nsec: number): Unseen {
  let rows = 0;
  for (const slot of ring.latest(instrument, ring.capacity)) {
    const order = ring.recvSec[slot] - sec || ring.recvNsec[slot] - nsec;
    if (order < 0) return { rows, complete: true };
    rows++;
  }
  return { rows, complete: rows === ring.countOf(instrument) };
}

/** "1700000000000000000" as seconds and nanoseconds; 0 is the beginning. */
export function parseStart(text: string): { readonly sec: number; readonly nsec: number } {
  if (!/^\d{1,19}$/.test(text)) {
    const message = `start is '${text.slice(0, 40)}', not nanoseconds since 1970`;
    throw new ApiError("bad_parameter", message);
  }
  const digits = text.padStart(10, "0");
  return { sec: Number(digits.slice(0, -9)), nsec: Number(digits.slice(-9)) };
}
