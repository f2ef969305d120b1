/**
 * Edge: a server core on a TCP port of loopback. Bytes that the other side does not take yet wait
 * here; a connection that the core closes is ended once they are sent, and cut if it was refreshed
 * away. One timer wakes the core when something is due.
 */
import type { Socket, TCPSocketListener } from "bun";
import type { OneRequestServer, ServerSink } from "./one-request.ts";

interface Peer {
  id: number;
  waiting: Uint8Array[];
  isClosing: boolean;
}

/** Longer waits are cut into pieces: a timer holds no more than 2^31 ms. */
const LONGEST_WAIT_MS = 1_000;

export class TcpPort implements ServerSink {
  readonly port: number;
  private readonly listener: TCPSocketListener<Peer>;
  private readonly sockets = new Map<number, Socket<Peer>>();
  private readonly clock: () => number;
  private server: OneRequestServer | undefined;
  private nextId = 1;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param clock nanoseconds of the exchange's time
   * @param port 0: any that is free
   */
  constructor(clock: () => number, port: number) {
    this.clock = clock;
    this.listener = Bun.listen<Peer>({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => this.opened(socket),
        data: (socket, bytes) =>
          this.act((server, nowNs) => {
            server.received(socket.data.id, bytes.slice(), nowNs);
          }),
        drain: (socket) => flush(socket),
        close: (socket) => this.gone(socket),
        error: (socket) => this.gone(socket),
      },
    });
    this.port = this.listener.port;
  }

  serve(server: OneRequestServer): void {
    this.server = server;
  }

  send(id: number, bytes: Uint8Array): void {
    const socket = this.sockets.get(id);
    if (socket === undefined) return;
    socket.data.waiting.push(bytes);
    flush(socket);
  }

  close(id: number): void {
    const socket = this.sockets.get(id);
    if (socket === undefined) return;
    socket.data.isClosing = true;
    flush(socket);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.listener.stop(true);
  }

  private opened(socket: Socket<Peer>): void {
    const id = this.nextId++;
    socket.data = { id, waiting: [], isClosing: false };
    this.sockets.set(id, socket);
    this.act((server, nowNs) => server.connected(id, nowNs, socket.remoteAddress));
  }

  private gone(socket: Socket<Peer>): void {
    if (!this.sockets.delete(socket.data.id)) return;
    this.act((server) => server.closed(socket.data.id));
  }

  /** Does something with the server, and sets the timer for what it leaves to be done. */
  private act(what: (server: OneRequestServer, nowNs: number) => void): void {
    const { server } = this;
    if (server === undefined) return;
    what(server, this.clock());
    clearTimeout(this.timer);
    if (server.open === 0) return;
    const waitMs = Math.max(0, Math.ceil((server.nextNs - this.clock()) / 1e6));
    this.timer = setTimeout(
      () => this.act((due, nowNs) => due.advance(nowNs)),
      Math.min(waitMs, LONGEST_WAIT_MS),
    );
  }
}

/** Writes what the kernel takes; ends the connection when that was all and it is to be closed. */
function flush(socket: Socket<Peer>): void {
  const { data } = socket;
  while (data.waiting.length > 0) {
    const bytes = data.waiting[0];
    const took = socket.write(bytes);
    if (took < 0) return;
    if (took < bytes.length) {
      data.waiting[0] = bytes.subarray(took);
      return;
    }
    data.waiting.shift();
  }
  if (data.isClosing) socket.end();
}
