/**
 * Edge: what a packet ring needs of the C library beyond sockets: memory shared with the kernel, the
 * numbers of packet sockets, and the two structures that they take.
 */
import { dlopen, FFIType, type Pointer, toArrayBuffer } from "bun:ffi";
import { type Libc, SOCK_CLOEXEC } from "./multicast-libc.ts";
import { PinnedBytes } from "./multicast-mmsg.ts";

const { i32, u64, i64, ptr } = FFIType;

export const AF_PACKET = 17;
export const SOCK_RAW = 3 | SOCK_CLOEXEC;
export const SOL_PACKET = 263;
export const PACKET_ADD_MEMBERSHIP = 1;
export const PACKET_RX_RING = 5;
export const PACKET_STATISTICS = 6;
export const PACKET_VERSION = 10;
export const PACKET_VNET_HDR = 15;
export const PACKET_TIMESTAMP = 17;
export const PACKET_IGNORE_OUTGOING = 23;
export const PACKET_MR_PROMISC = 1;
export const TPACKET_V3 = 2;
export const SO_ATTACH_FILTER = 26;
const ETH_P_ALL = 3;

const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;

/** bun:ffi takes two arguments more than its types tell: a context, and who frees the memory. */
const layOver = toArrayBuffer as unknown as (
  at: Pointer,
  offset: number,
  bytes: number,
  context: number,
  free: Pointer,
) => ArrayBuffer;

type Memory = ReturnType<typeof loadMemory>;
let memory: Memory | undefined;

function loadMemory() {
  return dlopen("libc.so.6", {
    mmap: { args: [ptr, u64, i32, i32, i32, i64], returns: ptr },
    munmap: { args: [ptr, u64], returns: i32 },
  }).symbols;
}

/**
 * The socket's ring as memory of ours, or `undefined` if the kernel does not map it. It is unmapped
 * when the last view of it is collected, so that a batch kept too long reads old bytes and no more.
 */
export function mapRing(socket: number, bytes: number): ArrayBuffer | undefined {
  memory ??= loadMemory();
  const at = memory.mmap(null, bytes, PROT_READ_WRITE, MAP_SHARED_POPULATE, socket, 0);
  // The C library says -1 where it fails: the highest address there is.
  if (at === null || typeof at === "bigint" || at < 0 || at > Number.MAX_SAFE_INTEGER) {
    return undefined;
  }
  // The collector of garbage calls munmap(address, context): the context is the length.
  const unmap = (memory.munmap as unknown as { ptr: Pointer }).ptr;
  return layOver(at, 0, bytes, bytes, unmap);
}

/** True if the kernel took the words as the option's value. */
export function setWords(
  libc: Libc,
  socket: number,
  level: number,
  option: number,
  words: readonly number[],
): boolean {
  const value = new PinnedBytes(words.length * 4);
  words.forEach((word, i) => {
    value.view.setUint32(i * 4, word, true);
  });
  const address = value.address as Pointer;
  return libc.setsockopt(socket, level, option, address, words.length * 4) === 0;
}

/** A `sockaddr_ll` for all that an interface brings. */
export function linkAddress(interfaceIndex: number): PinnedBytes {
  const pinned = new PinnedBytes(LINK_ADDRESS_BYTES);
  pinned.view.setUint16(0, AF_PACKET, true);
  pinned.view.setUint16(2, ETH_P_ALL, false);
  pinned.view.setInt32(4, interfaceIndex, true);
  return pinned;
}
export const LINK_ADDRESS_BYTES = 20;

/** Index of an interface by its name; 0 if there is none. */
export function linkIndex(libc: Libc, name: string): number {
  const text = new PinnedBytes(64);
  new TextEncoder().encodeInto(`${name.slice(0, 60)}\0`, text.bytes);
  return libc.if_nametoindex(text.address as Pointer);
}
