/**
 * Edge: the calls of the C library that sockets need, and their numbers on Linux. Only 64-bit
 * little-endian Linux is known here; `openLibc` gives `undefined` elsewhere.
 */
import { dlopen, FFIType, type Pointer, read } from "bun:ffi";

const { i32, u32, ptr } = FFIType;

const SYMBOLS = {
  socket: { args: [i32, i32, i32], returns: i32 },
  bind: { args: [i32, ptr, u32], returns: i32 },
  setsockopt: { args: [i32, i32, i32, ptr, u32], returns: i32 },
  getsockname: { args: [i32, ptr, ptr], returns: i32 },
  getsockopt: { args: [i32, i32, i32, ptr, ptr], returns: i32 },
  recvmmsg: { args: [i32, ptr, u32, i32, ptr], returns: i32 },
  sendmmsg: { args: [i32, ptr, u32, i32], returns: i32 },
  close: { args: [i32], returns: i32 },
  usleep: { args: [u32], returns: i32 },
  if_nametoindex: { args: [ptr], returns: u32 },
  __errno_location: { args: [], returns: ptr },
} as const;

export type Libc = ReturnType<typeof load>;

function load() {
  return dlopen("libc.so.6", SYMBOLS).symbols;
}

let opened: Libc | null | undefined;

/** The C library, or `undefined` where its layouts are not known or bun:ffi cannot load it. */
export function openLibc(): Libc | undefined {
  if (opened === undefined) {
    const known = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
    try {
      opened = known ? load() : null;
    } catch {
      opened = null;
    }
  }
  return opened ?? undefined;
}

/** The error of the call before; ask at once. */
export function errno(libc: Libc): number {
  return read.i32(libc.__errno_location() as Pointer, 0);
}

export const AF_INET = 2;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_RCVBUF = 8;
export const SO_SNDBUF = 7;
export const SO_RCVBUFFORCE = 33;
/** Also the type of the control message that carries the time. */
export const SO_TIMESTAMPNS = 35;
/** Also the type of the control message that carries the software's, an old, and the card's time. */
export const SO_TIMESTAMPING = 37;
/** Also the type of the control message that carries the count. */
export const SO_RXQ_OVFL = 40;
/** Nine words on the socket's memory, of which the last counts datagrams dropped. */
export const SO_MEMINFO = 55;
export const MEMINFO_BYTES = 36;
export const MEMINFO_DROPS_AT = 32;
export const IPPROTO_IP = 0;
export const IP_MULTICAST_IF = 32;
export const IP_MULTICAST_TTL = 33;
export const IP_MULTICAST_LOOP = 34;
export const IP_ADD_MEMBERSHIP = 35;
export const IP_MULTICAST_ALL = 49;
export const MSG_DONTWAIT = 0x40;
export const MSG_TRUNC = 0x20;
export const EINTR = 4;
export const EAGAIN = 11;
export const ENOBUFS = 105;
