/**
 * Edge: multicast in and out. Through `recvmmsg` and `sendmmsg` of the C library where bun:ffi
 * reaches it (Linux on x86-64 and arm64), through node:dgram elsewhere.
 */
import { networkInterfaces } from "node:os";
import { DgramReceiver, DgramSender } from "./multicast-dgram.ts";
import { SocketError } from "./multicast-error.ts";
import { FfiReceiver } from "./multicast-ffi.ts";
import { openLibc } from "./multicast-libc.ts";
import type {
  JoinedGroup,
  MulticastReceiver,
  MulticastSender,
  NetworkInterface,
} from "./multicast-port.ts";
import { UdpSender } from "./udp-send.ts";

export interface ReceiverOptions {
  readonly groups: readonly JoinedGroup[];
  readonly networkInterface: NetworkInterface;
  /** What to ask the kernel for, for each group; what it gave is in `receiveBufferBytes`. */
  readonly receiveBufferBytes?: number;
}

export interface SenderOptions {
  readonly networkInterface: NetworkInterface;
  /** 0 keeps datagrams on this host. */
  readonly ttl?: number;
}

export const RECEIVE_BUFFER_BYTES = 64 << 20;

/** Joins the groups. @throws SocketError with what to do about it */
export function openReceiver(options: ReceiverOptions): MulticastReceiver {
  const libc = openLibc();
  const bytes = options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES;
  return libc === undefined
    ? new DgramReceiver(options.groups, options.networkInterface, bytes)
    : new FfiReceiver(libc, options.groups, options.networkInterface, bytes);
}

/** @throws SocketError with what to do about it */
export function openSender(options: SenderOptions): MulticastSender {
  const libc = openLibc();
  const ttl = options.ttl ?? (options.networkInterface.loopback ? 0 : 1);
  return libc === undefined
    ? new DgramSender(options.networkInterface, ttl)
    : new UdpSender(libc, { networkInterface: options.networkInterface, segments: false, ttl });
}

/** The interface of this name or IPv4 address. @throws SocketError that lists what there is */
export function findInterface(nameOrAddress: string): NetworkInterface {
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter(({ family }) => family === "IPv4")
      .map(({ address, internal }) => ({ name, address, loopback: internal })),
  );
  const found = all.find(({ name, address }) => [name, address].includes(nameOrAddress));
  if (found !== undefined) return found;
  const offered = all.map(({ name, address }) => `${name} (${address})`).join(", ");
  throw new SocketError(
    "no_such_interface",
    `There is no network interface '${nameOrAddress}' with an IPv4 address.`,
    `Give --interface one of: ${offered}.`,
  );
}
