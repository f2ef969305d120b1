/**
 * Whether a datagram is made exactly as its feed's shape says, so that it can be built again from
 * its messages: header, then messages of known types at their table's lengths, each with its length
 * in front where the shape has one, and nothing behind. Anything else travels raw.
 */
import type { FeedPlan } from "./plan.ts";

/** No UDP datagram holds more of the shortest message. */
const MESSAGES_LIMIT = 1 << 13;

export class FrameParser {
  /** Of the messages of the datagram parsed last: where they are, and their type's index. */
  readonly at = new Int32Array(MESSAGES_LIMIT);
  readonly layout = new Int16Array(MESSAGES_LIMIT);
  private readonly plan: FeedPlan;

  constructor(plan: FeedPlan) {
    this.plan = plan;
  }

  /** Messages in the datagram, or -1 if it cannot be built again. */
  parse(view: DataView, start: number, length: number): number {
    const { shape, layouts, layoutOf, typeOffset } = this.plan;
    const { lengthBytes } = shape;
    const end = start + length;
    let at = start + shape.headerBytes;
    if (at > end || length === 0) return -1;
    let count = 0;
    while (at < end) {
      const message = at + lengthBytes;
      if (message + typeOffset >= end || count === MESSAGES_LIMIT) return -1;
      const index = layoutOf[view.getUint8(message + typeOffset)];
      if (index < 0) return -1;
      const layout = layouts[index];
      at = message + layout.length;
      if (at > end) return -1;
      if (lengthBytes === 2 && view.getUint16(message - 2, shape.littleEndian) !== layout.length) {
        return -1;
      }
      this.at[count] = message;
      this.layout[count++] = index;
    }
    return count;
  }
}
