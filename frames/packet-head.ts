/**
 * What stands before the payload of a packet that is handed to an interface whole:
 *
 *      0  virtio_net_hdr, 10 bytes: where the UDP checksum begins and stands, still to be made
 *     10  Ethernet, 14 bytes         24  IPv4, 20 bytes         44  UDP, 8 bytes
 *
 * Only lengths and checksums differ from packet to packet of one group. UDP's checksum is left to
 * the card, as the kernel's own sockets leave it: what stands there is the pseudo header's sum.
 */
import { onesSum } from "./link-checksum.ts";
import { ipv4Bytes, isMulticast } from "./multicast-error.ts";

export const HEAD_BYTES = 52;
export const ETHERNET_AT = 10;
export const IP_AT = 24;
export const UDP_AT = 44;
/** IPv4 and UDP headers: what a datagram has beyond its payload. */
const DATAGRAM_HEAD_BYTES = 28;
const NEEDS_CHECKSUM = 1;
const ETHERTYPE_IPV4 = 0x0800;

/** Who sends. */
export interface PacketSource {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly address: string;
  readonly port: number;
  readonly ttl: number;
  /** Longest IPv4 packet. */
  readonly mtuBytes: number;
}

/** What the packets of a channel begin with, lengths and checksums left to each. */
export interface PacketHead {
  readonly bytes: Uint8Array;
  /** Whether it goes to a group, so that its Ethernet address is known. */
  readonly isGroup: boolean;
  /** A longer datagram would be fragments. */
  readonly payloadBytesMax: number;
  /** One's complement sums over what never changes of the IPv4 header, and of UDP's pseudo header. */
  readonly ipSum: number;
  readonly udpSum: number;
}

/** The head of packets to a group. */
export function headTo(source: PacketSource, group: Uint8Array, port: number): PacketHead {
  const bytes = new Uint8Array(HEAD_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = NEEDS_CHECKSUM;
  // Where the checksum begins, and where in that it stands, from the Ethernet header on.
  view.setUint16(6, UDP_AT - ETHERNET_AT, true);
  view.setUint16(8, 6, true);
  bytes.set([0x01, 0x00, 0x5e, group[1] & 0x7f, group[2], group[3]], ETHERNET_AT);
  bytes.set(source.mac, ETHERNET_AT + 6);
  view.setUint16(ETHERNET_AT + 12, ETHERTYPE_IPV4);
  // Version and header length; not to be cut; the protocol is UDP.
  bytes.set([0x45, 0, 0, 0, 0, 0, 0x40, 0, source.ttl, 17], IP_AT);
  bytes.set(ipv4Bytes(source.address), IP_AT + 12);
  bytes.set(group, IP_AT + 16);
  view.setUint16(UDP_AT, source.port);
  view.setUint16(UDP_AT + 2, port);
  return {
    bytes,
    isGroup: isMulticast(group),
    payloadBytesMax: source.mtuBytes - DATAGRAM_HEAD_BYTES,
    ipSum: onesSum(bytes, IP_AT, IP_AT + 20),
    udpSum: onesSum(bytes, IP_AT + 12, IP_AT + 20, 17),
  };
}

/** Writes lengths and checksums into a copy of the head that begins at `at`. */
export function writeHead(view: DataView, at: number, head: PacketHead, payload: number): void {
  const ipLength = payload + DATAGRAM_HEAD_BYTES;
  view.setUint16(at + IP_AT + 2, ipLength);
  view.setUint16(at + IP_AT + 10, ~folded(head.ipSum + ipLength));
  view.setUint16(at + UDP_AT + 4, payload + 8);
  view.setUint16(at + UDP_AT + 6, folded(head.udpSum + payload + 8));
}

/** A sum of a few 16-bit words folded to one. */
function folded(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
