/**
 * Edge: a WebSocket client of a service in shards: each subscription goes to the shard that has the
 * instrument, and is made again when that shard begins a new life.
 */
import type { Client, ClientPort } from "../centre.ts";
import { ApiError } from "../http-error.ts";
import { SUBSCRIPTIONS_LIMIT } from "../live-subscriber.ts";
import type { Posted } from "./outbox.ts";
import type { ClientWord } from "./record.ts";
import type { ShardEdge } from "./shard-edge.ts";

/** From here on shards are told that the connection is full. */
const WAITING_LIMIT = 1 << 20;
/** Messages of the client that wait for the answer of an earlier one. */
const MESSAGES_LIMIT = 1000;

export class ShardedClient implements Client {
  private readonly id: number;
  private readonly shards: readonly ShardEdge[];
  private readonly port: ClientPort;
  private readonly onClose: () => void;
  private format: "json" | "msgpack" = "json";
  /** Subscriptions that stand, by shard and then by what they are of. */
  private readonly standing: readonly Map<string, unknown>[];
  private readonly owners = new Map<string, number>();
  /** By subscription: behind which row the next is due. */
  private readonly cursors = new Map<string, string>();
  private before: Promise<void> = Promise.resolve();
  private queued = 0;
  private wasFull = false;
  private isClosed = false;

  constructor(id: number, shards: readonly ShardEdge[], port: ClientPort, onClose: () => void) {
    this.id = id;
    this.shards = shards;
    this.port = port;
    this.onClose = onClose;
    this.format = port.format;
    this.standing = shards.map(() => new Map());
  }

  /** In the order in which they come, though looking for an instrument takes a moment. */
  message(value: unknown): void {
    if (this.queued >= MESSAGES_LIMIT) return;
    this.queued++;
    this.before = this.before.then(async () => {
      this.queued--;
      if (!this.isClosed) await this.obey(value);
    });
  }

  tick(): void {
    const isFull = this.port.waiting() > WAITING_LIMIT;
    if (isFull === this.wasFull) return;
    this.wasFull = isFull;
    for (const shard of this.shards) shard.tellClient(this.word(undefined));
  }

  close(): void {
    this.isClosed = true;
    for (const shard of this.shards) shard.tellClient({ ...this.word(undefined), isGone: true });
    this.onClose();
  }

  /** A shard has begun a new life, which knows no clients: each goes on behind the last row it got. */
  begun(shard: number): void {
    for (const [key, value] of this.standing[shard]) {
      // What was replayed once is not replayed again.
      const { start: _start, cursor: _cursor, ...again } = value as Record<string, unknown>;
      const cursor = this.cursors.get(key);
      const behind = cursor === undefined ? again : { ...again, cursor };
      this.shards[shard].tellClient({ ...this.word(behind), isAgain: true });
    }
  }

  deliver([message, key, cursor]: Posted): void {
    if (this.isClosed || !this.port.sendPacked(message)) return;
    if (key !== "") this.cursors.set(key, cursor);
  }

  private async obey(value: unknown): Promise<void> {
    const fields = (typeof value === "object" && value !== null ? value : {}) as Record<
      string,
      unknown
    >;
    const { op, feed, token, schema = "mbp-10", format } = fields;
    if (op === "format" && (format === "json" || format === "msgpack")) {
      this.format = format;
      this.port.setFormat(format);
    }
    const isNamed = typeof feed === "string" && typeof token === "string";
    const found = isNamed ? await this.ownerOf(feed, token) : -1;
    // The first shard answers for an instrument that none has.
    const owner = Math.max(0, found);
    const key = `${String(feed)}/${String(token)}/${String(schema)}`;
    if (!this.shards[owner].isUp) {
      const error = new ApiError("restarting", "the shard that would know is beginning again");
      this.port.send({ type: "error", id: fields.id ?? null, ...error.body() });
      return;
    }
    if (op === "subscribe" && found >= 0) {
      if (this.isFull(owner, key)) {
        const message = `a client has at most ${SUBSCRIPTIONS_LIMIT} subscriptions`;
        const error = new ApiError("too_many", message).body();
        this.port.send({ type: "error", id: fields.id ?? null, ...error });
        return;
      }
      this.standing[owner].set(key, value);
    }
    if (op === "unsubscribe") {
      this.standing[owner].delete(key);
      this.cursors.delete(key);
    }
    this.shards[owner].tellClient(this.word(value));
  }

  private isFull(owner: number, key: string): boolean {
    const all = this.standing.reduce((sum, { size }) => sum + size, 0);
    return all >= SUBSCRIPTIONS_LIMIT && !this.standing[owner].has(key);
  }

  /** -1: none has the instrument. */
  private async ownerOf(feed: string, token: string): Promise<number> {
    const key = `${feed}/${token}`;
    const known = this.owners.get(key);
    if (known !== undefined) return known;
    const found = await Promise.allSettled(
      this.shards.map((shard) => shard.ask("find", [feed, token])),
    );
    const owner = found.findIndex(
      (answer) => answer.status === "fulfilled" && answer.value === "true",
    );
    if (owner >= 0) this.owners.set(key, owner);
    return owner;
  }

  private word(value: unknown): ClientWord {
    const { id: client, format } = this;
    const waitingBytes = this.port.waiting();
    return { client, value, format, isGone: false, isAgain: false, waitingBytes };
  }
}
