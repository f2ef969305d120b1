/** Message lengths by type byte, as the hot loops want them: one load says unknown or too short. */
import type { FeedTable } from "./layout.ts";

/** Stands for an unknown type: no message is as long, so one comparison finds both troubles. */
export const UNKNOWN_LENGTH = 0xffff_ffff;

/** @returns 256 lengths in bytes by the code of a type's first letter; `UNKNOWN_LENGTH` elsewhere. */
export function lengthsByType(table: FeedTable): Uint32Array {
  const lengths = new Uint32Array(256).fill(UNKNOWN_LENGTH);
  for (const message of table.messages) lengths[message.type.charCodeAt(0)] = message.length;
  return lengths;
}
