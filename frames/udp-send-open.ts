/** Edge: the fastest way out for frames in their order that this host offers. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { DgramSender } from "./multicast-dgram.ts";
import { SocketError } from "./multicast-error.ts";
import { type Libc, openLibc } from "./multicast-libc.ts";
import type { MulticastSender, NetworkInterface } from "./multicast-port.ts";
import { PacketSender } from "./packet-send.ts";
import { UdpSender } from "./udp-send.ts";
import { cutsSegments } from "./udp-send-libc.ts";
import { WireSender } from "./wire-send.ts";

const ARPHRD_ETHER = "1";

export interface ReplaySenderOptions {
  readonly networkInterface: NetworkInterface;
  /**
   * Whether runs of equal datagrams are handed over whole; undefined: where the interface is known
   * to cut them apart before anybody sees them.
   */
  readonly segments?: boolean | undefined;
  /** Past the host's own sockets, where that is faster, allowed and keeps the order. */
  readonly packets: boolean;
}

/** @throws SocketError with what to do about it */
export function openReplaySender(options: ReplaySenderOptions): MulticastSender {
  const { networkInterface } = options;
  const libc = openLibc();
  const ttl = networkInterface.loopback ? 0 : 1;
  if (libc === undefined) return new DgramSender(networkInterface, ttl);
  const segments = options.segments ?? cutsSegments(networkInterface.name);
  const sockets = new UdpSender(libc, { networkInterface, ttl, segments });
  const packets = options.packets ? packetsOn(libc, networkInterface, sockets.port) : undefined;
  if (packets === undefined) return sockets;
  sockets.setHeardHere(false);
  return new WireSender(networkInterface.name, sockets, packets, segments);
}

/** Undefined where packets may not be sent, or might overtake what goes through a socket. */
function packetsOn(
  libc: Libc,
  { name, address, loopback }: NetworkInterface,
  port: number,
): PacketSender | undefined {
  const folder = `/sys/class/net/${name}`;
  if (loopback || !existsSync(folder) || !passesOnAtOnce(folder)) return undefined;
  const told = (file: string) => readFileSync(`${folder}/${file}`, "utf8").trim();
  if (told("type") !== ARPHRD_ETHER) return undefined;
  const mac = Uint8Array.from(told("address").split(":"), (byte) => Number.parseInt(byte, 16));
  try {
    return new PacketSender(libc, { name, mac, address, port, ttl: 1, mtuBytes: +told("mtu") });
  } catch (error) {
    if (error instanceof SocketError) return undefined;
    throw error;
  }
}

/** A card has queues of its own, and so may what stands on top of one (a VLAN, a bridge). */
function passesOnAtOnce(folder: string): boolean {
  if (existsSync(`${folder}/device`) || existsSync(`${folder}/tun_flags`)) return false;
  return !readdirSync(folder).some((entry) => entry.startsWith("lower_"));
}
