/**
 * What a capture held: every packet is counted once, as a frame or as the reason why it is none.
 * Owned by the reader of one capture; a sink may look at it at any time.
 */
import { Verdict } from "./link.ts";

export class CaptureCounters {
  /** Packets in the capture, of any kind. */
  packets = 0;
  /** Captured bytes of all packets, link headers included. */
  bytes = 0;
  /** Packets by `Verdict`. */
  readonly byVerdict = new Float64Array(Object.keys(Verdict).length);
  /** Frames whose IPv4 header or UDP checksum is wrong; stays 0 unless checksums are verified. */
  badChecksums = 0;
  /** Packets whose time stamp is out of its range: carried over, or clamped to what 32 bits hold. */
  damagedTimes = 0;
  /** Link types that nothing here reads, at most 16 of them. */
  readonly unknownLinkTypes = new Set<number>();
  /** Earliest and latest capture time of all timed packets: seconds and nanoseconds. */
  firstSec = 0;
  firstNsec = 0;
  lastSec = 0;
  lastNsec = 0;
  /** Packets that have a capture time: all but pcapng's simple packets, whose time is 0. */
  timed = 0;
  /** The file ended inside a packet, or its structure broke: what stood before was delivered. */
  truncated = false;
  /** Where, in bytes of the (unpacked) file; -1 while nothing is wrong. */
  stoppedAtByte = -1;
  /** Why, for a person; empty while nothing is wrong. */
  stopReason = "";

  /** UDP datagrams handed on. */
  get frames(): number {
    return this.byVerdict[Verdict.Frame];
  }

  /** Parts of UDP datagrams that IP had split: counted, never put together. */
  get fragments(): number {
    return this.byVerdict[Verdict.Fragment];
  }

  get otherProtocols(): number {
    return this.byVerdict[Verdict.OtherProtocol];
  }

  /** Packets of a link type that nothing here reads. */
  get unknownLinkType(): number {
    return this.byVerdict[Verdict.UnknownLink];
  }

  /** Datagrams to new addresses after the table of channels was full. */
  get beyondChannels(): number {
    return this.byVerdict[Verdict.NoChannelLeft];
  }

  /** Packets that end too early or contradict themselves, in any layer. */
  get damaged(): number {
    const by = this.byVerdict;
    const bad = by[Verdict.BadLink] + by[Verdict.BadIp] + by[Verdict.BadUdp];
    return by[Verdict.CutShort] + bad;
  }

  /** Takes the capture time of a packet into the capture's span. */
  time(sec: number, nsec: number): void {
    if (this.timed++ === 0) {
      this.firstSec = sec;
      this.firstNsec = nsec;
      this.lastSec = sec;
      this.lastNsec = nsec;
    } else if (sec > this.lastSec || (sec === this.lastSec && nsec > this.lastNsec)) {
      this.lastSec = sec;
      this.lastNsec = nsec;
    } else if (sec < this.firstSec || (sec === this.firstSec && nsec < this.firstNsec)) {
      this.firstSec = sec;
      this.firstNsec = nsec;
    }
  }

  /** Counts a packet of so many captured bytes, and what became of it. */
  packet(bytes: number, verdict: Verdict, linkType: number): void {
    this.packets++;
    this.bytes += bytes;
    this.byVerdict[verdict]++;
    if (verdict === Verdict.UnknownLink && this.unknownLinkTypes.size < 16) {
      this.unknownLinkTypes.add(linkType);
    }
  }

  /** Counts so many frames of so many captured bytes, the last of which is the latest of all packets. */
  run(frames: number, bytes: number, lastSec: number, lastNsec: number): void {
    this.packets += frames;
    this.timed += frames;
    this.bytes += bytes;
    this.byVerdict[Verdict.Frame] += frames;
    this.lastSec = lastSec;
    this.lastNsec = lastNsec;
  }

  stop(atByte: number, reason: string): void {
    if (this.truncated) return;
    this.truncated = true;
    this.stoppedAtByte = atByte;
    this.stopReason = reason;
  }
}
