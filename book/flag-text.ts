/** A set of row flags as letters, in the order of the public interface: `GX`. */
import { FLAG_LETTERS } from "../feed/message-batch.ts";

export function flagText(flags: number): string {
  let text = "";
  for (let bit = 0; bit < FLAG_LETTERS.length; bit++) {
    if (flags & (1 << bit)) text += FLAG_LETTERS[bit];
  }
  return text;
}
