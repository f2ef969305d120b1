/** Where a datagram carries its stream and number, for the faults and records that need to know. */
export interface NumberLayout {
  /** 16 bits. */
  readonly streamOffset: number;
  /** 32 bits. */
  readonly sequenceOffset: number;
  readonly littleEndian: boolean;
  /** Datagrams that are not longer than this have no message. */
  readonly messageFrom: number;
}

/** NSE: 16-bit stream at 2, 32-bit number at 4, message from 8. */
export const NSE_NUMBERS: NumberLayout = {
  streamOffset: 2,
  sequenceOffset: 4,
  littleEndian: true,
  messageFrom: 8,
};

/** The stream id of the datagram at `offset`; NaN where it cannot be read. */
export function streamIn(
  numbers: NumberLayout | null,
  bytes: Uint8Array,
  offset: number,
  length: number,
): number {
  if (numbers === null || length <= numbers.messageFrom) return Number.NaN;
  return word(numbers, bytes, offset + numbers.streamOffset, 2);
}

/** Its sequence number; NaN where it cannot be read. */
export function numberIn(
  numbers: NumberLayout | null,
  bytes: Uint8Array,
  offset: number,
  length: number,
): number {
  if (numbers === null || length <= numbers.messageFrom) return Number.NaN;
  return word(numbers, bytes, offset + numbers.sequenceOffset, 4);
}

function word(numbers: NumberLayout, bytes: Uint8Array, from: number, width: number): number {
  let value = 0;
  for (let byte = 0; byte < width; byte++) {
    value = value * 256 + bytes[from + (numbers.littleEndian ? width - 1 - byte : byte)]!;
  }
  return value;
}
