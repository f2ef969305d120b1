import { expect, test } from "bun:test";
import fc from "fast-check";
import type { WireValue } from "../codec.ts";
import { layoutsByType, writeMessage } from "../codec.ts";
import { nseFo } from "./feed.ts";
import { writeHeartbeat, writeOrder, writeTrade } from "./writer.ts";

const int32 = fc.integer();
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const stream = fc.integer({ min: 1, max: 32767 });

function byTable(type: string, values: Record<string, WireValue>): Uint8Array {
  const layout = layoutsByType(nseFo.table)[type.charCodeAt(0)];
  if (layout === undefined) throw new Error(`no message ${type}`);
  const bytes = new Uint8Array(layout.length);
  const header = { msg_len: layout.length, message_type: type };
  writeMessage(nseFo.table, layout, { ...header, ...values }, new DataView(bytes.buffer), 0);
  return bytes;
}

function written(write: (view: DataView) => number): Uint8Array {
  const bytes = new Uint8Array(64);
  return bytes.slice(0, write(new DataView(bytes.buffer)));
}

test("the fast order writer writes the table's bytes", () => {
  const types = fc.constantFrom(..."NMXGHJ");
  const side = fc.constantFrom("B", "S");
  const numbers = fc.tuple(stream, uint32, int32, int32, fc.maxSafeNat(), int32, int32, int32);
  fc.assert(
    fc.property(
      types,
      side,
      numbers,
      (type, way, [id, seq, hi, lo, order_id, token, price, quantity]) => {
        const code = type.charCodeAt(0);
        const wayCode = way.charCodeAt(0);
        const fast = written((view) =>
          writeOrder(view, 0, code, id, seq, hi, lo, order_id, token, wayCode, price, quantity),
        );
        const timestamp = (BigInt(hi) << 32n) | BigInt(lo >>> 0);
        const header = { stream_id: id, seq_no: seq, timestamp };
        const rest = { order_id, token, side: way, price, quantity };
        expect(fast).toEqual(byTable(type, { ...header, ...rest }));
      },
    ),
  );
});

test("the fast trade writer writes the table's bytes", () => {
  const types = fc.constantFrom(..."TKC");
  const ids = fc.tuple(fc.maxSafeNat(), fc.maxSafeNat());
  const numbers = fc.tuple(stream, uint32, int32, int32, int32, int32, int32);
  fc.assert(
    fc.property(
      types,
      ids,
      numbers,
      (type, [buy, sell], [id, seq, hi, lo, token, price, quantity]) => {
        const code = type.charCodeAt(0);
        const fast = written((view) =>
          writeTrade(view, 0, code, id, seq, hi, lo, buy, sell, token, price, quantity),
        );
        const timestamp = (BigInt(hi) << 32n) | BigInt(lo >>> 0);
        const header = { stream_id: id, seq_no: seq, timestamp };
        const rest = { buy_order_id: buy, sell_order_id: sell, token, price, quantity };
        expect(fast).toEqual(byTable(type, { ...header, ...rest }));
      },
    ),
  );
});

test("the fast heartbeat writer writes the table's bytes", () => {
  fc.assert(
    fc.property(stream, uint32, (id, last) => {
      const fast = written((view) => writeHeartbeat(view, 0, id, last));
      expect(fast).toEqual(byTable("Z", { stream_id: id, seq_no: 0, last_seq_no: last }));
    }),
  );
});
