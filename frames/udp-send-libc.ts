/**
 * Edge: what the replay's sender needs of Linux beyond sockets: whether an interface cuts runs of
 * datagrams apart before anybody sees them, and how exactly this thread wakes up.
 */

import { dlopen, FFIType, type Pointer } from "bun:ffi";
import { existsSync } from "node:fs";
import { getPriority } from "node:os";
import * as c from "./multicast-libc.ts";
import { PinnedBytes } from "./multicast-mmsg.ts";

const { i32, i64, u64, ptr } = FFIType;

const PR_SET_TIMERSLACK = 29;
const SYS_SCHED_SETATTR = process.arch === "arm64" ? 274 : 314;
const SCHED_OTHER = 0;
const SCHED_ATTR_BYTES = 48;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GFEATURES = 0x3a;
const ETH_SS_FEATURES = 4;
/** Feature names and bits that there is room for; Linux has about 65. */
const FEATURES_MAX = 256;
const NAME_BYTES = 32;
const FEATURE_BLOCK_BYTES = 16;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const RTM_GETLINK = 18;
const NLM_F_REQUEST = 1;
const IFLA_GSO_MAX_SEGS = 40;
const REPLY_BYTES = 32_768;

type Calls = ReturnType<typeof load>;
let calls: Calls | undefined;

function load() {
  return dlopen("libc.so.6", {
    ioctl: { args: [i32, u64, ptr], returns: i32 },
    sched_getscheduler: { args: [i32], returns: i32 },
    syscall: { args: [i64, i64, ptr, i64], returns: i64 },
    prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
    send: { args: [i32, ptr, u64, i32], returns: i32 },
    recv: { args: [i32, ptr, u64, i32], returns: i32 },
  }).symbols;
}

function linux(): Calls | undefined {
  if (c.openLibc() !== undefined) calls ??= load();
  return calls;
}

/** Short sleeps of this thread end within about so many ns; without this, 50 us late. */
export function setTimerSlack(ns: number): void {
  linux()?.prctl(PR_SET_TIMERSLACK, ns, 0, 0, 0);
}

/**
 * Asks for turns of about so many ns for this thread, which then come sooner where others want its
 * processor too; its share stays what it was. Linux knows that from 6.12 on. A thread that somebody
 * has given another kind of scheduling keeps it.
 */
export function setSchedulerSlice(ns: number): void {
  const calls = linux();
  if (calls === undefined || calls.sched_getscheduler(0) !== SCHED_OTHER) return;
  const wanted = new PinnedBytes(SCHED_ATTR_BYTES);
  wanted.view.setUint32(0, SCHED_ATTR_BYTES, true);
  wanted.view.setUint32(4, SCHED_OTHER, true);
  wanted.view.setInt32(16, getPriority(), true);
  wanted.setWord(24, ns);
  calls.syscall(SYS_SCHED_SETATTR, 0, wanted.address as Pointer, 0);
}

/**
 * Whether a run handed over with UDP_SEGMENT leaves this interface as single datagrams. A real
 * card cuts it. A virtual one (loopback, veth, bridge) may pass it on whole, which sockets never
 * notice but packet taps do: there it must be told to cut (`tx-udp-segmentation off`, or
 * `gso_max_segs 1`).
 */
export function cutsSegments(name: string): boolean {
  const libc = c.openLibc();
  const more = linux();
  if (libc === undefined || more === undefined) return false;
  if (existsSync(`/sys/class/net/${name}/device`)) return true;
  return segmentsMax(libc, more, name) === 1 || !offersUdpSegments(libc, more, name);
}

/** IFLA_GSO_MAX_SEGS of the interface; NaN where it is not told. */
function segmentsMax(libc: c.Libc, more: Calls, name: string): number {
  const text = new PinnedBytes(64);
  new TextEncoder().encodeInto(`${name}\0`, text.bytes);
  const index = libc.if_nametoindex(text.address as Pointer);
  const socket = libc.socket(AF_NETLINK, SOCK_RAW | c.SOCK_CLOEXEC, 0);
  if (socket < 0) return Number.NaN;
  // nlmsghdr 16 bytes (length, type, flags, sequence, port), ifinfomsg 16 bytes (index at 4).
  const asked = new PinnedBytes(32);
  asked.view.setUint32(0, 32, true);
  asked.view.setUint16(4, RTM_GETLINK, true);
  asked.view.setUint16(6, NLM_F_REQUEST, true);
  asked.view.setInt32(20, index, true);
  const told = new PinnedBytes(REPLY_BYTES);
  more.send(socket, asked.address as Pointer, 32, 0);
  const length = more.recv(socket, told.address as Pointer, REPLY_BYTES, 0);
  libc.close(socket);
  for (let at = 32; at + 4 <= length; ) {
    const bytes = told.view.getUint16(at, true);
    if (told.view.getUint16(at + 2, true) === IFLA_GSO_MAX_SEGS) {
      return told.view.getUint32(at + 4, true);
    }
    if (bytes < 4) break;
    at += (bytes + 3) & ~3;
  }
  return Number.NaN;
}

/** Whether the interface takes runs whole (ethtool's tx-udp-segmentation); true where unknown. */
function offersUdpSegments(libc: c.Libc, more: Calls, name: string): boolean {
  const socket = libc.socket(c.AF_INET, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0);
  if (socket < 0) return true;
  const request = new PinnedBytes(40);
  new TextEncoder().encodeInto(name.slice(0, 15), request.bytes);
  const asking = (command: number, second: number, third: number): PinnedBytes | undefined => {
    const answer = new PinnedBytes(12 + FEATURES_MAX * NAME_BYTES);
    answer.view.setUint32(0, command, true);
    answer.view.setUint32(4, second, true);
    answer.view.setUint32(8, third, true);
    request.setWord(16, answer.address);
    return more.ioctl(socket, SIOCETHTOOL, request.address as Pointer) === 0 ? answer : undefined;
  };
  const names = asking(ETHTOOL_GSTRINGS, ETH_SS_FEATURES, 0);
  const bits = asking(ETHTOOL_GFEATURES, FEATURES_MAX / 32, 0);
  libc.close(socket);
  if (names === undefined || bits === undefined) return true;
  const count = Math.min(names.view.getUint32(8, true), FEATURES_MAX);
  for (let i = 0; i < count; i++) {
    const at = 12 + i * NAME_BYTES;
    const word = String.fromCharCode(...names.bytes.subarray(at, at + NAME_BYTES)).split("\0")[0];
    if (word !== "tx-udp-segmentation") continue;
    // Blocks of 32 features: available, requested, active, never changed.
    const active = bits.view.getUint32(8 + (i >> 5) * FEATURE_BLOCK_BYTES + 8, true);
    return ((active >>> (i & 31)) & 1) === 1;
  }
  return false;
}
