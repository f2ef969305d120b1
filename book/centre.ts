/**
 * What the edges of the book service need of its books, wherever these are: in this thread
 * (`local-centre.ts`) or in shards (`shards/sharded-centre.ts`).
 */
import type { Position } from "../frames/transport.ts";
import type { BookApi } from "./book-api.ts";
import type { SubscriberPort } from "./live-subscriber.ts";

/** One WebSocket's side of the service. */
export interface Client {
  /** What the client sent; never throws. */
  message(value: unknown): void;
  /** Called about 20 times a second. */
  tick(): void;
  close(): void;
}

/** A WebSocket's way out; shards pack their messages themselves. */
export interface ClientPort extends SubscriberPort {
  /** As the connection was opened. */
  readonly format: "json" | "msgpack";
  /** A message as the client wants it: JSON text or MessagePack. False: it was dropped. */
  sendPacked(message: string | Uint8Array): boolean;
}

export interface Centre {
  readonly api: BookApi;
  /** Resolves when the next chunk may come. */
  push(bytes: Uint8Array): Promise<void> | void;
  /** The sources are open, so that collectors can be asked for what a saved state lacks. */
  begin(): void;
  /** Time goes on; called every 100 ms. */
  tick(): void;
  /** Every source has come to its end. */
  finish(): Promise<void> | void;
  positions(consumer: string): Position[];
  connect(port: ClientPort): Client;
  /** Saves what there is to save. */
  close(): Promise<void>;
}
