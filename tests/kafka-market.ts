/** A made-up morning of an NSE segment as a capture: orders on several streams, some traded. */
import { writeFileSync } from "node:fs";
import { ethernet, ipv4, pcapFile, udp } from "./capture-files.ts";
import { nseMessage } from "./nse-messages.ts";

/** 27 November 2023, 09:15 in India; the feed counts nanoseconds from 1980. */
export const MORNING_SEC = 1_701_056_700;
const NSE_EPOCH_SEC = 315_532_800 - 19_800;
const FIRST_TOKEN = 35_001;
/** Instruments of a stream. */
const TOKENS = 3;

export const tokensOf = (streams: number): string[] =>
  Array.from({ length: streams * TOKENS }, (_, at) => String(FIRST_TOKEN + at));

/** @param from the first number of each stream, so that one capture can follow another */
export function writeMorning(path: string, streams: number, messages: number, from = 1): void {
  const packets = Array.from({ length: streams * messages }, (_, at) => {
    const [stream, number] = [(at % streams) + 1, Math.floor(at / streams) + from];
    const usec = (number - from) * streams + (at % streams) + from * streams;
    return {
      sec: MORNING_SEC + Math.floor(usec / 1000),
      fraction: (usec % 1000) * 1000,
      bytes: ethernet(
        0x0800,
        ipv4(`239.1.1.${stream}`, udp(10_000, message(stream, number, usec))),
      ),
    };
  });
  writeFileSync(path, pcapFile(packets));
}

/** Buys and sells in turns, and every fifth message trades the two before it. */
function message(stream: number, number: number, usec: number): Uint8Array {
  const timestamp = BigInt(MORNING_SEC - NSE_EPOCH_SEC) * 1_000_000_000n + BigInt(usec) * 1000n;
  const token = FIRST_TOKEN + (stream - 1) * TOKENS + (Math.floor((number - 1) / 5) % TOKENS);
  const id = (of: number) => of * 10 + stream;
  if (number % 5 === 0) {
    const [buy, sell] = number % 2 === 0 ? [number - 1, number - 2] : [number - 2, number - 1];
    const ids = { buy_order_id: id(buy), sell_order_id: id(sell) };
    const trade = { ...ids, token, price: 7000, quantity: 10, timestamp };
    return nseMessage("T", number, trade, stream);
  }
  const isSell = number % 2 === 0;
  const price = 7000 + (isSell ? 5 : -5) * (1 + (number % 11));
  const side = isSell ? "S" : "B";
  const order = { order_id: id(number), token, side, price, quantity: 50, timestamp };
  return nseMessage("N", number, order, stream);
}
