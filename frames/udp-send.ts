/**
 * Edge: frames sent through a UDP socket: many datagrams a system call (`sendmmsg`), and where it is
 * asked for, of a run of equal length to one group only one message to the kernel (UDP_SEGMENT),
 * which costs a quarter. Frames leave straight from the batch's buffer, in their order.
 *
 *     iovec i       frame i of the call
 *     mmsghdr k     a run of frames: its iovecs, its peer, and where there are several their length
 *                   as a control message
 *
 * Assumes that the interface cuts runs apart (`cutsSegments`) where it is asked for them.
 */
import { type Pointer, ptr } from "bun:ffi";
import type { FrameBatch } from "./frame-batch.ts";
import {
  ipv4Bytes,
  noRoute,
  type SocketError,
  socketError,
  systemErrorName,
} from "./multicast-error.ts";
import * as c from "./multicast-libc.ts";
import { HEADER_BYTES, handOver, PinnedBytes, socketAddress } from "./multicast-mmsg.ts";
import type { MulticastSender, NetworkInterface } from "./multicast-port.ts";
import { linkIndex, setWords } from "./ring-libc.ts";

/** Frames of one system call. */
const BATCH = 512;
const IOVEC_BYTES = 16;
/** Room for one control message of two bytes, and how long it says that it is. */
const CONTROL_BYTES = 32;
const CONTROL_LENGTH = 18;
const CONTROL_SPACE = 24;
/** Every kernel that has UDP_SEGMENT takes 64; what a run weighs must fit in one UDP length. */
const RUN_FRAMES_MAX = 64;
const RUN_BYTES_MAX = 65_000;
const IPPROTO_UDP = 17;
const UDP_SEGMENT = 103;
const EIO = 5;
const EINVAL = 22;
const EMSGSIZE = 90;
const SEND_BUFFER_BYTES = 4 << 20;

export interface UdpSenderOptions {
  readonly networkInterface: NetworkInterface;
  /** Hands runs over whole; only where the interface cuts them apart again. */
  readonly segments: boolean;
  /** 0 keeps datagrams on this host. */
  readonly ttl: number;
  /** Whether members of a group on this host hear it too; they do unless said. */
  readonly heardHere?: boolean;
}

export class UdpSender implements MulticastSender {
  readonly kind = "sendmmsg";
  failed = 0;
  private readonly libc: c.Libc;
  private readonly socket: number;
  private readonly headers = new PinnedBytes(BATCH * HEADER_BYTES);
  private readonly iovecs = new PinnedBytes(BATCH * IOVEC_BYTES);
  private readonly control = new PinnedBytes(BATCH * CONTROL_BYTES);
  /** First frame of each run of this call; one more than there are runs. */
  private readonly runStart = new Int32Array(BATCH + 1);
  /** By channel; index 0 is channel -1, for all that have none of their own. */
  private readonly routes: (PinnedBytes | undefined)[] = [];
  /** Longest datagram that may stand in a run; shrinks where the interface's MTU says so. */
  private segmentBytesMax: number;
  private payloads: Uint8Array | undefined;
  private payloadsAddress = 0;

  /** @throws SocketError with what to do about it */
  constructor(libc: c.Libc, options: UdpSenderOptions) {
    const { networkInterface, segments, ttl, heardHere = true } = options;
    this.libc = libc;
    this.segmentBytesMax = segments ? RUN_BYTES_MAX / 2 : 0;
    this.socket = libc.socket(c.AF_INET, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0);
    if (this.socket < 0) throw this.failure("socket", "A UDP socket");
    const index = linkIndex(libc, networkInterface.name);
    const chosen = setWords(libc, this.socket, c.IPPROTO_IP, c.IP_MULTICAST_IF, [0, 0, index]);
    if (!chosen) {
      const failure = this.failure("choose", networkInterface.name);
      libc.close(this.socket);
      throw failure;
    }
    setWords(libc, this.socket, c.IPPROTO_IP, c.IP_MULTICAST_TTL, [ttl]);
    this.setHeardHere(heardHere);
    setWords(libc, this.socket, c.SOL_SOCKET, c.SO_SNDBUF, [SEND_BUFFER_BYTES]);
    libc.bind(this.socket, socketAddress(new Uint8Array(4), 0).address as Pointer, 16);
    for (let k = 0; k < BATCH; k++) {
      this.headers.view.setUint32(k * HEADER_BYTES + 8, 16, true);
      this.control.setWord(k * CONTROL_BYTES, CONTROL_LENGTH);
      this.control.view.setInt32(k * CONTROL_BYTES + 8, IPPROTO_UDP, true);
      this.control.view.setInt32(k * CONTROL_BYTES + 12, UDP_SEGMENT, true);
    }
  }

  /** Whether members of a group on this host hear it too. */
  setHeardHere(on: boolean): void {
    setWords(this.libc, this.socket, c.IPPROTO_IP, c.IP_MULTICAST_LOOP, [on ? 1 : 0]);
  }

  /** The port that datagrams come from. */
  get port(): number {
    const { libc, socket } = this;
    const name = new PinnedBytes(20);
    name.view.setUint32(16, 16, true);
    const length = (name.address + 16) as Pointer;
    libc.getsockname(socket, name.address as Pointer, length);
    return name.view.getUint16(2, false);
  }

  route(channel: number, group: string, port: number): void {
    this.routes[channel + 1] = socketAddress(ipv4Bytes(group), port);
  }

  send(frames: FrameBatch, from: number, to: number): void {
    if (this.payloads !== frames.bytes) {
      this.payloads = frames.bytes;
      this.payloadsAddress = ptr(frames.bytes);
    }
    for (let start = from; start < to; start += BATCH) {
      this.sendSome(frames, start, Math.min(BATCH, to - start));
    }
  }

  close(): void {
    this.libc.close(this.socket);
  }

  private sendSome(frames: FrameBatch, start: number, count: number): void {
    for (let i = 0; i < count; i++) {
      this.iovecs.setWord(i * IOVEC_BYTES, this.payloadsAddress + frames.offset[start + i]);
      this.iovecs.setWord(i * IOVEC_BYTES + 8, frames.length[start + i]);
    }
    let first = 0;
    while (first < count) first = this.hand(this.layOut(frames, start, first, count), first);
  }

  /** Cuts the frames behind `first` into runs and lays out their headers. @returns the runs */
  private layOut(frames: FrameBatch, start: number, first: number, count: number): number {
    const { runStart } = this;
    let runs = 0;
    for (let at = first; at < count; ) {
      const to = this.runEnd(frames, start + at, start + count) - start;
      const channel = frames.channel[start + at];
      const peer = this.routes[channel + 1] ?? this.routes[0];
      if (peer === undefined) throw noRoute(channel);
      this.layHeader(runs, peer.address, at, to - at, frames.length[start + at]);
      runStart[runs++] = at;
      at = to;
    }
    runStart[runs] = count;
    return runs;
  }

  /**
   * Where the run that begins at `at` ends: equal lengths to one channel, the last may be shorter.
   */
  private runEnd(frames: FrameBatch, at: number, limit: number): number {
    const { length, channel } = frames;
    const bytes = length[at];
    if (bytes > this.segmentBytesMax || bytes === 0) return at + 1;
    const most = Math.min(limit, at + RUN_FRAMES_MAX, at + Math.floor(RUN_BYTES_MAX / bytes));
    let to = at + 1;
    while (to < most && channel[to] === channel[at] && length[to] === bytes) to++;
    const tail = to < most && channel[to] === channel[at] && length[to] < bytes && length[to] > 0;
    return tail ? to + 1 : to;
  }

  private layHeader(k: number, peer: number, iovec: number, count: number, bytes: number): void {
    const { headers, control } = this;
    const at = k * HEADER_BYTES;
    headers.setWord(at, peer);
    headers.setWord(at + 16, this.iovecs.address + iovec * IOVEC_BYTES);
    headers.setWord(at + 24, count);
    headers.setWord(at + 32, count > 1 ? control.address + k * CONTROL_BYTES : 0);
    headers.setWord(at + 40, count > 1 ? CONTROL_SPACE : 0);
    if (count > 1) control.view.setUint16(k * CONTROL_BYTES + 16, bytes, true);
  }

  /** Hands the runs to the kernel. @returns the frame to go on with: those behind need new runs */
  private hand(runs: number, first: number): number {
    const { libc, socket, headers, runStart } = this;
    for (let sent = 0; ; sent++) {
      sent = handOver(libc, socket, headers, sent, runs);
      if (sent === runs) return Math.max(runStart[runs], first + 1);
      const frames = runStart[sent + 1] - runStart[sent];
      if (frames > 1 && this.shortenRuns(c.errno(libc), sent)) return runStart[sent];
      this.failed += frames;
    }
  }

  /**
   * A run that the kernel does not take: its datagrams are longer than the MTU, or no runs at all.
   */
  private shortenRuns(error: number, run: number): boolean {
    if (error !== EINVAL && error !== EMSGSIZE && error !== EIO) return false;
    const bytes = this.control.view.getUint16(run * CONTROL_BYTES + 16, true);
    this.segmentBytesMax = error === EIO ? 0 : Math.min(this.segmentBytesMax, bytes - 1);
    return true;
  }

  private failure(step: string, where: string): SocketError {
    return socketError(step, systemErrorName(c.errno(this.libc)), where);
  }
}
