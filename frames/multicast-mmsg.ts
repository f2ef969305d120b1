/**
 * Edge: arrays of `struct mmsghdr` in memory of our own, laid out once and reused by every call.
 *
 *     mmsghdr, 64 bytes                      iovec, 16 bytes     sockaddr_in, 16 bytes
 *      0 u64 address of the peer's address    0 u64 bytes at      0 u16 family
 *      8 u32 its length                       8 u64 length        2 u16 port, big-endian
 *     16 u64 address of the iovec                                 4 u8×4 address
 *     24 u64 iovecs, here 1
 *     32 u64 address of control messages
 *     40 u64 their length
 *     48 i32 flags
 *     56 u32 bytes received or sent
 */
import { type Pointer, ptr } from "bun:ffi";
import { AF_INET, EAGAIN, EINTR, ENOBUFS, errno, type Libc } from "./multicast-libc.ts";

export const HEADER_BYTES = 64;
const IOVEC_BYTES = 16;
const SOCKADDR_BYTES = 16;
const NO_ROOM_US = 50;
const CONTROL_LENGTH_AT = 40;
const FLAGS_AT = 48;
const RECEIVED_AT = 56;

/** Memory that the kernel may hold an address of: it must not move, so its buffer is taken first. */
export class PinnedBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  readonly address: number;

  constructor(size: number) {
    this.bytes = new Uint8Array(new ArrayBuffer(Math.max(size, 4096)));
    this.view = new DataView(this.bytes.buffer);
    this.address = ptr(this.bytes);
  }

  /** A 64-bit address or length below 2^53. */
  setWord(at: number, value: number): void {
    this.view.setUint32(at, value >>> 0, true);
    this.view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }
}

export class MessageHeaders {
  readonly headers: PinnedBytes;
  readonly count: number;
  private readonly iovecs: PinnedBytes;

  constructor(count: number) {
    this.count = count;
    this.headers = new PinnedBytes(count * HEADER_BYTES);
    this.iovecs = new PinnedBytes(count * IOVEC_BYTES);
    for (let i = 0; i < count; i++) {
      this.headers.setWord(i * HEADER_BYTES + 16, this.iovecs.address + i * IOVEC_BYTES);
      this.headers.setWord(i * HEADER_BYTES + 24, 1);
    }
  }

  /** Address of header `i`, for a call that begins there. */
  address(i: number): number {
    return this.headers.address + i * HEADER_BYTES;
  }

  setPayload(i: number, address: number, length: number): void {
    this.iovecs.setWord(i * IOVEC_BYTES, address);
    this.iovecs.setWord(i * IOVEC_BYTES + 8, length);
  }

  setPeer(i: number, address: number): void {
    this.headers.setWord(i * HEADER_BYTES, address);
    this.headers.view.setUint32(i * HEADER_BYTES + 8, SOCKADDR_BYTES, true);
  }

  setControl(i: number, address: number, length: number): void {
    this.headers.setWord(i * HEADER_BYTES + 32, address);
    this.headers.setWord(i * HEADER_BYTES + CONTROL_LENGTH_AT, length);
  }

  /** The kernel wrote how much control it used; the next call needs the whole room again. */
  resetControl(i: number, length: number): void {
    this.headers.view.setUint32(i * HEADER_BYTES + CONTROL_LENGTH_AT, length, true);
  }

  controlLength(i: number): number {
    return this.headers.view.getUint32(i * HEADER_BYTES + CONTROL_LENGTH_AT, true);
  }

  flags(i: number): number {
    return this.headers.view.getInt32(i * HEADER_BYTES + FLAGS_AT, true);
  }

  /** As the kernel writes of a message that it received. */
  setReceived(i: number, bytes: number, controlBytes: number): void {
    this.headers.view.setUint32(i * HEADER_BYTES + RECEIVED_AT, bytes, true);
    this.resetControl(i, controlBytes);
  }

  received(i: number): number {
    return this.headers.view.getUint32(i * HEADER_BYTES + RECEIVED_AT, true);
  }
}

/** A `sockaddr_in` in memory that stays where it is. */
export function socketAddress(address: Uint8Array, port: number): PinnedBytes {
  const pinned = new PinnedBytes(SOCKADDR_BYTES);
  pinned.view.setUint16(0, AF_INET, true);
  pinned.view.setUint16(2, port, false);
  pinned.bytes.set(address, 4);
  return pinned;
}

/**
 * Hands messages `from` up to, not including, `to` to the kernel; waits while it has no room.
 * @returns the first that it refused, whose error is still there to be asked for; `to` if none
 */
export function handOver(
  libc: Libc,
  socket: number,
  headers: PinnedBytes,
  from: number,
  to: number,
): number {
  let at = from;
  while (at < to) {
    const address = (headers.address + at * HEADER_BYTES) as Pointer;
    const took = libc.sendmmsg(socket, address, to - at, 0);
    if (took > 0) {
      at += took;
      continue;
    }
    const error = errno(libc);
    if (error === EINTR) continue;
    if (error !== EAGAIN && error !== ENOBUFS) return at;
    libc.usleep(NO_ROOM_US);
  }
  return to;
}
