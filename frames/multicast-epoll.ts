/**
 * Edge: which of many sockets have something, asked of the kernel in one call that costs the same for
 * two sockets as for two hundred.
 *
 *     struct epoll_event: u32 events, u64 of the caller's; packed on x86-64, aligned elsewhere
 */
import { dlopen, FFIType, type Pointer } from "bun:ffi";
import { PinnedBytes } from "./multicast-mmsg.ts";

const { i32, ptr } = FFIType;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const PACKED = process.arch === "x64";
const EVENT_BYTES = PACKED ? 12 : 16;
const OWN_AT = PACKED ? 4 : 8;
const EVENTS = 64;

type Calls = ReturnType<typeof loadCalls>;
let calls: Calls | undefined;

function loadCalls() {
  return dlopen("libc.so.6", {
    epoll_create1: { args: [i32], returns: i32 },
    epoll_ctl: { args: [i32, i32, i32, ptr], returns: i32 },
    epoll_wait: { args: [i32, ptr, i32, i32], returns: i32 },
    close: { args: [i32], returns: i32 },
  }).symbols;
}

export class ReadySockets {
  private readonly calls: Calls;
  private readonly epoll: number;
  private readonly events = new PinnedBytes(EVENTS * EVENT_BYTES);

  constructor() {
    calls ??= loadCalls();
    this.calls = calls;
    this.epoll = calls.epoll_create1(EPOLL_CLOEXEC);
  }

  /** @returns false if the kernel did not take it */
  add(socket: number, index: number): boolean {
    const event = new PinnedBytes(EVENT_BYTES);
    event.view.setUint32(0, EPOLLIN, true);
    event.view.setUint32(OWN_AT, index, true);
    const address = event.address as Pointer;
    return this.calls.epoll_ctl(this.epoll, EPOLL_CTL_ADD, socket, address) === 0;
  }

  /** How many of them have something now, without waiting; at most 64. */
  poll(): number {
    const ready = this.calls.epoll_wait(this.epoll, this.events.address as Pointer, EVENTS, 0);
    return Math.max(0, ready);
  }

  /** The index of one that `poll` counted. */
  at(place: number): number {
    return this.events.view.getUint32(place * EVENT_BYTES + OWN_AT, true);
  }

  close(): void {
    this.calls.close(this.epoll);
  }
}
