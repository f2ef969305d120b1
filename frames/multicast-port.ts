/** What receives frames from groups and what sends them there, whichever way the system offers. */
import type { ClockSource } from "./chunk-header.ts";
import type { FrameBatch } from "./frame-batch.ts";

export interface NetworkInterface {
  readonly name: string;
  /** Its first IPv4 address. */
  readonly address: string;
  readonly loopback: boolean;
}

/** One group to listen to; frames from it carry `channel`. */
export interface JoinedGroup {
  readonly group: string;
  readonly port: number;
  readonly channel: number;
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
