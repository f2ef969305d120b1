/**
 * Who lost what never came. Each missing number is put down to one of four:
 *
 * | kernel    | no line's datagram came out of it: it was dropping shortly before the gap was given up |
 * | process   | this process had set datagrams aside shortly before, and their numbers with them        |
 * | wire      | the rest: no line brought it to this host                                               |
 * | transport | it came, and its chunk had left memory and spool before a destination took it            |
 *
 * A gap is told only when its window has passed, so what was dropped or set aside just before counts
 * as its cause. Worst case: numbers that the wire lost within a second of a drop are put down to the
 * kernel or to us, who are the ones to mend first.
 */

/** A gap is given up this long after its datagrams were due, at the latest. */
const BLAMED_NS = 1e9;
/** Chunks whose numbers are remembered until a destination has them. */
const CHUNKS_REMEMBERED = 1 << 16;

export class DropCauses {
  /** Datagrams that the kernel dropped: no room in the ring or the receive buffer. */
  kernelDatagrams = 0;
  /** Datagrams that this process could not read to their end. */
  setAside = 0;
  /** Numbers that no line brought to this host. */
  lostOnWire = 0;
  /** Numbers given up while the kernel was dropping. */
  lostInKernel = 0;
  /** Numbers given up while this process was setting datagrams aside. */
  lostInProcess = 0;
  /** Numbers that came, and that some destination can no longer get. */
  lostInTransport = 0;
  private lost = 0;
  private droppedNs = Number.NEGATIVE_INFINITY;
  private asideNs = Number.NEGATIVE_INFINITY;
  /** Numbers of the chunk, by the low bits of its own number. */
  private readonly numbers = new Float64Array(CHUNKS_REMEMBERED);

  /**
   * @param kernelDatagrams all that the kernel dropped so far
   * @param setAside all datagrams that were not read to their end so far
   * @param lost all numbers given up so far
   * @param nowNs any clock that does not step back
   */
  note(kernelDatagrams: number, setAside: number, lost: number, nowNs: number): void {
    if (kernelDatagrams > this.kernelDatagrams) this.droppedNs = nowNs;
    if (setAside > this.setAside) this.asideNs = nowNs;
    this.kernelDatagrams = kernelDatagrams;
    this.setAside = setAside;
    const more = Math.max(0, lost - this.lost);
    if (nowNs - this.droppedNs <= BLAMED_NS) this.lostInKernel += more;
    else if (nowNs - this.asideNs <= BLAMED_NS) this.lostInProcess += more;
    else this.lostOnWire += more;
    this.lost += more;
  }

  /** A chunk is on its way, with so many numbers of its stream. */
  noteChunk(number: number, numbers: number): void {
    this.numbers[number & (CHUNKS_REMEMBERED - 1)] = numbers;
  }

  /** A chunk of this boot can be sent no more; of one destination or several, it counts once. */
  noteMissed(number: number): void {
    const place = number & (CHUNKS_REMEMBERED - 1);
    this.lostInTransport += this.numbers[place];
    this.numbers[place] = 0;
  }
}
