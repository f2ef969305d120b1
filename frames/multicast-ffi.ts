/**
 * Edge: many groups received by one thread through `recvmmsg`, with the kernel's times and its
 * count of drops.
 */
import type { Pointer } from "bun:ffi";
import type { ClockSource } from "./chunk-header.ts";
import type { FrameBatch as Frames } from "./frame-batch.ts";
import { hardwareTimesObstacle } from "./hardware-times.ts";
import { ReadySockets } from "./multicast-epoll.ts";
import { ipv4Bytes, isMulticast, socketError, systemErrorName } from "./multicast-error.ts";
import type { Libc } from "./multicast-libc.ts";
import * as c from "./multicast-libc.ts";
import { PinnedBytes, socketAddress } from "./multicast-mmsg.ts";
import type { JoinedGroup, MulticastReceiver, NetworkInterface } from "./multicast-port.ts";
import { ReceiveSlots } from "./multicast-slots.ts";

/** Datagrams of one batch; one system call takes as many as are there. */
const BATCH = 256;
/** So many full batches in a row, and more waits than comes: room runs short. */
const FULL_BATCHES_BEHIND = 16;
/** Times of the card, raw, and of the software where the card gave none. */
const HARDWARE_TIMES = (1 << 2) | (1 << 3) | (1 << 4) | (1 << 6);

export class FfiReceiver implements MulticastReceiver {
  readonly kind = "recvmmsg";
  readonly clock: ClockSource;
  readonly clockNote: string;
  readonly receiveBufferBytes: number;
  private readonly libc: Libc;
  private readonly groups: readonly JoinedGroup[];
  private readonly sockets: number[] = [];
  /** The kernel's running count of drops, socket by socket. */
  private readonly drops: Float64Array;
  private readonly ready = new ReadySockets();
  private readonly slots = new ReceiveSlots(BATCH);
  private readonly memory = new PinnedBytes(c.MEMINFO_BYTES + 4);
  private closed = false;
  private turn = 0;
  /** Batches in a row that had no room for more. */
  private full = 0;

  constructor(
    libc: Libc,
    groups: readonly JoinedGroup[],
    networkInterface: NetworkInterface,
    bufferBytes: number,
  ) {
    this.libc = libc;
    this.groups = groups;
    this.drops = new Float64Array(groups.length);
    this.clockNote = hardwareTimesObstacle(libc, networkInterface.name) ?? "";
    this.clock = this.clockNote === "" ? "hardware" : "kernel";
    const times = this.clock === "hardware" ? HARDWARE_TIMES : 0;
    let smallest = Number.POSITIVE_INFINITY;
    try {
      for (const group of groups) {
        const socket = openSocket(libc);
        const index = this.sockets.push(socket) - 1;
        if (!this.ready.add(socket, index)) {
          throw socketError("watch", systemErrorName(c.errno(libc)), group.group);
        }
        const given = listen(libc, socket, group, networkInterface, bufferBytes);
        smallest = Math.min(smallest, given);
        stampPackets(libc, socket, times);
      }
    } catch (error) {
      this.close();
      throw error;
    }
    this.receiveBufferBytes = smallest;
  }

  get truncated(): number {
    return this.slots.truncated;
  }

  get isBehind(): boolean {
    return this.full >= FULL_BATCHES_BEHIND;
  }

  get kernelDrops(): number {
    this.sockets.forEach((_, which) => {
      this.askDrops(which);
    });
    return this.drops.reduce((sum, drops) => sum + drops, 0);
  }

  /** What comes with a datagram tells of drops before it; the socket knows of those after the last. */
  private askDrops(which: number): void {
    const { view, address } = this.memory;
    view.setUint32(c.MEMINFO_BYTES, c.MEMINFO_BYTES, true);
    const told = this.libc.getsockopt(
      this.sockets[which],
      c.SOL_SOCKET,
      c.SO_MEMINFO,
      address as Pointer,
      (address + c.MEMINFO_BYTES) as Pointer,
    );
    if (told === 0) this.drops[which] = view.getUint32(c.MEMINFO_DROPS_AT, true);
  }

  receive(): Frames {
    const { slots, ready } = this;
    const { frames } = slots;
    slots.clear();
    const count = ready.poll();
    // The kernel keeps its order while all of them have more: each is the first in its turn.
    const turn = this.turn++;
    for (let step = 0; step < count && frames.count < BATCH; step++) {
      this.drain(ready.at((turn + step) % count));
    }
    this.full = frames.count === BATCH ? this.full + 1 : 0;
    return frames;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.ready.close();
    for (const socket of this.sockets.splice(0)) this.libc.close(socket);
  }

  /** One call for one socket, into the slots that are still free. */
  private drain(which: number): void {
    const { slots, drops } = this;
    const took = this.libc.recvmmsg(
      this.sockets[which],
      slots.address as Pointer,
      BATCH - slots.frames.count,
      c.MSG_DONTWAIT,
      null,
    );
    // Nothing after all, or an error of the socket, which the next call tells again.
    if (took <= 0) return;
    slots.take(took, this.groups[which].channel);
    if (!Number.isNaN(slots.overflows)) drops[which] = slots.overflows;
  }
}

function openSocket(libc: Libc): number {
  const socket = libc.socket(c.AF_INET, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0);
  if (socket >= 0) return socket;
  throw socketError("socket", systemErrorName(c.errno(libc)), "A UDP socket");
}

/** Binds and joins; returns the receive buffer that the kernel gave, in bytes. */
function listen(
  libc: Libc,
  socket: number,
  { group, port }: JoinedGroup,
  networkInterface: NetworkInterface,
  bufferBytes: number,
): number {
  const where = `${group}:${port}`;
  const address = ipv4Bytes(group);
  setOption(libc, socket, c.SOL_SOCKET, c.SO_REUSEADDR, 1);
  if (!setOption(libc, socket, c.SOL_SOCKET, c.SO_RCVBUFFORCE, bufferBytes)) {
    setOption(libc, socket, c.SOL_SOCKET, c.SO_RCVBUF, bufferBytes);
  }
  setOption(libc, socket, c.SOL_SOCKET, c.SO_RXQ_OVFL, 1);
  const bound = libc.bind(socket, socketAddress(address, port).address as Pointer, 16);
  if (bound !== 0) throw socketError("bind", systemErrorName(c.errno(libc)), where);
  if (isMulticast(address)) {
    setOption(libc, socket, c.IPPROTO_IP, c.IP_MULTICAST_ALL, 0);
    const request = new PinnedBytes(12);
    request.bytes.set(address, 0);
    request.bytes.set(ipv4Bytes(networkInterface.address), 4);
    request.view.setUint32(8, interfaceIndex(libc, networkInterface.name), true);
    const joined = libc.setsockopt(
      socket,
      c.IPPROTO_IP,
      c.IP_ADD_MEMBERSHIP,
      request.address as Pointer,
      12,
    );
    if (joined !== 0) throw socketError("join", systemErrorName(c.errno(libc)), where);
  }
  return getOption(libc, socket, c.SOL_SOCKET, c.SO_RCVBUF);
}

/** @param hardware flags of the card's times; 0: the kernel's */
function stampPackets(libc: Libc, socket: number, hardware: number): void {
  const isTaken =
    hardware !== 0 && setOption(libc, socket, c.SOL_SOCKET, c.SO_TIMESTAMPING, hardware);
  if (!isTaken) setOption(libc, socket, c.SOL_SOCKET, c.SO_TIMESTAMPNS, 1);
}

function setOption(libc: Libc, socket: number, level: number, option: number, value: number) {
  const word = new PinnedBytes(4);
  word.view.setInt32(0, value, true);
  return libc.setsockopt(socket, level, option, word.address as Pointer, 4) === 0;
}

function getOption(libc: Libc, socket: number, level: number, option: number): number {
  const words = new PinnedBytes(8);
  words.view.setInt32(4, 4, true);
  const value = words.address as Pointer;
  libc.getsockopt(socket, level, option, value, (words.address + 4) as Pointer);
  return words.view.getInt32(0, true);
}

function interfaceIndex(libc: Libc, name: string): number {
  const text = new PinnedBytes(64);
  new TextEncoder().encodeInto(`${name}\0`, text.bytes);
  return libc.if_nametoindex(text.address as Pointer);
}
