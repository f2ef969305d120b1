/** The columns of a joined row: from the caller's event, from a row that waited, from a record. */
import type { AsOfEvent, JoinedBatch } from "./joined-batch.ts";
import { Field } from "./quote-store.ts";

export function fillEvent(out: JoinedBatch, row: number, event: AsOfEvent): void {
  out.stream[row] = event.stream;
  out.key[row] = event.key;
  out.instrument[row] = event.instrument;
  out.sec[row] = event.sec;
  out.nsec[row] = event.nsec;
  out.sequence[row] = event.sequence;
  out.recvSec[row] = event.recvSec;
  out.recvNsec[row] = event.recvNsec;
  out.price[row] = event.price;
  out.size[row] = event.size;
  out.side[row] = event.side;
  out.action[row] = event.action;
  out.tradeIdLo[row] = event.tradeIdLo;
  out.tradeIdHi[row] = event.tradeIdHi;
  out.flags[row] = event.flags;
}

export function copyEvent(from: JoinedBatch, slot: number, out: JoinedBatch, row: number): void {
  out.stream[row] = from.stream[slot];
  out.key[row] = from.key[slot];
  out.instrument[row] = from.instrument[slot];
  out.sec[row] = from.sec[slot];
  out.nsec[row] = from.nsec[slot];
  out.sequence[row] = from.sequence[slot];
  out.recvSec[row] = from.recvSec[slot];
  out.recvNsec[row] = from.recvNsec[slot];
  out.price[row] = from.price[slot];
  out.size[row] = from.size[slot];
  out.side[row] = from.side[slot];
  out.action[row] = from.action[slot];
  out.tradeIdLo[row] = from.tradeIdLo[slot];
  out.tradeIdHi[row] = from.tradeIdHi[slot];
  out.flags[row] = from.flags[slot];
}

/** The quote's columns, from the record that begins at `at`. */
export function fillQuote(out: JoinedBatch, row: number, records: Float64Array, at: number): void {
  out.quoteSec[row] = records[at];
  out.quoteNsec[row] = records[at + Field.Nsec];
  out.quoteSequence[row] = records[at + Field.Sequence];
  out.bidPrice[row] = records[at + Field.BidPrice];
  out.bidSize[row] = records[at + Field.BidSize];
  out.bidOrders[row] = records[at + Field.BidOrders];
  out.askPrice[row] = records[at + Field.AskPrice];
  out.askSize[row] = records[at + Field.AskSize];
  out.askOrders[row] = records[at + Field.AskOrders];
  out.quoteFlags[row] = records[at + Field.Flags];
}

/** What a row says of its quote. */
export function copyAnswer(from: JoinedBatch, slot: number, out: JoinedBatch, row: number): void {
  out.verdict[row] = from.verdict[slot];
  out.quoteSec[row] = from.quoteSec[slot];
  out.quoteNsec[row] = from.quoteNsec[slot];
  out.quoteSequence[row] = from.quoteSequence[slot];
  out.bidPrice[row] = from.bidPrice[slot];
  out.bidSize[row] = from.bidSize[slot];
  out.bidOrders[row] = from.bidOrders[slot];
  out.askPrice[row] = from.askPrice[slot];
  out.askSize[row] = from.askSize[slot];
  out.askOrders[row] = from.askOrders[slot];
  out.quoteFlags[row] = from.quoteFlags[slot];
}
