/**
 * Writes frames as a classic pcap with nanosecond times, with link, IP and UDP headers made up from
 * each frame's channel: what the wire had of them is not kept in a frame. Readable by every tool.
 *
 * The source is the loopback address, port and destination port the channel's; the IPv4 header
 * checksum and the IPv6 UDP checksum are right, the IPv4 UDP checksum is 0 ("not computed").
 */
import type { Channels } from "./channels.ts";
import type { FrameBatch } from "./frame-batch.ts";
import { InputError } from "./input-error.ts";
import { LinkType } from "./link.ts";
import { addressBytes } from "./link-address.ts";
import { onesSum, pseudoSum } from "./link-checksum.ts";

const PACKET_HEADER = 16;
const SNAP_LENGTH = 262_144;
const MAX_DATAGRAM = 65_535;

export interface PcapWriterOptions {
  /** `ethernet` (the default), or `raw`: packets begin with their IP header. */
  readonly link?: "ethernet" | "raw";
}

/** Headers of one channel, all but lengths and checksums. */
interface Headers {
  readonly bytes: Uint8Array;
  readonly ip: number;
  readonly udp: number;
}

export class PcapWriter {
  /** Frames that no IP datagram can hold, left out. */
  tooLong = 0;
  private readonly channels: Channels;
  private readonly link: "ethernet" | "raw";
  private readonly headers: Headers[] = [];
  private out = new Uint8Array(1 << 16);
  private view = new DataView(this.out.buffer);

  constructor(channels: Channels, options: PcapWriterOptions = {}) {
    this.channels = channels;
    this.link = options.link ?? "ethernet";
  }

  /** The 24 bytes at the start of the file. */
  fileHeader(): Uint8Array {
    const view = new DataView(new ArrayBuffer(24));
    view.setUint32(0, 0xa1b23c4d, true);
    view.setUint16(4, 2, true);
    view.setUint16(6, 4, true);
    view.setUint32(16, SNAP_LENGTH, true);
    view.setUint32(20, this.link === "raw" ? LinkType.Raw : LinkType.Ethernet, true);
    return new Uint8Array(view.buffer);
  }

  /** Frames `from` up to, not including, `to` as packets; the bytes are valid until the next call. */
  packets(batch: FrameBatch, from = 0, to = batch.count): Uint8Array {
    let at = 0;
    for (let i = from; i < to; i++) {
      const headers = this.headersOf(batch.channel[i]);
      const datagram = headers.bytes.length - headers.ip + batch.length[i];
      if (datagram > MAX_DATAGRAM) {
        this.tooLong++;
        continue;
      }
      const captured = headers.bytes.length + batch.length[i];
      this.reserve(at, at + PACKET_HEADER + captured);
      this.view.setUint32(at, batch.sec[i], true);
      this.view.setUint32(at + 4, batch.nsec[i], true);
      this.view.setUint32(at + 8, captured, true);
      this.view.setUint32(at + 12, captured, true);
      const start = batch.offset[i];
      const payload = batch.bytes.subarray(start, start + batch.length[i]);
      this.packet(at + PACKET_HEADER, headers, payload);
      at += PACKET_HEADER + captured;
    }
    return this.out.subarray(0, at);
  }

  private packet(at: number, headers: Headers, payload: Uint8Array): void {
    const { out, view } = this;
    const ip = at + headers.ip;
    const udp = at + headers.udp;
    const end = at + headers.bytes.length + payload.length;
    out.set(headers.bytes, at);
    out.set(payload, at + headers.bytes.length);
    view.setUint16(udp + 4, end - udp);
    if (out[ip] >> 4 === 4) {
      view.setUint16(ip + 2, end - ip);
      view.setUint16(ip + 10, ~onesSum(out, ip, udp) & 0xffff);
    } else {
      view.setUint16(ip + 4, end - udp);
      const sum = ~onesSum(out, udp, end, pseudoSum(out, ip, end - udp)) & 0xffff;
      view.setUint16(udp + 6, sum || 0xffff);
    }
  }

  private reserve(used: number, length: number): void {
    if (length <= this.out.length) return;
    const larger = new Uint8Array(Math.max(length, this.out.length * 2));
    larger.set(this.out.subarray(0, used));
    this.out = larger;
    this.view = new DataView(larger.buffer);
  }

  private headersOf(channel: number): Headers {
    const known = this.headers[channel];
    if (known !== undefined) return known;
    const { group, port } = this.channels.list[channel];
    const address = addressBytes(group);
    if (address === undefined) {
      const message = `channel ${channel} has the group "${group}", which is no IP address`;
      throw new InputError("bad_channel_file", "", message, "give its group in the channel file");
    }
    const link = this.link === "raw" ? new Uint8Array(0) : ethernetHeader(address);
    const made = withLink(link, address.length === 4 ? ipv4Header(address) : ipv6Header(address));
    const view = new DataView(made.bytes.buffer);
    view.setUint16(made.udp, port);
    view.setUint16(made.udp + 2, port);
    this.headers[channel] = made;
    return made;
  }
}

/** Destination made from the group (RFC 1112, RFC 2464), or a local address for a single host. */
function ethernetHeader(address: Uint8Array): Uint8Array {
  const header = new Uint8Array(14);
  const version6 = address.length === 16;
  if (version6 && address[0] === 0xff) header.set([0x33, 0x33, ...address.subarray(12)]);
  else if (!version6 && address[0] >> 4 === 14) {
    header.set([0x01, 0x00, 0x5e, address[1] & 0x7f, address[2], address[3]]);
  } else header.set([0x02, 0, 0, 0, 0, 2]);
  header.set([0x02, 0, 0, 0, 0, 1], 6);
  header.set(version6 ? [0x86, 0xdd] : [0x08, 0x00], 12);
  return header;
}

function ipv4Header(address: Uint8Array): Uint8Array {
  const header = new Uint8Array(20);
  header.set([0x45, 0, 0, 0, 0, 0, 0x40, 0, 1, 17, 0, 0, 127, 0, 0, 1]);
  header.set(address, 16);
  return header;
}

function ipv6Header(address: Uint8Array): Uint8Array {
  const header = new Uint8Array(40);
  header.set([0x60, 0, 0, 0, 0, 0, 17, 1]);
  header[23] = 1;
  header.set(address, 24);
  return header;
}

function withLink(link: Uint8Array, ip: Uint8Array): Headers {
  const bytes = new Uint8Array(link.length + ip.length + 8);
  bytes.set(link);
  bytes.set(ip, link.length);
  return { bytes, ip: link.length, udp: link.length + ip.length };
}
