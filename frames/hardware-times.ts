/**
 * Edge: times of receipt by the network card itself. Asks the driver whether it can stamp every
 * packet that comes in, and tells it to; what it cannot, the kernel stamps as ever. On loopback and on
 * virtual pairs there is no card to ask.
 *
 *     struct ifreq            struct ethtool_ts_info      struct hwtstamp_config
 *      0 u8×16 name            0 u32 command               0 i32 flags
 *     16 u64 address of data   4 u32 what it can           4 i32 sent packets
 *                             28 u32 filters of receipt    8 i32 filter of receipt
 */
import { dlopen, FFIType, type Pointer } from "bun:ffi";
import type { Libc } from "./multicast-libc.ts";
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from "./multicast-libc.ts";
import { PinnedBytes } from "./multicast-mmsg.ts";

const { i32, u64, ptr } = FFIType;
const SIOCETHTOOL = 0x8946;
const SIOCSHWTSTAMP = 0x89b0;
const ETHTOOL_GET_TS_INFO = 0x41;
const RX_HARDWARE = 1 << 2;
export const RAW_HARDWARE = 1 << 6;
/** Filter 1 stamps all that comes in. */
const FILTER_ALL = 1;
const IFREQ_BYTES = 40;
const INFO_BYTES = 44;
const CONFIG_BYTES = 12;
const NAME_BYTES_MAX = 15;

type Ioctl = (socket: number, request: number, at: Pointer) => number;
let ioctl: Ioctl | undefined;

/** Why packets of the interface have no hardware times; undefined if they now have. */
export function hardwareTimesObstacle(libc: Libc, interfaceName: string): string | undefined {
  ioctl ??= dlopen("libc.so.6", { ioctl: { args: [i32, u64, ptr], returns: i32 } }).symbols.ioctl;
  const socket = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return "nobody can be asked for hardware times";
  try {
    return obstacle(ioctl, socket, interfaceName);
  } finally {
    libc.close(socket);
  }
}

function obstacle(call: Ioctl, socket: number, name: string): string | undefined {
  const ask = (request: number, content: PinnedBytes) => {
    const frame = new PinnedBytes(IFREQ_BYTES);
    new TextEncoder().encodeInto(name.slice(0, NAME_BYTES_MAX), frame.bytes);
    frame.setWord(16, content.address);
    return call(socket, request, frame.address as Pointer) === 0;
  };
  const info = new PinnedBytes(INFO_BYTES);
  info.view.setUint32(0, ETHTOOL_GET_TS_INFO, true);
  if (!ask(SIOCETHTOOL, info)) return "the interface tells of no hardware times";
  const can = info.view.getUint32(4, true);
  const filters = info.view.getUint32(28, true);
  if ((can & RX_HARDWARE) === 0 || (can & RAW_HARDWARE) === 0) {
    return "the interface has no hardware times";
  }
  if ((filters & (1 << FILTER_ALL)) === 0) return "its hardware stamps not all that comes in";
  const config = new PinnedBytes(CONFIG_BYTES);
  config.view.setInt32(8, FILTER_ALL, true);
  if (!ask(SIOCSHWTSTAMP, config)) return "hardware times need CAP_NET_ADMIN";
  return undefined;
}
