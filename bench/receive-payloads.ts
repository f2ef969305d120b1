/**
 * What the receive test sends: an eight-byte sequence number, then messages of a simulated NSE
 * exchange, one after another. The same size gives the same bytes, so that a receiver can check them.
 */
import { Exchange } from "../sim/exchange/exchange.ts";
import { Lines } from "../sim/exchange/lines.ts";
import { EXCHANGE_DEFAULTS } from "../sim/exchange/options.ts";

/** Datagrams handed to the kernel as one. */
export const BATCH_DATAGRAMS = 64;
const BATCHES = 256;
/** After so many datagrams the bytes behind the number come again. */
export const PAYLOADS = BATCHES * BATCH_DATAGRAMS;
export const NUMBER_BYTES = 8;
const STEP_NS = 50e6;

/** `PAYLOADS` datagrams of `size` bytes, one after another, numbers still zero. */
export function payloads(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PAYLOADS * size);
  const exchange = new Exchange({
    ...EXCHANGE_DEFAULTS,
    seed: 7,
    messagesPerSecond: 200_000,
    keepMessages: 40_000,
  });
  const lines = new Lines(exchange, [0]);
  let at = 0;
  const put = (from: Uint8Array, offset: number, length: number) => {
    for (let i = 0; i < length && at < bytes.length; i++, at++) {
      if (at % size === 0) at += NUMBER_BYTES;
      bytes[at] = from[offset + i];
    }
  };
  while (at < bytes.length) {
    lines.step(exchange.nowNs + STEP_NS, {
      datagram: (_line, _stream, _sendNs, from, offset, length) => put(from, offset, length),
    });
  }
  return bytes;
}
