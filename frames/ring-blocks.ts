/**
 * Walks the blocks of a `TPACKET_V3` ring: memory shared with the kernel, which fills one block after
 * another, marks it as ours, and takes it back when we mark it as its own. Frames lie over the ring
 * itself; nothing is copied.
 *
 *     block                              packet, from its start            before the link header
 *      8 u32 status: bit 0, it is ours    0 u32 to the next packet         -10 u8 flags
 *     12 u32 packets                      4 u32 seconds                     -9 u8 kind of segmenting
 *     16 u32 to the first packet          8 u32 nanoseconds                 -6 u16 segment's bytes
 *                                        12 u32 bytes kept, 16 u32 in all  (struct virtio_net_hdr)
 *                                        20 u32 status
 *                                        24 u16 to the link header
 *
 * A sender on this very host may hand several datagrams to the kernel as one (UDP_SEGMENT), and the
 * ring gets them so: they are taken apart here. Assumes little-endian and that the kernel writes what
 * it documents. Worst case: a block of one packet, for which one status word is read and one written.
 */
import { Channels } from "./channels.ts";
import type { FrameBatch } from "./frame-batch.ts";
import { LinkParser, LinkType, Verdict } from "./link.ts";

const STATUS_AT = 8;
const PACKETS_AT = 12;
const FIRST_AT = 16;
const OURS = 1;
const KERNELS = 0;
/** Bits of a packet's status. */
const VLAN_TAG_TAKEN_OUT = 0x10;
/** What the kernel writes before the link header when asked to. */
export const SEGMENT_HEADER_BYTES = 10;
const SEGMENTED_UDP = 5;

/** What became of the packets that are no frames, and where frames came from. */
export class RingCounters {
  blocks = 0;
  packets = 0;
  /** Pieces of datagrams that IP had split: they are not put together here. */
  fragments = 0;
  /** Cut short or damaged on their way. */
  damaged = 0;
  /** Datagrams of nobody's channel, or no datagrams. */
  others = 0;
  /** Packets that had a VLAN tag. */
  tagged = 0;
}

/** One group to take: frames to it carry `channel`. */
export interface RingGroup {
  readonly group: string;
  readonly port: number;
  readonly channel: number;
}

export class RingBlocks {
  readonly counters = new RingCounters();
  private readonly bytes: Uint8Array;
  private readonly halves: Uint16Array;
  private readonly words: Uint32Array;
  private readonly status: Int32Array;
  private readonly blockBytes: number;
  private readonly blockCount: number;
  private readonly parser: LinkParser;
  /** The group that an index of the parser's own table means; those it learns later are nobody's. */
  private readonly channelOf: Int32Array;
  /** The block being walked, or the next. */
  private block = 0;
  private walking = false;
  private packetsLeft = 0;
  /** Start of the next packet. */
  private at = 0;

  /** @param ring the mapped memory, `blockBytes` a block, starting at an address divisible by 8 */
  constructor(ring: ArrayBuffer, blockBytes: number, groups: readonly RingGroup[]) {
    this.bytes = new Uint8Array(ring);
    this.halves = new Uint16Array(ring);
    this.words = new Uint32Array(ring);
    this.status = new Int32Array(ring);
    this.blockBytes = blockBytes;
    this.blockCount = ring.byteLength / blockBytes;
    const own = new Channels();
    for (const { group, port } of groups) {
      own.add({ group, port, feed: "", stream: 0, line: -1 });
    }
    this.parser = new LinkParser(own);
    this.channelOf = Int32Array.from(groups, ({ channel }) => channel);
  }

  /**
   * Fills the batch with what has arrived, of one block at most. The frames stay valid until the
   * next call, which gives the block back when it is used up.
   */
  next(frames: FrameBatch): void {
    frames.reset(this.bytes);
    if (this.walking && this.packetsLeft === 0) this.giveBack();
    if (!this.walking && !this.enter()) return;
    const { words, halves, parser } = this;
    let { at, packetsLeft } = this;
    while (packetsLeft > 0 && frames.count < frames.capacity) {
      const head = at >> 2;
      const link = at + halves[(at >> 1) + 12];
      const verdict = parser.parse(this.bytes, link, link + words[head + 3], LinkType.Ethernet);
      if ((words[head + 5] & VLAN_TAG_TAKEN_OUT) !== 0) this.counters.tagged++;
      const segment = this.segmentBytes(link);
      if (verdict !== Verdict.Frame) {
        this.count(verdict);
      } else if (segment === 0 || segment >= parser.length) {
        this.add(frames, parser.offset, parser.length, head);
      } else {
        const needed = Math.ceil(parser.length / segment);
        // The rest of the block waits for the next call.
        if (frames.count > 0 && frames.count + needed > frames.capacity) break;
        this.takeApart(frames, segment, head);
      }
      packetsLeft--;
      at += words[head];
    }
    this.counters.packets += this.packetsLeft - packetsLeft;
    this.at = at;
    this.packetsLeft = packetsLeft;
  }

  /** True if an eighth of the ring waits to be read. */
  get isBehind(): boolean {
    const ahead = (this.block + (this.blockCount >> 3)) % this.blockCount;
    const status = Atomics.load(this.status, (ahead * this.blockBytes + STATUS_AT) >> 2);
    return (status & OURS) !== 0;
  }

  /** Bytes of each datagram, where the kernel holds several in one packet; else 0. */
  private segmentBytes(link: number): number {
    const start = link - SEGMENT_HEADER_BYTES;
    if ((this.bytes[start + 1] & 0x7f) !== SEGMENTED_UDP) return 0;
    return this.bytes[start + 4] | (this.bytes[start + 5] << 8);
  }

  private takeApart(frames: FrameBatch, segment: number, head: number): void {
    const { offset, length } = this.parser;
    for (let from = 0; from < length; from += segment) {
      this.add(frames, offset + from, Math.min(segment, length - from), head);
    }
  }

  private add(frames: FrameBatch, offset: number, length: number, head: number): void {
    const { channel } = this.parser;
    if (channel >= this.channelOf.length) {
      this.counters.others++;
      return;
    }
    frames.add(offset, length, this.words[head + 1], this.words[head + 2], this.channelOf[channel]);
  }

  private count(verdict: Verdict): void {
    const { counters } = this;
    if (verdict === Verdict.Fragment) counters.fragments++;
    else if (verdict === Verdict.OtherProtocol || verdict === Verdict.NoChannelLeft) {
      counters.others++;
    } else counters.damaged++;
  }

  /** True if the kernel has filled the block. */
  private enter(): boolean {
    const start = this.block * this.blockBytes;
    if ((Atomics.load(this.status, (start + STATUS_AT) >> 2) & OURS) === 0) return false;
    this.packetsLeft = this.words[(start + PACKETS_AT) >> 2];
    this.at = start + this.words[(start + FIRST_AT) >> 2];
    this.walking = true;
    this.counters.blocks++;
    return true;
  }

  private giveBack(): void {
    Atomics.store(this.status, (this.block * this.blockBytes + STATUS_AT) >> 2, KERNELS);
    this.block = (this.block + 1) % this.blockCount;
    this.walking = false;
  }
}
