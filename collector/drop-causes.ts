/**
 * Who lost what never came: each missing number is put down to the wire, or to this host's kernel if
 * it was dropping datagrams shortly before the gap was given up. A gap is told only when its window
 * has passed, so what the kernel dropped just before counts as its cause. Worst case: numbers that
 * the wire lost within a second of a drop are put down to the kernel, which is the one to mend first.
 */

/** A gap is given up this long after its datagrams were due, at the latest. */
const BLAMED_NS = 1e9;

export class DropCauses {
  /** Datagrams that the kernel dropped: no room in the ring or the receive buffer. */
  kernelDatagrams = 0;
  /** Numbers that no line brought to this host. */
  lostOnWire = 0;
  /** Numbers given up while the kernel was dropping. */
  lostInKernel = 0;
  private lost = 0;
  private droppedNs = Number.NEGATIVE_INFINITY;

  /**
   * @param kernelDatagrams all that the kernel dropped so far
   * @param lost all numbers given up so far
   * @param nowNs any clock that does not step back
   */
  note(kernelDatagrams: number, lost: number, nowNs: number): void {
    if (kernelDatagrams > this.kernelDatagrams) this.droppedNs = nowNs;
    this.kernelDatagrams = kernelDatagrams;
    const more = Math.max(0, lost - this.lost);
    if (nowNs - this.droppedNs <= BLAMED_NS) this.lostInKernel += more;
    else this.lostOnWire += more;
    this.lost += more;
  }
}
