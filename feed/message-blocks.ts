/**
 * Messages each behind its length in two bytes, as MoldUDP64 and IEX-TP pack them in a datagram.
 */
import { UNKNOWN_LENGTH } from "./lengths.ts";
import { Fault, type PacketBatch } from "./packet-batch.ts";

/**
 * Appends up to `count` messages of `view[start..end)` to the packet opened last. Messages before a
 * cut are kept, so are those too short for their type: their numbers have been sent.
 * @param lengths by type byte (`lengthsByType`)
 * @returns the first damage; an unknown type is told only when there is no damage
 */
export function readMessageBlocks(
  view: DataView,
  start: number,
  end: number,
  count: number,
  littleEndian: boolean,
  lengths: Uint32Array,
  out: PacketBatch,
): Fault {
  let at = start;
  let fault: Fault = Fault.None;
  for (let left = count; left > 0; left--) {
    if (at + 2 > end) return Fault.Truncated;
    const length = view.getUint16(at, littleEndian);
    const message = at + 2;
    if (message + length > end) return Fault.Truncated;
    out.addMessage(message, length);
    const known = length === 0 ? 1 : lengths[view.getUint8(message)];
    if (length < known && fault !== Fault.BadLength) {
      fault = known === UNKNOWN_LENGTH ? Fault.UnknownType : Fault.BadLength;
    }
    at = message + length;
  }
  return at < end && fault !== Fault.BadLength ? Fault.TrailingBytes : fault;
}
