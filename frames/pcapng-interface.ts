/** The interface description block of pcapng: link type, snap length, and the clock's unit. */
import { PcapngClock } from "./pcapng-clock.ts";

export interface PcapngInterface {
  readonly linkType: number;
  /** Longest packet that a simple block holds; without a limit 0 is written. */
  readonly snapLength: number;
  readonly clock: PcapngClock;
}

const OPTION_END = 0;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;
const MICROSECONDS = 6;

/** Reads the block of `length` bytes at `at`, all but its last four; half options are left unread. */
export function readInterface(
  view: DataView,
  at: number,
  length: number,
  littleEndian: boolean,
): PcapngInterface {
  let resolution = MICROSECONDS;
  let offsetSec = 0;
  const end = at + length - 4;
  let option = at + 16;
  while (end - option >= 4) {
    const code = view.getUint16(option, littleEndian);
    const size = view.getUint16(option + 2, littleEndian);
    if (code === OPTION_END || option + 4 + size > end) break;
    if (code === OPTION_RESOLUTION && size >= 1) resolution = view.getUint8(option + 4);
    if (code === OPTION_OFFSET && size >= 8) {
      offsetSec = Number(view.getBigInt64(option + 4, littleEndian));
    }
    option += 4 + ((size + 3) & ~3);
  }
  return {
    linkType: view.getUint16(at + 8, littleEndian),
    snapLength: view.getUint32(at + 12, littleEndian) || 0xffffffff,
    clock: new PcapngClock(resolution, offsetSec),
  };
}
