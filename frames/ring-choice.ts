/**
 * Edge: the two captures behind one port: the packet ring where this process may open one, sockets
 * elsewhere; and why, to be said at the start.
 */
import { findInterface, openReceiver, RECEIVE_BUFFER_BYTES } from "./multicast.ts";
import { SocketError } from "./multicast-error.ts";
import { openLibc } from "./multicast-libc.ts";
import type { JoinedGroup, MulticastReceiver, NetworkInterface } from "./multicast-port.ts";
import { isEthernet, RingReceiver, ringIsPermitted } from "./ring.ts";
import { linkIndex } from "./ring-libc.ts";

export type CaptureWay = "ring" | "socket";

export interface CaptureOptions {
  readonly groups: readonly JoinedGroup[];
  readonly networkInterface: NetworkInterface;
  /** Of a ring in all, of sockets for each group. */
  readonly receiveBufferBytes?: number;
  /** Absent: whichever is better and there. */
  readonly way?: CaptureWay | undefined;
  /** A mirror port's traffic, without joining; only a ring sees it. */
  readonly mirror?: boolean;
}

export interface OpenCapture {
  readonly receiver: MulticastReceiver;
  /** Why this way and not the other; empty where it was asked for. */
  readonly why: string;
}

/** @throws SocketError with what to do about it */
export function openCapture(options: CaptureOptions): OpenCapture {
  const mirror = options.mirror ?? false;
  const way = options.way ?? (mirror ? "ring" : undefined);
  if (way === "ring") return { receiver: openRing(options, mirror), why: "" };
  if (way === "socket") {
    if (mirror) throw onlyRing("Sockets hear only groups that were joined");
    return { receiver: openReceiver(options), why: "" };
  }
  const obstacle = ringObstacle(options.networkInterface.name);
  if (obstacle !== undefined) return { receiver: openReceiver(options), why: obstacle };
  try {
    return { receiver: openRing(options, false), why: "CAP_NET_RAW is there" };
  } catch (refused) {
    // A system that only looks as if it had rings; what is wrong with a group, sockets tell again.
    const receiver = openReceiver(options);
    return { receiver, why: `no ring: ${(refused as Error).message}` };
  }
}

/** Why no ring can be opened on this interface; undefined if one can, as far as one sees. */
export function ringObstacle(interfaceName: string): string | undefined {
  const libc = openLibc();
  if (libc === undefined) return "this system has no packet rings that we know";
  if (!ringIsPermitted(libc)) return "no CAP_NET_RAW for the ring";
  if (!isEthernet(interfaceName)) return `${interfaceName} brings no Ethernet frames for a ring`;
  return undefined;
}

/**
 * The interface of this name or IPv4 address; a mirror port may be one without any address.
 * @throws SocketError that lists what there is
 */
export function findCaptureInterface(nameOrAddress: string, mirror: boolean): NetworkInterface {
  try {
    return findInterface(nameOrAddress);
  } catch (notFound) {
    const libc = openLibc();
    const bare = mirror && libc !== undefined && linkIndex(libc, nameOrAddress) > 0;
    if (bare) return { name: nameOrAddress, address: "", loopback: false };
    throw notFound;
  }
}

function openRing(options: CaptureOptions, mirror: boolean): RingReceiver {
  const libc = openLibc();
  if (libc === undefined) throw onlyRing("This system has no packet rings that we know");
  const ringBytes = options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES;
  return new RingReceiver(libc, { ...options, ringBytes, mirror });
}

function onlyRing(message: string): SocketError {
  const hint = "A ring needs 64-bit Linux; without --mirror, --capture socket does everywhere.";
  return new SocketError("not_permitted", `${message}.`, hint);
}
