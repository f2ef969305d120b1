/**
 * Edge: an MQTT broker inside the book service, so that one collector and one centre need nothing
 * else. MQTT 3.1.1 over TCP, no disk: what a client does not take is gone, which is why collectors
 * keep a spool.
 */
import { createServer, type Socket } from "node:net";
import { Aedes } from "aedes";
import { listenError } from "./service-error.ts";

export interface EmbeddedBroker {
  /** `mqtt://127.0.0.1:1883`, with the port that was really taken. */
  readonly url: string;
  /** Lets every other client wait until `first` resolves: it has to be there before them. */
  admitFirst(clientId: string, first: Promise<void>): void;
  close(): Promise<void>;
}

/** @throws ServiceError if nobody may listen there */
export async function startBroker(host: string, port: number): Promise<EmbeddedBroker> {
  let firstId: string | undefined;
  let others: Promise<void> = Promise.resolve();
  const broker = await Aedes.createBroker({
    preConnect(_client, packet, answer) {
      const admit = () => answer(null, true);
      if (firstId === undefined || packet.clientId === firstId) admit();
      else others.then(admit);
    },
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setNoDelay(true);
    broker.handle(socket);
  });
  // A client that breaks off or speaks nonsense is its own affair.
  broker.on("clientError", () => {});
  broker.on("connectionError", () => {});
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    broker.close();
    throw listenError("broker", host, port, error as Error);
  }
  const address = server.address();
  const taken = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `mqtt://${host.includes(":") ? `[${host}]` : host}:${taken}`,
    admitFirst(clientId, first) {
      firstId = clientId;
      others = first.then(() => {
        firstId = undefined;
      });
    },
    close: () =>
      new Promise((resolve) => {
        const done = () => resolve();
        broker.close(() => {
          for (const socket of sockets) socket.destroy();
          server.close(done);
        });
      }),
  };
}
