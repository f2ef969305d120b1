/**
 * What a shard has to tell one client, packed as the client wants it. The shard cannot see the
 * client's connection: its owner holds messages back and lets the shard know by `waitingBytes`.
 */
import { encode } from "@msgpack/msgpack";
import type { SubscriberPort } from "../live-subscriber.ts";

/** A message, and where it leaves a subscription to rows: its key and cursor, else empty. */
export type Posted = readonly [message: string | Uint8Array, key: string, cursor: string];

export class ClientOutbox implements SubscriberPort {
  readonly messages: Posted[] = [];
  format: "json" | "msgpack" = "json";
  /** False while subscriptions of an earlier life are made again. */
  keepsAcks = true;
  waitingBytes = 0;

  send(message: object): boolean {
    if (!this.keepsAcks && "type" in message && message.type === "ack") return true;
    const packed = this.format === "msgpack" ? encode(message) : JSON.stringify(message);
    const { type, schema, feed, token, cursor } = message as Readonly<Record<string, unknown>>;
    if (typeof cursor !== "string" || cursor === "") this.messages.push([packed, "", ""]);
    else this.messages.push([packed, `${feed}/${token}/${schema ?? type}`, cursor]);
    return true;
  }

  waiting(): number {
    return this.waitingBytes;
  }

  setFormat(format: "json" | "msgpack"): void {
    this.format = format;
  }
}
