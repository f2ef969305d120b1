/**
 * From a link-layer packet to its UDP payload: Ethernet with any stack of VLAN tags, Linux cooked
 * v1 and v2, raw IP, BSD loopback; IPv4 with options, IPv6 with extension headers.
 *
 * The UDP length decides where the payload ends, so that Ethernet padding and trailers are never
 * part of it; a UDP length beyond the IP datagram or beyond the captured bytes is damage. Nothing
 * is allocated for a packet: the result stands in the parser's fields until the next call.
 * Worst case: a packet of nothing but VLAN tags or extension headers is walked once, 4 or 8 bytes
 * a step.
 */
import type { Channels } from "./channels.ts";
import { ChannelFinder } from "./link-channels.ts";
import { checksumsHold } from "./link-checksum.ts";

/** What became of a packet. */
export const Verdict = {
  /** A UDP datagram: `offset`, `length` and `channel` are set. */
  Frame: 0,
  /** Part of a UDP datagram that IP had split. */
  Fragment: 1,
  /** TCP, PIM, ARP and all that is not UDP. */
  OtherProtocol: 2,
  UnknownLink: 3,
  /** The captured bytes end before the packet does: a snap length, or damage. */
  CutShort: 4,
  BadLink: 5,
  BadIp: 6,
  BadUdp: 7,
  /** The table of channels is full and this address is not in it. */
  NoChannelLeft: 8,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Link types as pcap and pcapng number them. */
export const LinkType = {
  Null: 0,
  Ethernet: 1,
  Raw: 101,
  RawBsd: 12,
  RawOpenBsd: 14,
  Loop: 108,
  LinuxCooked: 113,
  Ipv4: 228,
  Ipv6: 229,
  LinuxCooked2: 276,
} as const;

const UDP = 17;

export class LinkParser {
  /** Start of the UDP payload in the bytes given to `parse`. */
  offset = 0;
  /** Length of the UDP payload in bytes. */
  length = 0;
  /** Index in the `Channels` table. */
  channel = 0;
  /** Frames whose checksums are wrong; counted only when asked for. */
  badChecksums = 0;
  readonly finder: ChannelFinder;
  readonly verifyChecksums: boolean;

  constructor(channels: Channels, verifyChecksums = false) {
    this.finder = new ChannelFinder(channels);
    this.verifyChecksums = verifyChecksums;
  }

  /** Parses the packet captured in `bytes` from `at` up to, not including, `end`. */
  parse(bytes: Uint8Array, at: number, end: number, linkType: number): Verdict {
    switch (linkType) {
      case LinkType.Ethernet:
        if (end - at < 14) return Verdict.CutShort;
        return this.etherType(bytes, (bytes[at + 12] << 8) | bytes[at + 13], at + 14, end);
      case LinkType.LinuxCooked:
        if (end - at < 16) return Verdict.CutShort;
        return this.etherType(bytes, (bytes[at + 14] << 8) | bytes[at + 15], at + 16, end);
      case LinkType.LinuxCooked2:
        if (end - at < 20) return Verdict.CutShort;
        return this.etherType(bytes, (bytes[at] << 8) | bytes[at + 1], at + 20, end);
      case LinkType.Raw:
      case LinkType.RawBsd:
      case LinkType.RawOpenBsd:
        return this.rawIp(bytes, at, end);
      case LinkType.Ipv4:
        return this.ipv4(bytes, at, end);
      case LinkType.Ipv6:
        return this.ipv6(bytes, at, end);
      case LinkType.Null:
      case LinkType.Loop:
        return this.loopback(bytes, at, end);
      default:
        return Verdict.UnknownLink;
    }
  }

  private etherType(bytes: Uint8Array, firstType: number, start: number, end: number): Verdict {
    let type = firstType;
    let at = start;
    while (type === 0x8100 || type === 0x88a8 || type === 0x9100 || type === 0x9200) {
      if (end - at < 4) return Verdict.CutShort;
      type = (bytes[at + 2] << 8) | bytes[at + 3];
      at += 4;
    }
    if (type === 0x0800) return this.ipv4(bytes, at, end);
    if (type === 0x86dd) return this.ipv6(bytes, at, end);
    return Verdict.OtherProtocol;
  }

  private rawIp(bytes: Uint8Array, at: number, end: number): Verdict {
    if (end <= at) return Verdict.CutShort;
    const version = bytes[at] >> 4;
    if (version === 4) return this.ipv4(bytes, at, end);
    return version === 6 ? this.ipv6(bytes, at, end) : Verdict.BadLink;
  }

  /** Four bytes of address family, in the byte order of the capturing host or of the network. */
  private loopback(bytes: Uint8Array, at: number, end: number): Verdict {
    if (end - at < 4) return Verdict.CutShort;
    const swapped = bytes[at] === 0 && bytes[at + 1] === 0;
    const family = swapped
      ? (bytes[at + 2] << 8) | bytes[at + 3]
      : (bytes[at + 1] << 8) | bytes[at];
    if (!swapped && (bytes[at + 2] !== 0 || bytes[at + 3] !== 0)) return Verdict.BadLink;
    if (family === 2) return this.ipv4(bytes, at + 4, end);
    // AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin.
    if (family === 10 || family === 24 || family === 28 || family === 30) {
      return this.ipv6(bytes, at + 4, end);
    }
    return Verdict.OtherProtocol;
  }

  private ipv4(bytes: Uint8Array, at: number, end: number): Verdict {
    if (end - at < 20) return Verdict.CutShort;
    if (bytes[at] >> 4 !== 4) return Verdict.BadIp;
    const headerLength = (bytes[at] & 15) * 4;
    if (headerLength < 20) return Verdict.BadIp;
    // A host that leaves segmentation to its card captures a total length of 0.
    const total = (bytes[at + 2] << 8) | bytes[at + 3] || end - at;
    if (total < headerLength) return Verdict.BadIp;
    if (at + headerLength > end) return Verdict.CutShort;
    if (bytes[at + 9] !== UDP) return Verdict.OtherProtocol;
    if ((((bytes[at + 6] << 8) | bytes[at + 7]) & 0x3fff) !== 0) return Verdict.Fragment;
    const udp = at + headerLength;
    const verdict = this.udp(bytes, udp, at + total, end);
    if (verdict !== Verdict.Frame) return verdict;
    const address =
      (bytes[at + 16] << 24) | (bytes[at + 17] << 16) | (bytes[at + 18] << 8) | bytes[at + 19];
    const port = (bytes[udp + 2] << 8) | bytes[udp + 3];
    this.channel = this.finder.ipv4(address, port);
    return this.placed(bytes, at, udp);
  }

  private ipv6(bytes: Uint8Array, at: number, end: number): Verdict {
    if (end - at < 40) return Verdict.CutShort;
    if (bytes[at] >> 4 !== 6) return Verdict.BadIp;
    const payload = (bytes[at + 4] << 8) | bytes[at + 5];
    const ipEnd = payload === 0 ? end : at + 40 + payload;
    let next = bytes[at + 6];
    let head = at + 40;
    let fragment = false;
    while (next !== UDP) {
      const unit = extensionUnit(next);
      if (unit === 0) return Verdict.OtherProtocol;
      if (end - head < 8) return Verdict.CutShort;
      if (next === 44) {
        // An offset or "more fragments"; with neither it is the whole datagram.
        fragment = (((bytes[head + 2] << 8) | bytes[head + 3]) & 0xfff9) !== 0;
        next = bytes[head];
        if (fragment) return next === UDP ? Verdict.Fragment : Verdict.OtherProtocol;
        head += 8;
      } else {
        const length = unit === 4 ? (bytes[head + 1] + 2) * 4 : (bytes[head + 1] + 1) * 8;
        next = bytes[head];
        head += length;
        if (head > ipEnd) return Verdict.BadIp;
      }
    }
    const verdict = this.udp(bytes, head, ipEnd, end);
    if (verdict !== Verdict.Frame) return verdict;
    this.channel = this.finder.ipv6(bytes, at + 24, (bytes[head + 2] << 8) | bytes[head + 3]);
    return this.placed(bytes, at, head);
  }

  private udp(bytes: Uint8Array, at: number, ipEnd: number, end: number): Verdict {
    if (ipEnd - at < 8) return Verdict.BadUdp;
    if (end - at < 8) return Verdict.CutShort;
    const length = (bytes[at + 4] << 8) | bytes[at + 5];
    if (length < 8 || at + length > ipEnd) return Verdict.BadUdp;
    if (at + length > end) return Verdict.CutShort;
    this.offset = at + 8;
    this.length = length - 8;
    return Verdict.Frame;
  }

  private placed(bytes: Uint8Array, ip: number, udp: number): Verdict {
    if (this.channel < 0) return Verdict.NoChannelLeft;
    if (this.verifyChecksums && !checksumsHold(bytes, ip, udp)) this.badChecksums++;
    return Verdict.Frame;
  }
}

/** How an IPv6 extension header counts its length: in 8 or in 4 bytes; 0 is none of them. */
function extensionUnit(next: number): number {
  switch (next) {
    case 0: // hop by hop
    case 43: // routing
    case 44: // fragment
    case 60: // destination options
    case 135: // mobility
    case 139: // host identity
    case 140: // shim6
      return 8;
    case 51: // authentication
      return 4;
    default:
      return 0;
  }
}
