/**
 * Edge: membership in multicast groups, for a receiver that takes the datagrams elsewhere: sockets
 * that join, and are bound to no port, so that nothing ever waits in them.
 */
import type { Pointer } from "bun:ffi";
import { ipv4Bytes, isMulticast, socketError, systemErrorName } from "./multicast-error.ts";
import type { Libc } from "./multicast-libc.ts";
import * as c from "./multicast-libc.ts";
import { PinnedBytes } from "./multicast-mmsg.ts";

/** The kernel's usual limit (net.ipv4.igmp_max_memberships) is 20 a socket. */
const GROUPS_A_SOCKET = 16;
const REQUEST_BYTES = 12;

export class Memberships {
  private readonly libc: Libc;
  private readonly sockets: number[] = [];

  /** @throws SocketError for a group that cannot be joined on this interface */
  constructor(libc: Libc, groups: Iterable<string>, interfaceIndex: number) {
    this.libc = libc;
    const addresses = [...new Set(groups)].filter((group) => isMulticast(ipv4Bytes(group)));
    try {
      addresses.forEach((group, i) => {
        if (i % GROUPS_A_SOCKET === 0) this.open();
        this.join(group, interfaceIndex);
      });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    for (const socket of this.sockets.splice(0)) this.libc.close(socket);
  }

  private open(): void {
    const socket = this.libc.socket(c.AF_INET, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0);
    if (socket < 0) throw socketError("socket", systemErrorName(c.errno(this.libc)), "A socket");
    this.sockets.push(socket);
  }

  private join(group: string, interfaceIndex: number): void {
    const request = new PinnedBytes(REQUEST_BYTES);
    request.bytes.set(ipv4Bytes(group), 0);
    request.view.setUint32(8, interfaceIndex, true);
    const joined = this.libc.setsockopt(
      this.sockets[this.sockets.length - 1],
      c.IPPROTO_IP,
      c.IP_ADD_MEMBERSHIP,
      request.address as Pointer,
      REQUEST_BYTES,
    );
    if (joined !== 0) throw socketError("join", systemErrorName(c.errno(this.libc)), group);
  }
}
