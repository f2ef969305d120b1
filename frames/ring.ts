/**
 * Edge: multicast received through an AF_PACKET ring: the kernel writes packets into memory that it
 * shares with us, with its own time of receipt or the network card's, and no system call is made for them. Needs
 * CAP_NET_RAW. Waiting is the caller's: whether a block is ready is one word of memory.
 *
 * The kernel closes a block when it is full or 4 ms old, so a datagram is seen at most 4 ms late, and
 * a ring of the usual 64 MiB (512 blocks) bridges two seconds in which nobody reads, at any rate up
 * to 30 MB/s. A datagram that finds no free block is dropped and counted by the kernel.
 */
import type { Pointer } from "bun:ffi";
import { readFileSync } from "node:fs";
import type { ClockSource } from "./chunk-header.ts";
import { FrameBatch } from "./frame-batch.ts";
import { hardwareTimesObstacle, RAW_HARDWARE } from "./hardware-times.ts";
import { ipv4Bytes, SocketError, socketError, systemErrorName } from "./multicast-error.ts";
import type { Libc } from "./multicast-libc.ts";
import { errno, SOL_SOCKET } from "./multicast-libc.ts";
import { PinnedBytes } from "./multicast-mmsg.ts";
import type { JoinedGroup, MulticastReceiver, NetworkInterface } from "./multicast-port.ts";
import { RingBlocks, type RingCounters } from "./ring-blocks.ts";
import { FILTER_STEP_BYTES, filterBytes, ringFilter } from "./ring-filter.ts";
import { Memberships } from "./ring-join.ts";
import * as r from "./ring-libc.ts";

const BATCH = 1024;
/** Small blocks, since one that is closed by age keeps its whole room. */
const BLOCK_BYTES = 128 << 10;
const BLOCK_AGE_MS = 4;
/** The kernel wants a frame size; with blocks of packets of any length it means nothing. */
const FRAME_BYTES = 2048;
/** Of `/sys/class/net/NAME/type`: Ethernet, and loopback, whose packets look the same. */
const ETHERNET_TYPES = [1, 772];

export interface RingOptions {
  readonly groups: readonly JoinedGroup[];
  readonly networkInterface: NetworkInterface;
  /** The whole ring's. */
  readonly ringBytes: number;
  /** Takes what a mirror port brings: joins nothing, and listens to packets for any address. */
  readonly mirror: boolean;
}

export class RingReceiver implements MulticastReceiver {
  readonly kind = "ring";
  readonly clock: ClockSource;
  readonly clockNote: string;
  readonly receiveBufferBytes: number;
  private readonly libc: Libc;
  private readonly socket: number;
  private readonly memberships: Memberships | undefined;
  private readonly frames = new FrameBatch(BATCH);
  private readonly statistics = new PinnedBytes(16);
  private blocks: RingBlocks | undefined;
  private dropped = 0;
  private open = true;

  /** @throws SocketError with what to do about it */
  constructor(libc: Libc, options: RingOptions) {
    const { name } = options.networkInterface;
    this.libc = libc;
    const index = ethernetIndex(libc, name);
    this.receiveBufferBytes =
      Math.max(2, Math.round(options.ringBytes / BLOCK_BYTES)) * BLOCK_BYTES;
    this.socket = openPacketSocket(libc);
    this.clockNote = this.askForHardwareTimes(name);
    this.clock = this.clockNote === "" ? "hardware" : "kernel";
    try {
      this.prepare(options.groups);
      const ring = r.mapRing(this.socket, this.receiveBufferBytes);
      if (ring === undefined) throw this.failed("map its ring", name);
      this.blocks = new RingBlocks(ring, BLOCK_BYTES, options.groups);
      if (options.mirror) this.listenToAll(index, name);
      else this.memberships = new Memberships(libc, groupsOf(options.groups), index);
      // Only now, with ring and filter in place, does it get packets.
      const address = r.linkAddress(index).address as Pointer;
      if (libc.bind(this.socket, address, r.LINK_ADDRESS_BYTES) !== 0) {
        throw this.failed("bind", name);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get kernelDrops(): number {
    if (!this.open) return this.dropped;
    // The kernel counts from zero again after each answer.
    const { view, address } = this.statistics;
    view.setUint32(12, 12, true);
    const option = r.PACKET_STATISTICS;
    const told = this.libc.getsockopt(
      this.socket,
      r.SOL_PACKET,
      option,
      address as Pointer,
      (address + 12) as Pointer,
    );
    if (told === 0) this.dropped += view.getUint32(4, true);
    return this.dropped;
  }

  get isBehind(): boolean {
    return this.blocks?.isBehind ?? false;
  }

  /** What came that was no datagram of the groups; undefined when closed. */
  get counters(): RingCounters | undefined {
    return this.blocks?.counters;
  }

  receive(): FrameBatch {
    this.blocks?.next(this.frames);
    return this.frames;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.blocks = undefined;
    this.frames.reset(new Uint8Array(0));
    this.memberships?.close();
    this.libc.close(this.socket);
  }

  /** Version, ring, filter: in the order in which the kernel takes them. */
  private prepare(groups: readonly JoinedGroup[]): void {
    const { libc, socket } = this;
    const packet = (option: number, ...words: number[]) =>
      r.setWords(libc, socket, r.SOL_PACKET, option, words);
    if (!packet(r.PACKET_VERSION, r.TPACKET_V3)) throw this.failed("open version 3", "A ring");
    if (!packet(r.PACKET_VNET_HDR, 1)) throw this.failed("tell segments", "A ring");
    const blocks = this.receiveBufferBytes / BLOCK_BYTES;
    const frames = this.receiveBufferBytes / FRAME_BYTES;
    if (!packet(r.PACKET_RX_RING, BLOCK_BYTES, blocks, FRAME_BYTES, frames, BLOCK_AGE_MS, 0, 0)) {
      throw noRoom(systemErrorName(errno(libc)), this.receiveBufferBytes);
    }
    // Older kernels do not know it; the filter turns away what goes out all the same.
    packet(r.PACKET_IGNORE_OUTGOING, 1);
    this.attachFilter(groups);
  }

  /** @returns why there are none; empty if the card stamps from now on */
  private askForHardwareTimes(name: string): string {
    const obstacle = hardwareTimesObstacle(this.libc, name);
    if (obstacle !== undefined) return obstacle;
    const words = [RAW_HARDWARE];
    const taken = r.setWords(this.libc, this.socket, r.SOL_PACKET, r.PACKET_TIMESTAMP, words);
    return taken ? "" : "the ring takes no hardware times";
  }

  private attachFilter(groups: readonly JoinedGroup[]): void {
    const targets = groups.map(({ group, port }) => {
      const bytes = ipv4Bytes(group);
      return { address: new DataView(bytes.buffer).getUint32(0), port };
    });
    const program = filterBytes(ringFilter(targets));
    // struct sock_fprog: u16 steps, and the address of the first.
    const pinned = new PinnedBytes(program.length);
    pinned.bytes.set(program);
    const request = new PinnedBytes(16);
    request.view.setUint16(0, program.length / FILTER_STEP_BYTES, true);
    request.setWord(8, pinned.address);
    const address = request.address as Pointer;
    const took = this.libc.setsockopt(this.socket, SOL_SOCKET, r.SO_ATTACH_FILTER, address, 16);
    if (took !== 0) throw this.failed("attach its filter", "A ring");
  }

  private listenToAll(index: number, name: string): void {
    const words = [index, r.PACKET_MR_PROMISC, 0, 0];
    if (!r.setWords(this.libc, this.socket, r.SOL_PACKET, r.PACKET_ADD_MEMBERSHIP, words)) {
      throw this.failed("listen to all packets", name);
    }
  }

  private failed(step: string, where: string): SocketError {
    return socketError(step, systemErrorName(errno(this.libc)), where);
  }
}

function groupsOf(groups: readonly JoinedGroup[]): string[] {
  return groups.map(({ group }) => group);
}

/** True if this process may open packet sockets. */
export function ringIsPermitted(libc: Libc): boolean {
  const socket = libc.socket(r.AF_PACKET, r.SOCK_RAW, 0);
  if (socket >= 0) libc.close(socket);
  return socket >= 0;
}

function openPacketSocket(libc: Libc): number {
  const socket = libc.socket(r.AF_PACKET, r.SOCK_RAW, 0);
  if (socket >= 0) return socket;
  const name = systemErrorName(errno(libc));
  if (name !== "EPERM" && name !== "EACCES") throw socketError("socket", name, "A packet socket");
  throw new SocketError(
    "not_permitted",
    "The packet ring needs CAP_NET_RAW, which this process does not have.",
    `Give it with 'sudo setcap cap_net_raw+ep ${process.execPath}', or in a systemd unit with ` +
      "AmbientCapabilities=CAP_NET_RAW; or write --capture socket, which needs no right.",
  );
}

/** What the kernel calls the interface. @throws SocketError if it is none that a ring can read */
function ethernetIndex(libc: Libc, name: string): number {
  const index = r.linkIndex(libc, name);
  if (index === 0) throw socketError("find", "ENODEV", name);
  if (!isEthernet(name)) {
    throw new SocketError(
      "no_such_interface",
      `${name} brings no Ethernet frames; the ring reads no others.`,
      "Write --capture socket for this interface.",
    );
  }
  return index;
}

export function isEthernet(name: string): boolean {
  try {
    return ETHERNET_TYPES.includes(Number(readFileSync(`/sys/class/net/${name}/type`, "utf8")));
  } catch {
    return false;
  }
}

function noRoom(errnoName: string, bytes: number): SocketError {
  return new SocketError(
    "cannot_join",
    `The kernel gave no ring of ${bytes >> 20} MiB (${errnoName}).`,
    "Set receive_buffer_mib lower in collector.toml, or free some memory.",
  );
}
