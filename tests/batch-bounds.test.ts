import { expect, test } from "bun:test";
import { OrderBooks } from "../book/order-books.ts";
import { MessageBatch } from "../feed/message-batch.ts";
import { nasdaqItch50 } from "../feed/nasdaq/feed.ts";
import { nseFo } from "../feed/nse/feed.ts";
import { OpBatch, OpKind } from "../feed/op-batch.ts";

const ROWS = 16;

test("rows behind a batch's last are refused by every loop, and do not keep it going", () => {
  for (const feed of [nasdaqItch50, nseFo]) {
    const messages = new MessageBatch(ROWS);
    messages.bytes = new Uint8Array(64);
    messages.view = new DataView(messages.bytes.buffer);
    const decoder = feed.decoder({});
    expect(() => decoder.decodeRun(messages, 0, ROWS + 2, new OpBatch(ROWS))).toThrow("room for");
    decoder.decodeRun(messages, 0, ROWS, new OpBatch(ROWS));
  }
  const books = new OrderBooks({ unsignedPrices: false, effects: false });
  const ops = new OpBatch(ROWS);
  ops.kind.fill(OpKind.None);
  expect(() => books.apply(ops, 0, ROWS + 2, null)).toThrow("room for");
  books.apply(ops, 0, ROWS, null);
});
