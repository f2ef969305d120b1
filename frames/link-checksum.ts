/**
 * The Internet checksum (RFC 1071) of an IPv4 header and of a UDP datagram with its pseudo header.
 * Captures of a sending host and anonymised ones have wrong checksums as a rule, so that readers
 * only count them, and only when asked.
 */

/** One's complement sum of the bytes as big-endian 16-bit words, folded to 16 bits. */
export function onesSum(bytes: Uint8Array, from: number, to: number, start = 0): number {
  let sum = start;
  let at = from;
  for (; at + 1 < to; at += 2) sum += (bytes[at] << 8) | bytes[at + 1];
  if (at < to) sum += bytes[at] << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** Sum of the pseudo header: both addresses, the protocol and the UDP length. */
export function pseudoSum(bytes: Uint8Array, ip: number, udpLength: number): number {
  const version6 = bytes[ip] >> 4 === 6;
  const from = version6 ? ip + 8 : ip + 12;
  return onesSum(bytes, from, from + (version6 ? 32 : 8), 17 + udpLength);
}

/** Whether the checksums of a whole datagram (IP header at `ip`, UDP header at `udp`) hold. */
export function checksumsHold(bytes: Uint8Array, ip: number, udp: number): boolean {
  const version6 = bytes[ip] >> 4 === 6;
  if (!version6 && onesSum(bytes, ip, ip + (bytes[ip] & 15) * 4) !== 0xffff) return false;
  const given = (bytes[udp + 6] << 8) | bytes[udp + 7];
  // IPv4 senders may leave it out; IPv6 has no checksum of its own and must not.
  if (given === 0) return !version6;
  const length = (bytes[udp + 4] << 8) | bytes[udp + 5];
  return onesSum(bytes, udp, udp + length, pseudoSum(bytes, ip, length)) === 0xffff;
}
