/**
 * For tests only: arbitration inside one epoch, slow and obvious, one number at a time. Shares
 * nothing with the sequencer but the words of the design.
 */
export interface ModelPacket {
  /** ms of capture time. */
  readonly at: number;
  readonly sequence: number;
  /** 0: a heartbeat that names `sequence` as the last one sent. */
  readonly messages: number;
  readonly content: (number: number) => number;
}

export class Model {
  /** `[number, content]`, in the order of delivery. */
  readonly delivered: [number, number][] = [];
  readonly lost = new Set<number>();
  /** Every number that was missing at some time, with the time at which that was seen. */
  readonly missedAt = new Map<number, number>();
  duplicates = 0;
  conflicts = 0;
  late = 0;
  first = Number.NaN;
  high = Number.NaN;
  private readonly windowMs: number;
  private readonly seen = new Map<number, number>();
  private nowMs = Number.NEGATIVE_INFINITY;
  private startedAt = Number.NaN;
  private starting = true;
  private next = Number.NaN;

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  push(packet: ModelPacket): void {
    this.nowMs = Math.max(this.nowMs, packet.at);
    if (!Number.isNaN(this.first)) this.passTime();
    const lowest = packet.messages > 0 ? packet.sequence : packet.sequence + 1;
    if (Number.isNaN(this.first)) {
      this.first = lowest;
      this.high = lowest - 1;
      this.startedAt = this.nowMs;
    }
    if (packet.messages === 0) this.miss(this.high + 1, packet.sequence);
    for (let i = 0; i < packet.messages; i++) this.take(packet, packet.sequence + i);
    if (this.starting && (this.first <= 1 || this.windowMs === 0)) this.start();
    if (!this.starting) this.deliver();
    if (this.windowMs === 0) this.passTime();
  }

  finish(): void {
    if (Number.isNaN(this.first)) return;
    this.nowMs = Number.POSITIVE_INFINITY;
    this.passTime();
  }

  private take(packet: ModelPacket, number: number): void {
    const content = packet.content(number);
    const known = this.seen.get(number);
    if (this.lost.has(number) || (!this.starting && number < this.first)) this.late++;
    else if (known === content) this.duplicates++;
    else if (known !== undefined) this.conflicts++;
    else {
      this.seen.set(number, content);
      if (number > this.high) {
        this.miss(this.high + 1, number - 1);
        this.high = number;
      }
      if (number < this.first) {
        // Numbers of this very packet are on their way: they are not missing.
        const from = Math.max(number + 1, packet.sequence + packet.messages);
        this.miss(from, this.first - 1);
        this.first = number;
      }
    }
  }

  private miss(from: number, to: number): void {
    for (let number = from; number <= to; number++) this.missedAt.set(number, this.nowMs);
    this.high = Math.max(this.high, to);
  }

  private start(): void {
    this.starting = false;
    this.next = this.first;
  }

  private passTime(): void {
    if (this.starting && this.nowMs > this.startedAt + this.windowMs) this.start();
    if (this.starting) return;
    this.deliver();
    while (this.next <= this.high) {
      const since = this.missedAt.get(this.next) as number;
      if (this.windowMs > 0 && !(this.nowMs > since + this.windowMs)) break;
      this.lost.add(this.next++);
      this.deliver();
    }
  }

  private deliver(): void {
    while (this.seen.has(this.next)) {
      this.delivered.push([this.next, this.seen.get(this.next) as number]);
      this.next++;
    }
  }
}
