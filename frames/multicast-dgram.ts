/**
 * Edge: multicast through node:dgram, for systems whose C library is not known to us. Slower, its
 * times are this process's, and the kernel's drops are not told.
 */
import { createSocket, type Socket } from "node:dgram";
import { FrameBatch } from "./frame-batch.ts";
import {
  ipv4Bytes,
  isMulticast,
  noRoute,
  type SocketError,
  socketError,
} from "./multicast-error.ts";
import type {
  JoinedGroup,
  MulticastReceiver,
  MulticastSender,
  NetworkInterface,
} from "./multicast-port.ts";

const BATCH = 1024;
/** What waits between two calls of `receive`; beyond it datagrams are dropped and counted. */
const WAITING_BYTES_LIMIT = 64 << 20;
const WAITING_LIMIT = 65536;

interface Waiting {
  readonly payload: Uint8Array;
  readonly ns: number;
  readonly channel: number;
}

export class DgramReceiver implements MulticastReceiver {
  readonly kind = "dgram";
  readonly clock = "host";
  kernelDrops = 0;
  receiveBufferBytes: number;
  /** The error of a socket that could not be opened; thrown by the next `receive`. */
  private failure: SocketError | undefined;
  private readonly sockets: Socket[] = [];
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private readonly frames = new FrameBatch(BATCH);

  constructor(
    groups: readonly JoinedGroup[],
    networkInterface: NetworkInterface,
    bufferBytes: number,
  ) {
    this.receiveBufferBytes = bufferBytes;
    for (const group of groups) this.listen(group, networkInterface, bufferBytes);
  }

  receive(): FrameBatch {
    if (this.failure !== undefined) throw this.failure;
    const taken = this.waiting.splice(0, BATCH);
    const bytes = Buffer.concat(taken.map(({ payload }) => payload));
    this.waitingBytes -= bytes.length;
    this.frames.reset(bytes);
    let offset = 0;
    for (const { payload, ns, channel } of taken) {
      const sec = Math.floor(ns / 1e9);
      this.frames.add(offset, payload.length, sec, Math.floor(ns - sec * 1e9), channel);
      offset += payload.length;
    }
    return this.frames;
  }

  close(): void {
    for (const socket of this.sockets.splice(0)) socket.close();
  }

  private listen(
    { group, port, channel }: JoinedGroup,
    networkInterface: NetworkInterface,
    bufferBytes: number,
  ): void {
    const multicast = isMulticast(ipv4Bytes(group));
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    this.sockets.push(socket);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.failure ??= socketError("open", error.code ?? error.message, `${group}:${port}`);
    });
    socket.on("message", (payload) => this.take(payload, channel));
    socket.bind({ port, address: group }, () => {
      try {
        if (multicast) socket.addMembership(group, networkInterface.address);
        socket.setRecvBufferSize(bufferBytes);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        this.failure ??= socketError("join", code ?? message, `${group}:${port}`);
      }
      this.receiveBufferBytes = Math.min(this.receiveBufferBytes, socket.getRecvBufferSize());
    });
  }

  private take(payload: Uint8Array, channel: number): void {
    const full =
      this.waiting.length >= WAITING_LIMIT ||
      this.waitingBytes + payload.length > WAITING_BYTES_LIMIT;
    if (full) {
      this.kernelDrops++;
      return;
    }
    this.waitingBytes += payload.length;
    this.waiting.push({ payload, channel, ns: (performance.timeOrigin + performance.now()) * 1e6 });
  }
}

export class DgramSender implements MulticastSender {
  readonly kind = "dgram";
  failed = 0;
  private readonly socket: Socket;
  private readonly routes: ({ group: string; port: number } | undefined)[] = [];
  private readonly ready: Promise<void>;

  constructor(networkInterface: NetworkInterface, ttl: number) {
    const socket = createSocket({ type: "udp4" });
    this.socket = socket;
    this.ready = new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(0, () => {
        socket.setMulticastInterface(networkInterface.address);
        // node:dgram refuses 0; on the loopback interface 1 goes no further either.
        socket.setMulticastTTL(Math.max(ttl, 1));
        socket.setMulticastLoopback(true);
        resolve();
      });
    });
  }

  route(channel: number, group: string, port: number): void {
    ipv4Bytes(group);
    this.routes[channel + 1] = { group, port };
  }

  async send(frames: FrameBatch, from: number, to: number): Promise<void> {
    await this.ready;
    const sends: Promise<void>[] = [];
    for (let i = from; i < to; i++) {
      const route = this.routes[frames.channel[i] + 1] ?? this.routes[0];
      if (route === undefined) throw noRoute(frames.channel[i]);
      const payload = frames.bytes.slice(frames.offset[i], frames.offset[i] + frames.length[i]);
      sends.push(
        new Promise((resolve) => {
          this.socket.send(payload, route.port, route.group, (error) => {
            if (error) this.failed++;
            resolve();
          });
        }),
      );
    }
    await Promise.all(sends);
  }

  close(): void {
    this.socket.close();
  }
}
