/**
 * A file given in blocks, read as records that may lie across them. A record inside a block is
 * read in place; only one that a block boundary cuts is copied, into a carry buffer that grows to
 * the longest record asked for, so the reader bounds what it asks for. What is passed over
 * (options, unknown blocks) is never copied, however long.
 *
 * A record in the carry buffer stays there until `require` is next called, so a reader that has
 * put a frame of it into a batch hands the batch out before it goes on.
 */
export class RecordCut {
  /** Where the record that `require` granted lies, and at which offset. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  at = 0;
  /** Offset in the file of the current record. */
  fileOffset = 0;

  private block: Uint8Array = this.bytes;
  private blockView: DataView = this.view;
  private position = 0;
  private carry: Uint8Array = new Uint8Array(4096);
  private carryView: DataView = new DataView(this.carry.buffer);
  private carried = 0;
  private toSkip = 0;

  /** Gives the next block; the former one has been used up. */
  push(block: Uint8Array): void {
    this.block = block;
    this.blockView = new DataView(block.buffer, block.byteOffset, block.byteLength);
    this.position = Math.min(this.toSkip, block.length);
    this.toSkip -= this.position;
  }

  /** Whether the current record lies in the carry buffer, which the next `require` may overwrite. */
  get inCarry(): boolean {
    return this.bytes === this.carry;
  }

  /** Whether the file may end here: nothing of a record has come, and nothing is to be skipped. */
  get betweenRecords(): boolean {
    return this.carried === 0 && this.toSkip === 0;
  }

  /**
   * Whether the first `length` bytes of the current record are there, in one piece at `at`. If not,
   * the block is used up and what it held of the record is kept.
   */
  require(length: number): boolean {
    if (this.carried === 0) {
      if (this.block.length - this.position >= length) {
        this.bytes = this.block;
        this.view = this.blockView;
        this.at = this.position;
        return true;
      }
      if (this.toSkip > 0) return false;
    }
    return this.collect(length);
  }

  private collect(length: number): boolean {
    if (length > this.carry.length) this.growCarry(length);
    const missing = length - this.carried;
    const take = Math.min(missing, this.block.length - this.position);
    if (take > 0) {
      this.carry.set(this.block.subarray(this.position, this.position + take), this.carried);
      this.carried += take;
      this.position += take;
    }
    if (take < missing) return false;
    this.bytes = this.carry;
    this.view = this.carryView;
    this.at = 0;
    return true;
  }

  private growCarry(length: number): void {
    const larger = new Uint8Array(Math.max(length, this.carry.length * 2));
    larger.set(this.carry.subarray(0, this.carried));
    this.carry = larger;
    this.carryView = new DataView(larger.buffer);
  }

  /** Goes on `length` bytes, at least as many as were last required, and as far as one likes. */
  advance(length: number): void {
    this.fileOffset += length;
    const beyond = this.position + length - this.carried;
    this.carried = 0;
    this.position = Math.min(beyond, this.block.length);
    this.toSkip = beyond - this.position;
  }
}
