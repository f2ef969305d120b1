/**
 * Classic pcap, read block by block: times in microseconds or nanoseconds, either byte order, and
 * Kuznetzov's "modified" form with its longer packet headers.
 *
 * ```
 * file    magic 4, version 2+2, zone 4, accuracy 4, snap length 4, link type 4 (low 16 bits)
 * packet  seconds 4, fraction 4, captured length 4, length on the wire 4 [modified: 8 more], bytes
 * ```
 * A captured length above `MAX_PACKET_BYTES` cannot be trusted to find the next packet, so reading
 * stops there; all before it has been delivered. Memory: one packet that a block boundary cuts.
 */
import type { CaptureCounters } from "./capture-counters.ts";
import { RecordCut } from "./capture-cut.ts";
import { type CaptureReader, MAX_PACKET_BYTES } from "./capture-reader.ts";
import type { FrameBatch } from "./frame-batch.ts";
import { type LinkParser, LinkType, Verdict } from "./link.ts";
import { PcapRun } from "./pcap-run.ts";

const FILE_HEADER = 24;
const PREAMBLE = [[0, FILE_HEADER]] as const;

interface Magic {
  readonly littleEndian: boolean;
  /** Units of the fraction in a second. */
  readonly resolution: number;
  readonly packetHeader: number;
}

/** What the first four bytes of a file say, or undefined where it is no classic pcap. */
export function pcapMagic(bytes: Uint8Array): Magic | undefined {
  if (bytes.length < 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 4);
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === 0xa1b2c3d4) return { littleEndian, resolution: 1e6, packetHeader: 16 };
    if (magic === 0xa1b23c4d) return { littleEndian, resolution: 1e9, packetHeader: 16 };
    if (magic === 0xa1b2cd34) return { littleEndian, resolution: 1e6, packetHeader: 24 };
  }
  return undefined;
}

export class PcapReader implements CaptureReader {
  readonly counters: CaptureCounters;
  readonly preamble = PREAMBLE;
  private readonly link: LinkParser;
  private readonly cut = new RecordCut();
  private started = false;
  private stopped = false;
  private littleEndian = true;
  private resolution = 1e6;
  private packetHeader = 16;
  private linkType = 0;
  /** Absent where every packet goes the slow way: it is not Ethernet, or checksums are looked at. */
  private plain: PcapRun | undefined;

  constructor(link: LinkParser, counters: CaptureCounters) {
    this.link = link;
    this.counters = counters;
  }

  get nextRecordAt(): number {
    return this.cut.fileOffset;
  }

  push(block: Uint8Array): void {
    this.cut.push(block);
  }

  next(batch: FrameBatch): boolean {
    batch.count = 0;
    if (this.stopped || (!this.started && !this.start())) return false;
    const { cut, link, counters, littleEndian, packetHeader, linkType } = this;
    while (batch.count < batch.capacity) {
      if (!cut.require(packetHeader)) break;
      if (this.plain && this.runOn(this.plain, batch)) continue;
      const captured = cut.view.getUint32(cut.at + 8, littleEndian);
      if (captured > MAX_PACKET_BYTES) {
        this.stop(`a packet claims ${captured} bytes, more than ${MAX_PACKET_BYTES}`);
        break;
      }
      const whole = packetHeader + captured;
      if (!cut.require(whole)) break;
      const { view, at } = cut;
      let sec = view.getUint32(at, littleEndian);
      let nsec = view.getUint32(at + 4, littleEndian);
      if (nsec >= this.resolution) {
        sec = this.carriedSeconds(sec, nsec);
        nsec %= this.resolution;
      }
      if (this.resolution === 1e6) nsec *= 1000;
      counters.time(sec, nsec);
      const verdict = link.parse(cut.bytes, at + packetHeader, at + whole, linkType);
      counters.packet(captured, verdict, linkType);
      const carried = cut.inCarry;
      cut.advance(whole);
      if (verdict !== Verdict.Frame) continue;
      if (batch.count === 0) batch.reset(cut.bytes);
      batch.add(link.offset, link.length, sec, nsec, link.channel);
      if (carried) break;
    }
    counters.badChecksums = link.badChecksums;
    return batch.count > 0;
  }

  /** False where the next packet is for the slow way. */
  private runOn(plain: PcapRun, batch: FrameBatch): boolean {
    const { cut } = this;
    if (cut.inCarry || this.counters.timed === 0) return false;
    if (batch.count === 0) batch.reset(cut.bytes);
    const passed = plain.read(cut.bytes, cut.view, cut.at, batch) - cut.at;
    if (passed > 0) cut.advance(passed);
    return passed > 0;
  }

  end(): void {
    if (this.stopped || (this.started && this.cut.betweenRecords)) return;
    this.stop(this.started ? "the file ends inside a packet" : "the file header is incomplete");
  }

  private start(): boolean {
    const { cut } = this;
    if (!cut.require(FILE_HEADER)) return false;
    const magic = pcapMagic(cut.bytes.subarray(cut.at, cut.at + 4));
    if (magic === undefined) {
      this.stop("the file does not begin as a pcap does");
      return false;
    }
    this.littleEndian = magic.littleEndian;
    this.resolution = magic.resolution;
    this.packetHeader = magic.packetHeader;
    this.linkType = cut.view.getUint32(cut.at + 20, magic.littleEndian) & 0xffff;
    cut.advance(FILE_HEADER);
    const { link, counters, resolution } = this;
    const isPlain = this.linkType === LinkType.Ethernet && magic.packetHeader === 16;
    if (isPlain && !link.verifyChecksums) {
      this.plain = new PcapRun(link.finder, counters, magic.littleEndian, resolution);
    }
    this.started = true;
    return true;
  }

  /** A fraction of a second or more: damage, counted, and carried into the seconds. */
  private carriedSeconds(sec: number, fraction: number): number {
    this.counters.damagedTimes++;
    return Math.min(sec + Math.floor(fraction / this.resolution), 0xffffffff);
  }

  private stop(reason: string): void {
    this.stopped = true;
    this.counters.stop(this.cut.fileOffset, reason);
  }
}
