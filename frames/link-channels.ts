/**
 * Finds the channel of a destination address and port without making a string: an open-addressing
 * table of address words in front of `Channels`, which is asked only for an address not met before.
 * Assumes that `Channels` is only ever appended to. Bounded: random addresses in a damaged or
 * hostile capture make at most `limit` channels; after that only known ones are found.
 */
import type { Channels } from "./channels.ts";
import { ipv4Text, ipv6Text } from "./link-address.ts";

/** Words of a key: four of the address, and the port with a bit that tells IPv6. */
export const WORDS = 5;
const IPV6 = 0x10000;

export class ChannelFinder {
  private readonly channels: Channels;
  private readonly limit: number;
  /** The table, for loops that look at its first place themselves (`pcap-run.ts`); it is replaced as it grows. */
  keys = new Int32Array(256 * WORDS);
  /** Channel index of each slot, -1 where the slot is free. */
  found = new Int32Array(256).fill(-1);
  private count = 0;
  private readonly wanted = new Int32Array(WORDS);

  constructor(channels: Channels, limit = 65_536) {
    this.channels = channels;
    this.limit = limit;
  }

  /** Channel of an IPv4 destination (one signed word) and port; -1 when the table is full. */
  ipv4(address: number, port: number): number {
    const keys = this.keys;
    const mask = this.found.length - 1;
    for (let slot = hash(address, port) & mask; ; slot = (slot + 1) & mask) {
      const channel = this.found[slot];
      if (channel < 0) break;
      if (keys[slot * WORDS] === address && keys[slot * WORDS + 4] === port) return channel;
    }
    this.wanted.fill(0);
    this.wanted[0] = address;
    this.wanted[4] = port;
    return this.learn(() => ipv4Text(address), port);
  }

  /** Channel of the IPv6 destination in the 16 bytes from `at`; -1 when the table is full. */
  ipv6(bytes: Uint8Array, at: number, port: number): number {
    const wanted = this.wanted;
    for (let i = 0; i < 4; i++) {
      const b = at + i * 4;
      wanted[i] = (bytes[b] << 24) | (bytes[b + 1] << 16) | (bytes[b + 2] << 8) | bytes[b + 3];
    }
    wanted[4] = port | IPV6;
    const mask = this.found.length - 1;
    for (let slot = this.wantedHash() & mask; ; slot = (slot + 1) & mask) {
      const channel = this.found[slot];
      if (channel < 0) break;
      if (this.holdsWanted(slot)) return channel;
    }
    return this.learn(() => ipv6Text(bytes, at), port);
  }

  private holdsWanted(slot: number): boolean {
    for (let i = 0; i < WORDS; i++) {
      if (this.keys[slot * WORDS + i] !== this.wanted[i]) return false;
    }
    return true;
  }

  private wantedHash(): number {
    const w = this.wanted;
    if ((w[4] & IPV6) === 0) return hash(w[0], w[4]);
    return hash(w[0] ^ Math.imul(w[1], 31) ^ Math.imul(w[2], 17) ^ w[3], w[4]);
  }

  private learn(text: () => string, port: number): number {
    if (this.count >= this.limit) return -1;
    const group = text();
    const known = this.channels.indexOf(group, port);
    const channel = known ?? this.channels.add({ group, port, feed: "", stream: 0, line: -1 });
    if (this.count * 2 >= this.found.length) this.grow();
    this.insert(channel);
    return channel;
  }

  private insert(channel: number): void {
    const mask = this.found.length - 1;
    let slot = this.wantedHash() & mask;
    while (this.found[slot] >= 0) slot = (slot + 1) & mask;
    this.keys.set(this.wanted, slot * WORDS);
    this.found[slot] = channel;
    this.count++;
  }

  private grow(): void {
    const keys = this.keys;
    const found = this.found;
    const last = this.wanted.slice();
    this.keys = new Int32Array(keys.length * 2);
    this.found = new Int32Array(found.length * 2).fill(-1);
    this.count = 0;
    for (let slot = 0; slot < found.length; slot++) {
      if (found[slot] < 0) continue;
      this.wanted.set(keys.subarray(slot * WORDS, slot * WORDS + WORDS));
      this.insert(found[slot]);
    }
    this.wanted.set(last);
  }
}

/** Of an IPv4 address and a port; a mask takes the slot from it. */
export function hash(address: number, port: number): number {
  const mixed = Math.imul(address ^ Math.imul(port, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
