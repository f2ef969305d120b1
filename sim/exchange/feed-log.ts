/**
 * Everything that one stream has sent, byte for byte, in the order of sending: what its lines
 * bring and what its recovery server answers from.
 *
 * Blocks of typed arrays; the oldest block makes room for the newest once the log is full (it then
 * holds the last `keepMessages`, rounded up to blocks). Positions count on and are never reused.
 */
const BLOCK = 8192;

/** Part of a log; `at(position)` says which, `slot(position)` where in it. */
export interface LogBlock {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly offset: Int32Array;
  readonly length: Uint16Array;
  /** Of a heartbeat: the last number sent. */
  readonly sequence: Float64Array;
  /** Nanoseconds since the exchange's start; exact. */
  readonly timeNs: Float64Array;
  /** 0: a heartbeat, which has no number of its own. */
  readonly numbered: Uint8Array;
}

export class FeedLog {
  /** Where the next message goes; the encoder writes at `writeAt` of `writeView`. */
  writeView: DataView;
  writeAt = 0;
  /** Positions from `first` (where a block starts) up to, not including, `end` are there. */
  first = 0;
  end = 0;
  /** Position of the first message of this epoch. */
  epochStart = 0;
  /** How many epochs there were before this one. */
  epoch = 0;

  private readonly epochStarts: number[] = [];
  private readonly blocks: LogBlock[] = [];
  private readonly blocksLimit: number;
  private readonly maxLength: number;

  /** @param maxLength bytes of the longest message */
  constructor(maxLength: number, keepMessages: number) {
    this.maxLength = maxLength;
    this.blocksLimit = Math.max(2, Math.ceil(keepMessages / BLOCK));
    this.blocks.push(newBlock(maxLength));
    this.writeView = this.blocks[0]!.view;
  }

  /** Keeps the message that was written at `writeAt`. */
  append(length: number, sequence: number, timeNs: number, isNumbered: boolean): void {
    const slot = this.end % BLOCK;
    const block = this.blocks[this.blocks.length - 1]!;
    block.offset[slot] = this.writeAt;
    block.length[slot] = length;
    block.sequence[slot] = sequence;
    block.timeNs[slot] = timeNs;
    block.numbered[slot] = isNumbered ? 1 : 0;
    this.end++;
    this.writeAt += length;
    if (slot === BLOCK - 1) this.openBlock();
  }

  /** The next message is the first of a new epoch; recovery no longer reaches the old one. */
  startEpoch(): void {
    this.epochStart = this.end;
    this.epochStarts.push(this.end);
    this.epoch++;
  }

  /** The epoch, from 0, of the message at a position. */
  epochAt(position: number): number {
    let epoch = this.epoch;
    while (epoch > 0 && this.epochStarts[epoch - 1]! > position) epoch--;
    return epoch;
  }

  /** First number of this epoch that is still kept; NaN if nothing is there. */
  get firstSequence(): number {
    const position = Math.max(this.first, this.epochStart);
    if (position >= this.end) return Number.NaN;
    const block = this.at(position);
    const slot = this.slot(position);
    return block.sequence[slot]! + (block.numbered[slot] === 1 ? 0 : 1);
  }

  /** Highest number of this epoch that was sent up to `timeNs`; NaN if there is none. */
  lastSequenceBy(timeNs: number): number {
    const start = Math.max(this.first, this.epochStart);
    let low = start;
    let high = this.end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.at(middle).timeNs[this.slot(middle)]! <= timeNs) low = middle + 1;
      else high = middle;
    }
    // Heartbeats repeat the last number, which may be of what is no longer kept.
    for (let position = low - 1; position >= start; position--) {
      const block = this.at(position);
      const slot = this.slot(position);
      if (block.numbered[slot] === 1) return block.sequence[slot]!;
    }
    return Number.NaN;
  }

  at(position: number): LogBlock {
    return this.blocks[Math.floor((position - this.first) / BLOCK)]!;
  }

  slot(position: number): number {
    return position % BLOCK;
  }

  /** The datagram at a position, as a view of the log: valid until its block is dropped. */
  datagram(position: number): Uint8Array {
    const block = this.at(position);
    const slot = this.slot(position);
    const offset = block.offset[slot]!;
    return block.bytes.subarray(offset, offset + block.length[slot]!);
  }

  /**
   * Messages `firstSequence` to `lastSequence` of this epoch, back to back, as a recovery server
   * sends them; `undefined` if one of them is not there (not yet sent, or no longer kept).
   */
  range(firstSequence: number, lastSequence: number): Uint8Array | undefined {
    const from = this.positionOf(firstSequence);
    const to = this.positionOf(lastSequence);
    if (from === undefined || to === undefined || to < from) return undefined;
    const parts: Uint8Array[] = [];
    for (let position = from; position <= to; position++) {
      if (this.at(position).numbered[this.slot(position)] === 1)
        parts.push(this.datagram(position));
    }
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** Where the message with a number stands in this epoch, if it does. Heartbeats stand between. */
  positionOf(sequence: number): number | undefined {
    let low = Math.max(this.first, this.epochStart);
    let high = this.end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.at(middle).sequence[this.slot(middle)]! < sequence) low = middle + 1;
      else high = middle;
    }
    if (low >= this.end) return undefined;
    const slot = this.slot(low);
    const block = this.at(low);
    return block.sequence[slot] === sequence && block.numbered[slot] === 1 ? low : undefined;
  }

  private openBlock(): void {
    let block: LogBlock;
    if (this.blocks.length < this.blocksLimit) block = newBlock(this.maxLength);
    else {
      block = this.blocks.shift()!;
      this.first += BLOCK;
    }
    this.blocks.push(block);
    this.writeView = block.view;
    this.writeAt = 0;
  }
}

function newBlock(maxLength: number): LogBlock {
  const bytes = new Uint8Array(BLOCK * maxLength);
  return {
    bytes,
    view: new DataView(bytes.buffer),
    offset: new Int32Array(BLOCK),
    length: new Uint16Array(BLOCK),
    sequence: new Float64Array(BLOCK),
    timeNs: new Float64Array(BLOCK),
    numbered: new Uint8Array(BLOCK),
  };
}
