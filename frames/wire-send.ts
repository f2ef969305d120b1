/**
 * Edge: the fastest way through a virtual wire: runs of equal datagrams through a UDP socket, which
 * takes a run as one message, and all others as whole packets. The order of a channel holds because
 * such an interface passes everything on before a call ends, whichever socket it came by.
 *
 * Once a group is one that this host has joined there, all goes through the UDP socket: packets are
 * not heard on the host that sends them.
 */
import { readFileSync } from "node:fs";
import type { FrameBatch } from "./frame-batch.ts";
import { ipv4Bytes } from "./multicast-error.ts";
import type { MulticastSender } from "./multicast-port.ts";
import type { PacketSender } from "./packet-send.ts";
import type { UdpSender } from "./udp-send.ts";

/** A shorter run costs less as packets of their own. */
const RUN_LEAST = 4;

export class WireSender implements MulticastSender {
  readonly kind = "sendmmsg";
  private readonly name: string;
  private readonly sockets: UdpSender;
  private readonly packets: PacketSender;
  /** Whether the UDP socket hands runs over whole. */
  private readonly segments: boolean;
  private isHeardHere = false;

  constructor(name: string, sockets: UdpSender, packets: PacketSender, segments: boolean) {
    this.name = name;
    this.sockets = sockets;
    this.packets = packets;
    this.segments = segments;
  }

  get failed(): number {
    return this.sockets.failed + this.packets.failed;
  }

  route(channel: number, group: string, port: number): void {
    this.sockets.route(channel, group, port);
    this.packets.route(channel, group, port);
    if (this.isHeardHere || !isJoined(this.name, group)) return;
    this.isHeardHere = true;
    this.sockets.setHeardHere(true);
  }

  send(frames: FrameBatch, from: number, to: number): void {
    if (this.isHeardHere) {
      this.sockets.send(frames, from, to);
      return;
    }
    let start = from;
    for (let at = from; at < to; ) {
      const end = this.runEnd(frames, at, to);
      const { sockets, packets } = this;
      const isRun = this.segments && end - at >= RUN_LEAST;
      if (isRun || !packets.takes(frames.channel[at], frames.length[at])) {
        if (start < at) packets.send(frames, start, at);
        sockets.send(frames, at, end);
        start = end;
      }
      at = end;
    }
    if (start < to) this.packets.send(frames, start, to);
  }

  close(): void {
    this.sockets.close();
    this.packets.close();
  }

  /** Where frames of another length or channel begin. */
  private runEnd({ length, channel }: FrameBatch, at: number, limit: number): number {
    let end = at + 1;
    while (end < limit && length[end] === length[at] && channel[end] === channel[at]) end++;
    return end;
  }
}

/** Whether somebody on this host has joined the group on that interface. */
function isJoined(name: string, group: string): boolean {
  return joinedGroups(readFileSync("/proc/net/igmp", "utf8"), name).has(groupWord(group));
}

/**
 * Lines of `INDEX NAME : COUNT VERSION`, then for each of its groups `\t\t\tGROUP USERS …`, the group
 * as a word in the machine's order.
 */
export function joinedGroups(igmp: string, name: string): Set<string> {
  const groups = new Set<string>();
  let isThere = false;
  for (const line of igmp.split("\n")) {
    const device = /^\d+\s+(\S+)\s*:/.exec(line)?.[1];
    if (device !== undefined) isThere = device === name;
    const group = /^\s+([0-9A-F]{8})\s/.exec(line)?.[1];
    if (isThere && group !== undefined) groups.add(group);
  }
  return groups;
}

export function groupWord(group: string): string {
  const [first, second, third, fourth] = ipv4Bytes(group);
  return Buffer.from([fourth, third, second, first]).toString("hex").toUpperCase();
}
