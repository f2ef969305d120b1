/**
 * What an NSE capture holds, read by hand at the document's offsets and with no code of ours: the
 * exchange's own account of a day, to hold tables against. One message a datagram, Ethernet frames.
 */
import { closeSync, openSync, readSync } from "node:fs";

export interface Sums {
  readonly count: number;
  readonly quantity: number;
  /** In paise. */
  readonly price: number;
}

export interface WireAccount {
  readonly messages: number;
  readonly lastNumber: number;
  /** Orders that are new or changed, and trades. */
  readonly placed: Sums;
  readonly traded: Sums;
}

const FILE_HEADER = 24;
const PACKET_HEADER = 16;
/** Ethernet, IPv4 and UDP. */
const LINK_BYTES = 42;
const BUFFER_BYTES = 8 << 20;
const LONGEST = 256;
/** Of contracts and of spreads: N, M, G, H; T, K. A change of an order that nobody knows makes it new. */
const ORDERS: readonly number[] = [0x4e, 0x4d, 0x47, 0x48];
const TRADES: readonly number[] = [0x54, 0x4b];

/** @param path of a classic pcap in this machine's byte order */
export function wireAccount(path: string): WireAccount {
  const file = openSync(path, "r");
  const bytes = new Uint8Array(BUFFER_BYTES + LONGEST);
  const view = new DataView(bytes.buffer);
  const [placed, traded] = [newSums(), newSums()];
  let messages = 0;
  let lastNumber = 0;
  let held = 0;
  let at = FILE_HEADER;
  try {
    for (;;) {
      const read = readSync(file, bytes, held, BUFFER_BYTES - held, null);
      if (read === 0) break;
      held += read;
      for (;;) {
        if (at + PACKET_HEADER > held) break;
        const end = at + PACKET_HEADER + view.getUint32(at + 8, true);
        if (end > held) break;
        const message = at + PACKET_HEADER + LINK_BYTES;
        const number = view.getUint32(message + 4, true);
        const type = bytes[message + 8];
        at = end;
        // A heartbeat has no number.
        if (number === 0) continue;
        messages++;
        lastNumber = number;
        if (ORDERS.includes(type)) add(placed, view, message + 30);
        else if (TRADES.includes(type)) add(traded, view, message + 37);
      }
      bytes.copyWithin(0, at, held);
      held -= at;
      at = 0;
    }
  } finally {
    closeSync(file);
  }
  return { messages, lastNumber, placed, traded };
}

const newSums = () => ({ count: 0, quantity: 0, price: 0 });

/** A price, and behind it a quantity. */
function add(sums: ReturnType<typeof newSums>, view: DataView, at: number): void {
  sums.count++;
  sums.price += view.getInt32(at, true);
  sums.quantity += view.getInt32(at + 4, true);
}
