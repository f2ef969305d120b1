/**
 * What a shard has to tell one client, packed as the client wants it. The shard cannot see the
 * client's connection: its owner holds messages back and lets the shard know by `waitingBytes`.
 */
import { encode } from "@msgpack/msgpack";
import type { SubscriberPort } from "../live-subscriber.ts";

export class ClientOutbox implements SubscriberPort {
  readonly messages: (string | Uint8Array)[] = [];
  format: "json" | "msgpack" = "json";
  /** False while subscriptions of an earlier life are made again. */
  keepsAcks = true;
  waitingBytes = 0;

  send(message: object): boolean {
    if (!this.keepsAcks && "type" in message && message.type === "ack") return true;
    this.messages.push(this.format === "msgpack" ? encode(message) : JSON.stringify(message));
    return true;
  }

  waiting(): number {
    return this.waitingBytes;
  }

  setFormat(format: "json" | "msgpack"): void {
    this.format = format;
  }
}
