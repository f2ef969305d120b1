/**
 * Edge: multicast in and out. Through `recvmmsg` and `sendmmsg` of the C library where bun:ffi
 * reaches it (Linux on x86-64 and arm64), through node:dgram elsewhere.
 */
import { networkInterfaces } from "node:os";
import type { ClockSource } from "./chunk.ts";
import type { FrameBatch } from "./frame-batch.ts";
import { DgramReceiver, DgramSender } from "./multicast-dgram.ts";
import { SocketError } from "./multicast-error.ts";
import { FfiReceiver } from "./multicast-ffi.ts";
import { openLibc } from "./multicast-libc.ts";
import { UdpSender } from "./udp-send.ts";

/** One group to listen to; frames from it carry `channel`. */
export interface JoinedGroup {
  readonly group: string;
  readonly port: number;
  readonly channel: number;
}

export interface ReceiverOptions {
  readonly groups: readonly JoinedGroup[];
  readonly networkInterface: NetworkInterface;
  /** What to ask the kernel for, for each group; what it gave is in `receiveBufferBytes`. */
  readonly receiveBufferBytes?: number;
}

export interface MulticastReceiver {
  readonly kind: "ring" | "recvmmsg" | "dgram";
  /** Whose clock stamps the frames. */
  readonly clock: ClockSource;
  /** Why it is no better one; empty where there is none better. */
  readonly clockNote?: string;
  /** The smallest receive buffer of all groups, as the kernel gave it; a ring's is one for all. */
  readonly receiveBufferBytes: number;
  /** Datagrams that the kernel dropped because a receive buffer was full. */
  readonly kernelDrops: number;
  /** Datagrams that were longer than it takes, and cut; absent where none can be. */
  readonly truncated?: number;
  /** True if so much waits that room runs short; absent where that cannot be seen. */
  readonly isBehind?: boolean;
  /** Takes what has arrived, without waiting; the batch is valid until the next call. */
  receive(): FrameBatch;
  close(): void;
}

/** Where to send a frame, by its channel index; `"all"` for one group whatever the channel. */
export type Destinations = "all" | readonly number[];

export interface MulticastSender {
  readonly kind: "sendmmsg" | "dgram";
  /** Datagrams that the kernel refused (too long, or no room). */
  readonly failed: number;
  /** Frames of this channel go to this address from now on; channel -1: every other channel. */
  route(channel: number, group: string, port: number): void;
  /** Sends frames `from` up to, not including, `to`; waits where the kernel has no room. */
  send(frames: FrameBatch, from: number, to: number): Promise<void> | void;
  close(): void;
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

export interface NetworkInterface {
  readonly name: string;
  /** Its first IPv4 address. */
  readonly address: string;
  readonly loopback: boolean;
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
