/** Edge: the fastest way out for frames in their order that this host offers. */
import type { MulticastSender, NetworkInterface } from "./multicast.ts";
import { DgramSender } from "./multicast-dgram.ts";
import { openLibc } from "./multicast-libc.ts";
import { UdpSender } from "./udp-send.ts";
import { cutsSegments } from "./udp-send-libc.ts";

/**
 * @param segments whether runs of equal datagrams are handed over whole; undefined: where the
 *   interface is known to cut them apart before anybody sees them
 * @throws SocketError with what to do about it
 */
export function openReplaySender(
  networkInterface: NetworkInterface,
  segments: boolean | undefined,
): MulticastSender {
  const libc = openLibc();
  const ttl = networkInterface.loopback ? 0 : 1;
  if (libc === undefined) return new DgramSender(networkInterface, ttl);
  return new UdpSender(libc, {
    networkInterface,
    ttl,
    segments: segments ?? cutsSegments(networkInterface.name),
  });
}
