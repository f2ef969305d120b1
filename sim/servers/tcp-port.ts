/**
 * Edge: a server core on a TCP port of loopback. Bytes that the other side does not take yet wait
 * here; a connection that the core closes is ended once they are sent. Who owns the port calls the
 * core's `advance` every few milliseconds.
 */
import type { Socket, TCPSocketListener } from "bun";
import type { OneRequestServer, ServerSink } from "./one-request.ts";

interface Peer {
  id: number;
  waiting: Uint8Array[];
  isClosing: boolean;
}

export class TcpPort implements ServerSink {
  readonly port: number;
  private readonly listener: TCPSocketListener<Peer>;
  private readonly sockets = new Map<number, Socket<Peer>>();
  private readonly clock: () => number;
  private server: OneRequestServer | undefined;
  private nextId = 1;

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
        data: (socket, bytes) => {
          this.server?.received(socket.data.id, bytes.slice(), this.clock());
        },
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
    this.listener.stop(true);
  }

  private opened(socket: Socket<Peer>): void {
    const id = this.nextId++;
    socket.data = { id, waiting: [], isClosing: false };
    this.sockets.set(id, socket);
    this.server?.connected(id, this.clock(), socket.remoteAddress);
  }

  private gone(socket: Socket<Peer>): void {
    if (this.sockets.delete(socket.data.id)) this.server?.closed(socket.data.id);
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
