/**
 * What stands around messages in a datagram of each feed, as data: the header's fields, and what
 * their values follow from. Beside it hints of what messages do to orders. A wrong hint costs
 * bytes, never correctness: the codec gives back any bytes.
 */

/** What a header's value can be foretold from. */
export type HeaderRole =
  | "same"
  /** One more than the last number of the packet before on this channel. */
  | "sequence"
  /** Messages in the packet. */
  | "count"
  /** Bytes of messages in the packet. */
  | "bytes"
  /** Bytes of messages before this packet on this channel. */
  | "position"
  /** When the exchange sent the packet, in the messages' clock. */
  | "time";

export interface HeaderField {
  readonly role: HeaderRole;
  readonly offset: number;
  readonly width: number;
}

/** What a message does to the orders that it names, where that is not to set their state. */
export type OrderEffect = "trade" | "reduce" | "remove" | "replace";

export interface PacketShape {
  readonly littleEndian: boolean;
  readonly header: readonly HeaderField[];
  readonly headerBytes: number;
  /** Bytes of the length in front of each message; 0: its type says it. */
  readonly lengthBytes: 0 | 2;
  /** Field of the messages that counts them on their channel, where the header does not. */
  readonly sequenceName?: string;
  /** By message name of the layout table. */
  readonly effects: Readonly<Record<string, OrderEffect>>;
}

const NSE: PacketShape = {
  littleEndian: true,
  header: [],
  headerBytes: 0,
  lengthBytes: 0,
  sequenceName: "seq_no",
  effects: { trade: "trade", spread_trade: "trade", trade_cancel: "trade" },
};

const MOLD: PacketShape = {
  littleEndian: false,
  header: [
    { role: "same", offset: 0, width: 4 },
    { role: "same", offset: 4, width: 4 },
    { role: "same", offset: 8, width: 2 },
    { role: "sequence", offset: 10, width: 8 },
    { role: "count", offset: 18, width: 2 },
  ],
  headerBytes: 20,
  lengthBytes: 2,
  effects: {
    order_executed: "trade",
    order_executed_with_price: "trade",
    order_cancel: "reduce",
    order_delete: "remove",
    order_replace: "replace",
  },
};

const IEX_TP: PacketShape = {
  littleEndian: true,
  header: [
    { role: "same", offset: 0, width: 4 },
    { role: "same", offset: 4, width: 4 },
    { role: "same", offset: 8, width: 4 },
    { role: "bytes", offset: 12, width: 2 },
    { role: "count", offset: 14, width: 2 },
    { role: "position", offset: 16, width: 8 },
    { role: "sequence", offset: 24, width: 8 },
    { role: "time", offset: 32, width: 8 },
  ],
  headerBytes: 40,
  lengthBytes: 2,
  effects: {},
};

/** By feed id; a feed that is not here travels in the `raw` codec. */
export const PACKET_SHAPES: Readonly<Record<string, PacketShape>> = {
  "nse-cm": NSE,
  "nse-fo": NSE,
  "nse-cd": NSE,
  "nse-co": NSE,
  "nasdaq-itch50": MOLD,
  "iex-deep": IEX_TP,
  "iex-tops": IEX_TP,
};
