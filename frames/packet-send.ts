/**
 * Edge: frames sent as whole packets through a packet socket (AF_PACKET, many a `sendmmsg`), past
 * routing and the UDP socket: where lengths vary, so that no runs come about, this costs two thirds.
 *
 *     iovec 2i      the head of frame i, in a slot of its own (`packet-head.ts`)
 *     iovec 2i + 1  its payload, where it lies in the batch
 *
 * Assumes Ethernet and multicast groups. Nobody on this host hears what goes this way but taps.
 */
import { type Pointer, ptr } from "bun:ffi";
import type { FrameBatch } from "./frame-batch.ts";
import { ipv4Bytes, noRoute, socketError, systemErrorName } from "./multicast-error.ts";
import * as c from "./multicast-libc.ts";
import { HEADER_BYTES, handOver, PinnedBytes } from "./multicast-mmsg.ts";
import {
  HEAD_BYTES,
  headTo,
  type PacketHead,
  type PacketSource,
  writeHead,
} from "./packet-head.ts";
import {
  AF_PACKET,
  LINK_ADDRESS_BYTES,
  linkAddress,
  linkIndex,
  PACKET_VNET_HDR,
  SOCK_RAW,
  SOL_PACKET,
  setWords,
} from "./ring-libc.ts";

/** Frames of one system call. */
const BATCH = 512;
const IOVEC_BYTES = 16;
const SLOT_BYTES = 64;
const SEND_BUFFER_BYTES = 4 << 20;

export class PacketSender {
  /** Datagrams that the kernel refused. */
  failed = 0;
  private readonly libc: c.Libc;
  private readonly socket: number;
  private readonly source: PacketSource;
  private readonly headers = new PinnedBytes(BATCH * HEADER_BYTES);
  private readonly iovecs = new PinnedBytes(2 * BATCH * IOVEC_BYTES);
  private readonly slots = new PinnedBytes(BATCH * SLOT_BYTES);
  /** By channel; index 0 is channel -1, for all that have none of their own. */
  private readonly heads: (PacketHead | undefined)[] = [];
  /** Whose head a slot holds. */
  private readonly holds: (PacketHead | undefined)[] = [];
  private payloads: Uint8Array | undefined;
  private payloadsAddress = 0;

  /** @throws SocketError where packet sockets are not allowed, or know no checksums */
  constructor(libc: c.Libc, source: PacketSource) {
    this.libc = libc;
    this.source = source;
    // Protocol 0: this socket takes no packet in.
    this.socket = libc.socket(AF_PACKET, SOCK_RAW, 0);
    if (this.socket < 0) throw this.failure("socket");
    const place = linkAddress(linkIndex(libc, source.name));
    place.view.setUint16(2, 0);
    const isReady =
      setWords(libc, this.socket, SOL_PACKET, PACKET_VNET_HDR, [1]) &&
      libc.bind(this.socket, place.address as Pointer, LINK_ADDRESS_BYTES) === 0;
    if (!isReady) {
      const failure = this.failure("bind");
      libc.close(this.socket);
      throw failure;
    }
    setWords(libc, this.socket, c.SOL_SOCKET, c.SO_SNDBUF, [SEND_BUFFER_BYTES]);
    for (let i = 0; i < BATCH; i++) {
      const iovec = 2 * i * IOVEC_BYTES;
      this.headers.setWord(i * HEADER_BYTES + 16, this.iovecs.address + iovec);
      this.headers.setWord(i * HEADER_BYTES + 24, 2);
      this.iovecs.setWord(iovec, this.slots.address + i * SLOT_BYTES);
      this.iovecs.setWord(iovec + 8, HEAD_BYTES);
    }
  }

  route(channel: number, group: string, port: number): void {
    this.heads[channel + 1] = headTo(this.source, ipv4Bytes(group), port);
  }

  /** Whether a frame of this channel and length can go this way. @throws SocketError */
  takes(channel: number, length: number): boolean {
    const head = this.heads[channel + 1] ?? this.heads[0];
    if (head === undefined) throw noRoute(channel);
    return head.isGroup && length <= head.payloadBytesMax;
  }

  /** Sends frames `from` up to, not including, `to`, all of which it takes. */
  send(frames: FrameBatch, from: number, to: number): void {
    if (this.payloads !== frames.bytes) {
      this.payloads = frames.bytes;
      this.payloadsAddress = ptr(frames.bytes);
    }
    for (let start = from; start < to; start += BATCH) {
      const count = Math.min(BATCH, to - start);
      for (let i = 0; i < count; i++) this.lay(i, frames, start + i);
      for (let sent = 0; sent < count; sent++) {
        sent = handOver(this.libc, this.socket, this.headers, sent, count);
        if (sent < count) this.failed++;
      }
    }
  }

  close(): void {
    this.libc.close(this.socket);
  }

  private lay(i: number, frames: FrameBatch, frame: number): void {
    const { slots, iovecs } = this;
    const head = this.heads[frames.channel[frame] + 1] ?? this.heads[0];
    if (head === undefined) throw noRoute(frames.channel[frame]);
    const slot = i * SLOT_BYTES;
    if (this.holds[i] !== head) {
      slots.bytes.set(head.bytes, slot);
      this.holds[i] = head;
    }
    const length = frames.length[frame];
    writeHead(slots.view, slot, head, length);
    const iovec = (2 * i + 1) * IOVEC_BYTES;
    iovecs.setWord(iovec, this.payloadsAddress + frames.offset[frame]);
    iovecs.view.setUint32(iovec + 8, length, true);
  }

  private failure(step: string) {
    return socketError(step, systemErrorName(c.errno(this.libc)), this.source.name);
  }
}
