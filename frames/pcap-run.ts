/**
 * The packets that nearly all of a capture is: Ethernet, IPv4 without options, UDP, whole inside the
 * block, to a channel met before, later than the packet before. A run of them is read in one loop that
 * calls nothing; the first other packet ends it, untouched, and goes the slow way (`link.ts`), which
 * would make the same frame of each of these.
 *
 * ```
 * packet header 16 | Ethernet 14, type at 12 | IPv4 20, at 14 | UDP 8, at 34 | payload at 42
 * ```
 */
import type { CaptureCounters } from "./capture-counters.ts";
import { MAX_PACKET_BYTES } from "./capture-reader.ts";
import type { FrameBatch } from "./frame-batch.ts";
import { type ChannelFinder, hash, WORDS } from "./link-channels.ts";

const PACKET_HEADER = 16;
const HEADERS = 42;
/** Bytes 12 to 14 of the packet: IPv4, five words of header. */
const IPV4_PLAIN = 0x080045;
const UDP = 17;
/** More fragments, or an offset. */
const FRAGMENT_BITS = 0x3fff;

export class PcapRun {
  private readonly finder: ChannelFinder;
  private readonly counters: CaptureCounters;
  private readonly littleEndian: boolean;
  /** Units of a time's fraction in a second. */
  private readonly resolution: number;

  constructor(
    finder: ChannelFinder,
    counters: CaptureCounters,
    littleEndian: boolean,
    resolution: number,
  ) {
    this.finder = finder;
    this.counters = counters;
    this.littleEndian = littleEndian;
    this.resolution = resolution;
  }

  /**
   * Appends the frames of `bytes` from `from` on, while packets are plain and the batch has room. Some
   * packet has been counted before: times go on from the latest.
   * @returns where the next packet begins
   */
  read(bytes: Uint8Array, view: DataView, from: number, batch: FrameBatch): number {
    const { littleEndian, resolution, counters } = this;
    const { keys, found } = this.finder;
    const unitNs = 1e9 / resolution;
    const { offset, length, sec: secs, nsec: nsecs, channel: channels, capacity } = batch;
    const end = bytes.length;
    const mask = found.length - 1;
    let { lastSec, lastNsec } = counters;
    let { count } = batch;
    let at = from;
    let total = 0;
    while (count < capacity && at + PACKET_HEADER + HEADERS <= end) {
      const captured = view.getInt32(at + 8, littleEndian);
      const packet = at + PACKET_HEADER;
      if (captured < HEADERS || captured > end - packet || captured > MAX_PACKET_BYTES) break;
      if (view.getInt32(packet + 12) >> 8 !== IPV4_PLAIN || bytes[packet + 23] !== UDP) break;
      const ipLength = view.getUint16(packet + 16);
      const udpLength = view.getUint16(packet + 38);
      if (udpLength < 8 || udpLength + 20 > ipLength || udpLength + 34 > captured) break;
      if ((view.getUint16(packet + 20) & FRAGMENT_BITS) !== 0) break;
      const sec = view.getUint32(at, littleEndian);
      const fraction = view.getUint32(at + 4, littleEndian);
      const nsec = fraction * unitNs;
      const isLater = sec > lastSec || (sec === lastSec && nsec >= lastNsec);
      if (fraction >= resolution || !isLater) break;
      const address = view.getInt32(packet + 30);
      const port = view.getUint16(packet + 36);
      const slot = hash(address, port) & mask;
      const channel = found[slot];
      if (channel < 0 || keys[slot * WORDS] !== address || keys[slot * WORDS + 4] !== port) break;
      offset[count] = packet + HEADERS;
      length[count] = udpLength - 8;
      secs[count] = sec;
      nsecs[count] = nsec;
      channels[count++] = channel;
      lastSec = sec;
      lastNsec = nsec;
      total += captured;
      at = packet + captured;
    }
    counters.run(count - batch.count, total, lastSec, lastNsec);
    batch.count = count;
    return at;
  }
}
