/**
 * pcapng, read block by block: several sections with byte orders of their own, several interfaces
 * with link types and clocks of their own, enhanced, simple and obsolete packet blocks.
 *
 * ```
 * block      type 4, total length 4, body, total length 4 again
 * section    byte order 4, version 2+2, length 8, options
 * interface  link type 2, reserved 2, snap length 4, options (9 if_tsresol, 14 if_tsoffset)
 * enhanced   interface 4, time 4+4, captured 4, on the wire 4, bytes, options
 * simple     on the wire 4, bytes                     (interface 0, no time)
 * obsolete   interface 2, drops 2, time 4+4, captured 4, on the wire 4, bytes, options
 * ```
 * Other blocks and packet options are passed over unread. Where the two lengths of a block differ,
 * or one cannot be true, reading stops: the next block cannot be found. A packet block that does
 * not fit in itself is a damaged packet only. Memory: one packet that a block boundary cuts.
 */
import type { CaptureCounters } from "./capture-counters.ts";
import { RecordCut } from "./capture-cut.ts";
import { type CaptureReader, MAX_PACKET_BYTES } from "./capture-reader.ts";
import type { FrameBatch } from "./frame-batch.ts";
import { type LinkParser, Verdict } from "./link.ts";
import { PcapngClock } from "./pcapng-clock.ts";
import { type PcapngInterface, readInterface } from "./pcapng-interface.ts";

const Block = {
  Section: 0x0a0d0d0a,
  Interface: 1,
  Obsolete: 2,
  Simple: 3,
  Enhanced: 6,
} as const;

const MAX_INTERFACES = 65_536;
const MAX_INTERFACE_BYTES = 65_536;
/** Bytes of a block before its captured packet. */
const ENHANCED_HEADER = 28;
const SIMPLE_HEADER = 12;

export class PcapngReader implements CaptureReader {
  readonly counters: CaptureCounters;
  /** The section's header, and the descriptions of its interfaces. */
  preamble: readonly (readonly [at: number, bytes: number])[] = [];
  private readonly link: LinkParser;
  private readonly cut = new RecordCut();
  private readonly untimed = new PcapngClock(6, 0);
  private interfaces: PcapngInterface[] = [];
  private littleEndian = true;
  private started = false;
  private stopped = false;
  /** Total length of the block whose second length comes next; 0 between blocks. */
  private openBlock = 0;

  constructor(link: LinkParser, counters: CaptureCounters) {
    this.link = link;
    this.counters = counters;
  }

  get nextRecordAt(): number {
    return this.cut.fileOffset + (this.openBlock > 0 ? 4 : 0);
  }

  push(block: Uint8Array): void {
    this.cut.push(block);
  }

  next(batch: FrameBatch): boolean {
    batch.count = 0;
    while (!this.stopped && batch.count < batch.capacity) {
      if (this.openBlock > 0 && !this.closeBlock()) break;
      if (!this.readBlock(batch)) break;
      if (batch.count > 0 && this.cut.inCarry) break;
    }
    this.counters.badChecksums = this.link.badChecksums;
    return batch.count > 0;
  }

  end(): void {
    if (this.stopped || (this.started && this.openBlock === 0 && this.cut.betweenRecords)) return;
    this.stop("the file ends inside a block");
  }

  /** Reads one block up to its second length; false when the bytes or the batch do not reach. */
  private readBlock(batch: FrameBatch): boolean {
    const { cut } = this;
    if (!cut.require(8)) return false;
    const type = cut.view.getUint32(cut.at, this.littleEndian);
    if (type === Block.Section) return this.readSection();
    if (!this.started) return this.stop("the file does not begin with a section header");
    const length = cut.view.getUint32(cut.at + 4, this.littleEndian);
    if (!this.plausible(length, 12)) return false;
    switch (type) {
      case Block.Interface:
        return this.readInterface(length);
      case Block.Enhanced:
      case Block.Obsolete:
        return this.readTimed(length, type, batch);
      case Block.Simple:
        return this.readSimple(length, batch);
      default:
        return this.leave(length);
    }
  }

  private readSection(): boolean {
    const { cut } = this;
    if (!cut.require(12)) return false;
    const order = cut.view.getUint32(cut.at + 8, true);
    if (order !== 0x1a2b3c4d && order !== 0x4d3c2b1a) {
      return this.stop("a section header has no byte order mark");
    }
    const littleEndian = order === 0x1a2b3c4d;
    const length = cut.view.getUint32(cut.at + 4, littleEndian);
    if (!this.plausible(length, 28)) return false;
    this.littleEndian = littleEndian;
    this.interfaces = [];
    this.preamble = [[cut.fileOffset, length]];
    this.started = true;
    return this.leave(length);
  }

  private readInterface(length: number): boolean {
    const { cut } = this;
    if (length < 20) return this.stop(`an interface description of ${length} bytes`);
    if (length > MAX_INTERFACE_BYTES || this.interfaces.length >= MAX_INTERFACES) {
      return this.stop(`interface descriptions beyond ${MAX_INTERFACES} or of ${length} bytes`);
    }
    if (!cut.require(length - 4)) return false;
    this.interfaces.push(readInterface(cut.view, cut.at, length, this.littleEndian));
    this.preamble = [...this.preamble, [cut.fileOffset, length]];
    return this.leave(length);
  }

  private readTimed(length: number, type: number, batch: FrameBatch): boolean {
    const { cut, littleEndian } = this;
    if (length < ENHANCED_HEADER + 4) return this.damagedPacket(length);
    if (!cut.require(ENHANCED_HEADER)) return false;
    const captured = cut.view.getUint32(cut.at + 20, littleEndian);
    if (captured > MAX_PACKET_BYTES || ENHANCED_HEADER + captured + 4 > length) {
      return this.damagedPacket(length);
    }
    if (!cut.require(ENHANCED_HEADER + captured)) return false;
    const { view, at } = cut;
    const index =
      type === Block.Enhanced
        ? view.getUint32(at + 8, littleEndian)
        : view.getUint16(at + 8, littleEndian);
    if (index >= this.interfaces.length) return this.damagedPacket(length);
    const from = this.interfaces[index];
    const high = view.getUint32(at + 12, littleEndian);
    const low = view.getUint32(at + 16, littleEndian);
    if (!from.clock.set(high, low)) this.counters.damagedTimes++;
    this.counters.time(from.clock.sec, from.clock.nsec);
    this.packet(ENHANCED_HEADER, captured, from.linkType, from.clock, batch);
    return this.leave(length);
  }

  private readSimple(length: number, batch: FrameBatch): boolean {
    const { cut } = this;
    if (length < SIMPLE_HEADER + 4 || this.interfaces.length === 0) {
      return this.damagedPacket(length);
    }
    if (!cut.require(SIMPLE_HEADER)) return false;
    const from = this.interfaces[0];
    const wire = cut.view.getUint32(cut.at + 8, this.littleEndian);
    const captured = Math.min(wire, from.snapLength, length - SIMPLE_HEADER - 4);
    if (captured > MAX_PACKET_BYTES) return this.damagedPacket(length);
    if (!cut.require(SIMPLE_HEADER + captured)) return false;
    this.packet(SIMPLE_HEADER, captured, from.linkType, this.untimed, batch);
    return this.leave(length);
  }

  private packet(
    header: number,
    captured: number,
    linkType: number,
    clock: PcapngClock,
    batch: FrameBatch,
  ): void {
    const { cut, link, counters } = this;
    const start = cut.at + header;
    const verdict = link.parse(cut.bytes, start, start + captured, linkType);
    counters.packet(captured, verdict, linkType);
    if (verdict !== Verdict.Frame) return;
    if (batch.count === 0) batch.reset(cut.bytes);
    batch.add(link.offset, link.length, clock.sec, clock.nsec, link.channel);
  }

  /** A packet block whose inside is wrong while its length may still be right. */
  private damagedPacket(length: number): boolean {
    this.counters.packet(0, Verdict.BadLink, 0);
    return this.leave(length);
  }

  private plausible(length: number, least: number): boolean {
    if (length >= least && length % 4 === 0) return true;
    return this.stop(`a block claims ${length} bytes`);
  }

  /** Goes on to the second length of the block. */
  private leave(length: number): boolean {
    this.cut.advance(length - 4);
    this.openBlock = length;
    return true;
  }

  private closeBlock(): boolean {
    const { cut } = this;
    if (!cut.require(4)) return false;
    const again = cut.view.getUint32(cut.at, this.littleEndian);
    if (again !== this.openBlock) {
      return this.stop(`a block of ${this.openBlock} bytes ends as one of ${again}`);
    }
    cut.advance(4);
    this.openBlock = 0;
    return true;
  }

  private stop(reason: string): false {
    this.stopped = true;
    this.counters.stop(this.cut.fileOffset, reason);
    return false;
  }
}
