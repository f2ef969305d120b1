/** The golden vectors of the protocol reference, section 10: made from the layout, not captured. */
import { describe, expect, test } from "bun:test";
import { messageRow, writeMessage } from "../codec.ts";
import { formatNs } from "../time.ts";
import { nseFo } from "./feed.ts";
import {
  readReply,
  readRequest,
  readSnapshotHeader,
  writeReply,
  writeRequest,
  writeSnapshotHeader,
} from "./recovery.ts";
import { snapshotRecordTable } from "./recovery-table.ts";

const STAMP = "89 ae a6 e2 13";
const ID = "48 ea 91 1e c4 bc 16 43";
const VECTORS = {
  N: `26 00 05 00 01 00 00 00 4e d8 77 67 ${STAMP} ${ID} f4 f0 00 00 42 6c 1b 00 00 58 02 00 00`,
  M: `26 00 05 00 02 00 00 00 4d c0 7b 67 ${STAMP} ${ID} f4 f0 00 00 42 71 1b 00 00 c2 01 00 00`,
  T:
    `2d 00 05 00 03 00 00 00 54 a8 7f 67 ${STAMP} ${ID} ` +
    "00 00 00 00 00 00 00 00 f4 f0 00 00 71 1b 00 00 4b 00 00 00",
  X: `26 00 05 00 04 00 00 00 58 90 83 67 ${STAMP} ${ID} f4 f0 00 00 42 00 00 00 00 00 00 00 00`,
  Z: "0d 00 05 00 00 00 00 00 5a 04 00 00 00",
};
const SNAPSHOT_HEAD = "05 29 2e 00 00 00 01 00 00 00 04 00 00 00 05 00";
const SNAPSHOT_ORDER = `4e d8 77 67 ${STAMP} ${ID} f4 f0 00 00 42 71 1b 00 00 77 01 00 00`;

function bytes(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));
}

function viewOf(hex: string): DataView {
  return new DataView(bytes(hex).buffer);
}

const HEAD = { msg_len: 38, stream_id: 5, token: 61684 };
const ORDER = { ...HEAD, order_id: 1600000000031378, side: "B" };
const START = 1432890900017018840n;

describe("the golden vectors", () => {
  test("are what the table's writer writes", () => {
    const written = {
      N: { ...ORDER, seq_no: 1, message_type: "N", timestamp: START, price: 7020, quantity: 600 },
      M: {
        ...{ ...ORDER, seq_no: 2, message_type: "M", timestamp: START + 1000n },
        ...{ price: 7025, quantity: 450 },
      },
      T: {
        ...{ ...HEAD, msg_len: 45, seq_no: 3, message_type: "T", timestamp: START + 2000n },
        ...{ buy_order_id: 1600000000031378, sell_order_id: 0, price: 7025, quantity: 75 },
      },
      X: { ...ORDER, seq_no: 4, message_type: "X", timestamp: START + 3000n },
      Z: { msg_len: 13, stream_id: 5, message_type: "Z", last_seq_no: 4 },
    };
    for (const layout of nseFo.table.messages) {
      const type = layout.type as keyof typeof VECTORS;
      if (VECTORS[type] === undefined) continue;
      const out = new Uint8Array(layout.length);
      writeMessage(nseFo.table, layout, written[type], new DataView(out.buffer), 0);
      expect(out).toEqual(bytes(VECTORS[type]));
    }
  });

  test("are what the reader prints: exact prices, whole ids, its own nanoseconds", () => {
    const view = viewOf(VECTORS.T);
    const row = messageRow(nseFo.table, view, 0, view.byteLength);
    expect(row?.layout.name).toBe("trade");
    expect(Object.fromEntries(row?.names.map((name, i) => [name, row.values[i]]) ?? [])).toEqual({
      msg_len: "45",
      stream_id: "5",
      seq_no: "3",
      message_type: "T",
      timestamp: "1432890900017020840",
      buy_order_id: "1600000000031378",
      sell_order_id: "0",
      token: "61684",
      price: "70.25",
      quantity: "75",
    });
  });

  test("the exchange's clock is India's: 09:15:00.017 there is 03:45:00.017 UTC", () => {
    const view = viewOf(VECTORS.N);
    const time = { sec: 0, nsec: 0 };
    nseFo.eventTime(view.getInt32(13, true), view.getInt32(9, true), Number.NaN, time);
    expect(formatNs(time.sec, time.nsec)).toBe("1748403900017018840");
    expect(new Date(time.sec * 1000).toISOString()).toBe("2025-05-28T03:45:00.000Z");
  });

  test("requests and replies are read as they are written", () => {
    const request = { kind: "recovery", stream: 5, first: 2, last: 3 } as const;
    const snapshot = { kind: "snapshot", stream: 5, first: 0, last: 0 } as const;
    for (const [hex, value] of [
      ["52 05 00 02 00 00 00 03 00 00 00", request],
      ["4f 05 00 00 00 00 00 00 00 00 00", snapshot],
    ] as const) {
      const out = new Uint8Array(11);
      expect(writeRequest(value, new DataView(out.buffer), 0)).toBe(11);
      expect(out).toEqual(bytes(hex));
      expect(readRequest(viewOf(hex), 0, 11)).toEqual(value);
      expect(readRequest(viewOf(hex), 0, 10)).toBeUndefined();
    }
    for (const [hex, kind] of [
      ["0a 00 05 00 00 00 00 00 59 53", "recovery"],
      ["0a 00 05 00 00 00 00 00 42 53", "snapshot"],
    ] as const) {
      const out = new Uint8Array(10);
      expect(writeReply({ kind, stream: 5, success: true }, new DataView(out.buffer), 0)).toBe(10);
      expect(out).toEqual(bytes(hex));
      expect(readReply(viewOf(hex), 0, 10)).toEqual({ kind, stream: 5, success: true });
      expect(readReply(viewOf(hex.replace(/53$/, "45")), 0, 10)?.success).toBe(false);
      expect(readReply(viewOf(hex.replace(/53$/, "00")), 0, 10)).toBeUndefined();
    }
  });

  test("a snapshot's head agrees with itself, its order is a message without header", () => {
    const head = { stream: 5, orders: 1, lastSequence: 4 };
    const out = new Uint8Array(16);
    expect(writeSnapshotHeader(head, new DataView(out.buffer), 0)).toBe(16);
    expect(out).toEqual(bytes(SNAPSHOT_HEAD));
    expect(readSnapshotHeader(viewOf(SNAPSHOT_HEAD), 0, 16)).toEqual(head);
    expect(readSnapshotHeader(viewOf(SNAPSHOT_HEAD), 0, 15)).toBeUndefined();
    for (const at of [0, 2, 6]) {
      const view = viewOf(SNAPSHOT_HEAD);
      view.setUint8(at, view.getUint8(at) ^ 2);
      expect(readSnapshotHeader(view, 0, 16)).toBeUndefined();
    }
    const row = messageRow(snapshotRecordTable(2), viewOf(SNAPSHOT_ORDER), 0, 30);
    expect(row?.layout.name).toBe("snapshot_new_order");
    expect(row?.values.slice(-6)).toEqual([
      "1432890900017018840",
      "1600000000031378",
      "61684",
      "B",
      "70.25",
      "375",
    ]);
  });
});
