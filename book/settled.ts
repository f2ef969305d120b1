/**
 * When a book may be quoted. An aggressive order is published before its trades, so in between the
 * book is crossed and its best prices are nobody's quote; IEX marks the middle of an event by a flag
 * on the message. The settled view keeps such states back: a trade is joined with the quote that was
 * in force before the aggression began.
 *
 * A closing auction's book stays crossed for minutes and nothing on the feed says that it is one: it
 * is kept back all that time.
 */
import { type OpBatch, OpFlag, OpKind } from "../feed/op-batch.ts";
import type { Books } from "./books.ts";

/** True if the book of op `at` stands between two events of the exchange, not inside one. */
export function isSettled(ops: OpBatch, at: number, books: Books): boolean {
  if (ops.kind[at] === OpKind.Level) return (ops.flags[at] & OpFlag.EventEnd) !== 0;
  return !books.isCrossed(ops.instrument[at]);
}
