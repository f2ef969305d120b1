/** For the tests of this folder: messages made in a line, datagrams and batches made of them. */
import { MessageBatch, MessageKind } from "../message-batch.ts";
import { OpBatch } from "../op-batch.ts";
import type { NseDecoder } from "./decoder.ts";
import { writeHeartbeat, writeOrder, writeTrade } from "./writer.ts";

export interface OrderValues {
  readonly stream?: number;
  readonly sequence?: number;
  readonly id?: number;
  readonly token?: number;
  readonly side?: string;
  readonly price?: number;
  readonly quantity?: number;
}

export interface TradeValues {
  readonly stream?: number;
  readonly sequence?: number;
  readonly buyId?: number;
  readonly sellId?: number;
  readonly token?: number;
  readonly price?: number;
  readonly quantity?: number;
}

/** 1432890900017018840 ns since 1980 as two words. */
export const TIME_HI = 333620873;
export const TIME_LO = -1369974568;

export function order(type: string, values: OrderValues = {}): Uint8Array {
  const { stream = 5, sequence = 1, id = 1600000000031378, token = 61684 } = values;
  const { side = "B", price = 7020, quantity = 600 } = values;
  const bytes = new Uint8Array(38);
  const code = type.charCodeAt(0);
  const view = new DataView(bytes.buffer);
  const sideCode = side.charCodeAt(0);
  writeOrder(
    view,
    0,
    code,
    stream,
    sequence,
    TIME_HI,
    TIME_LO,
    id,
    token,
    sideCode,
    price,
    quantity,
  );
  return bytes;
}

export function trade(type: string, values: TradeValues = {}): Uint8Array {
  const { stream = 5, sequence = 1, buyId = 1600000000031378, sellId = 0 } = values;
  const { token = 61684, price = 7025, quantity = 75 } = values;
  const bytes = new Uint8Array(45);
  const code = type.charCodeAt(0);
  const view = new DataView(bytes.buffer);
  writeTrade(
    view,
    0,
    code,
    stream,
    sequence,
    TIME_HI,
    TIME_LO,
    buyId,
    sellId,
    token,
    price,
    quantity,
  );
  return bytes;
}

export function heartbeat(stream: number, lastSequence: number): Uint8Array {
  const bytes = new Uint8Array(13);
  writeHeartbeat(new DataView(bytes.buffer), 0, stream, lastSequence);
  return bytes;
}

/** A message of a type that nobody knows, with a sound header. */
export function unknown(sequence: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, length, true);
  view.setInt16(2, 5, true);
  view.setUint32(4, sequence, true);
  bytes[8] = 0x3f;
  return bytes;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Decodes messages of one kind, in one run; the ops are at the messages' indices. */
export function decoded(
  decoder: NseDecoder,
  messages: readonly Uint8Array[],
  kind: number = MessageKind.Message,
): OpBatch {
  const batch = new MessageBatch(Math.max(1, messages.length));
  batch.bytes = joined(...messages);
  batch.view = new DataView(batch.bytes.buffer);
  batch.count = messages.length;
  let at = 0;
  for (const [i, message] of messages.entries()) {
    batch.kind[i] = kind;
    batch.offset[i] = at;
    batch.length[i] = message.length;
    at += message.length;
  }
  const ops = new OpBatch(batch.capacity);
  ops.kind.fill(0xff);
  ops.flags.fill(0xff);
  ops.side.fill(0xff);
  ops.instrument.fill(77);
  decoder.decodeRun(batch, 0, batch.count, ops);
  return ops;
}
