/**
 * NASDAQ's BinaryFILE: each message behind its length in two big-endian bytes, nothing else.
 *
 * Some tools publish such files with every length 0; the type's own length is taken then, and
 * counted in `mendedLengths`. A length of 0 with nothing behind it is the exchange's end mark.
 */
import { lengthsByType, UNKNOWN_LENGTH } from "../lengths.ts";
import { type PacketBatch, PacketKind } from "../packet-batch.ts";
import { NASDAQ_TABLE } from "./table.ts";

/** Twenty times the longest message: beyond it a length is damage, not a newer version. */
const LENGTH_LIMIT = 1024;
/** Messages that `sniff` wants to see right, if so many are there. */
const SNIFF_MESSAGES = 16;

const LENGTHS = lengthsByType(NASDAQ_TABLE);

/** True if the bytes begin with whole messages whose lengths are those of their types. */
export function sniffItchFile(bytes: Uint8Array): boolean {
  let at = 0;
  let seen = 0;
  while (seen < SNIFF_MESSAGES && at + 3 <= bytes.length) {
    const prefix = (bytes[at] << 8) | bytes[at + 1];
    const length = LENGTHS[bytes[at + 2]];
    if (length === UNKNOWN_LENGTH || (prefix !== length && prefix !== 0)) return false;
    if (at + 2 + length > bytes.length) break;
    at += 2 + length;
    seen++;
  }
  return seen > 0;
}

/** True if `view[from..to)`, what `split` left of the file's last block, is the end mark. */
export function isItchFileEnd(view: DataView, from: number, to: number): boolean {
  return to - from === 2 && view.getUint16(from) === 0;
}

/** See `Feed.file.split`. The packet's `sequence` is 0: the caller counts a file's messages. */
export function splitItchFile(view: DataView, from: number, to: number, out: PacketBatch): number {
  const packet = out.count;
  out.addPacket(0, PacketKind.Messages, 1, 0, 0, 0);
  const first = out.messageCount;
  let { messageOffset: offsets, messageLength: lengths } = out;
  let count = first;
  let at = from;
  let damaged = false;
  while (at + 3 <= to) {
    const prefix = view.getUint16(at);
    const length = prefix !== 0 ? prefix : LENGTHS[view.getUint8(at + 2)];
    damaged = length > LENGTH_LIMIT;
    const end = at + 2 + length;
    if (damaged || end > to) break;
    if (prefix === 0) out.mendedLengths++;
    if (count === offsets.length) {
      out.messageCount = count;
      out.addMessage(0, 0);
      offsets = out.messageOffset;
      lengths = out.messageLength;
    }
    offsets[count] = at + 2;
    lengths[count++] = length;
    at = end;
  }
  out.messageCount = count;
  out.numbers[packet] = count - first;
  out.firstMessage[packet + 1] = count;
  return damaged ? -1 - at : at;
}
