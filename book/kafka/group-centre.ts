/**
 * Edge: the books of a service that is one member of a group: it has the streams of the partitions that
 * the group gives it, and no others. Streams move between members by checkpoints that all of them see.
 *
 *   warm up: every partition from its checkpoint to its end, rows go out, nobody is held up
 *   ─► join the group ─► serve what is ours; every `saveNs` a checkpoint, fenced by the group
 *
 * What is not ours stays as it was: when it comes back, it goes on from there, or from the checkpoint
 * that another member wrote since. Rows are sent from the checkpoint on, by whoever goes on from it, so
 * none is missing; readers drop those that come twice.
 */
import type { KafkaPlace } from "../../frames/kafka-client.ts";
import type { Position } from "../../frames/transport.ts";
import type { KafkaChunkSource, PlacedChunk } from "../../frames/transport-kafka.ts";
import type { Centre, Client, ClientPort } from "../centre.ts";
import type { Live } from "../live.ts";
import type { LiveApi } from "../live-api.ts";
import { Subscriber } from "../live-subscriber.ts";
import type { EventRows } from "./event-rows.ts";
import type { EventsOut } from "./events-out.ts";
import { GroupApi } from "./group-api.ts";
import { GroupPartition } from "./group-partition.ts";
import type { GroupState } from "./group-state.ts";
import { clockNs } from "./stream-books.ts";

export interface GroupOptions {
  readonly newLive: (rows: EventRows | undefined) => Live;
  readonly tool: string;
  /** What all members share. */
  readonly state: GroupState;
  /** Version and options: a checkpoint of others is not read. */
  readonly key: string;
  readonly saveNs: number;
  readonly events: EventsOut | undefined;
  readonly onStatus: (text: string) => void;
}

const LOOK_MS = 100;
const AGAIN_MS = 1000;
const CLOSE_MS = 10_000;

export class GroupCentre implements Centre {
  readonly api: GroupApi;
  private readonly options: GroupOptions;
  private readonly partitions = new Map<string, GroupPartition>();
  /** Names of the partitions that are ours; everything, while this member warms up. */
  private mine: ReadonlySet<string> | undefined;
  /** Of partitions that came a moment ago: resolves when it is known what others did with them. */
  private readonly coming = new Map<string, Promise<void>>();
  private source: KafkaChunkSource | undefined;
  private savedNs = clockNs();
  private saving: Promise<void> | undefined;
  private closed = false;
  private isOut = false;

  constructor(options: GroupOptions) {
    this.options = options;
    this.api = new GroupApi(() => this.ours().flatMap(apisOf));
  }

  /** This member has warmed up and has its partitions. */
  get isMember(): boolean {
    return this.mine !== undefined && !this.isOut && this.coming.size === 0;
  }

  /** Reads until `close`. */
  async run(source: KafkaChunkSource): Promise<void> {
    this.source = source;
    await this.warmUp(source);
    this.options.onStatus("warmed up; joining the group");
    if (this.closed) return;
    try {
      await source.runPlaced(source.groupId, (chunk) => this.take(chunk), {
        places: () => this.places(),
        onAssigned: (parts) => this.assigned(parts.map(nameOf)),
      });
    } catch (error) {
      // Nothing is served that somebody else has, nor written.
      this.mine = new Set();
      this.isOut = true;
      throw error;
    }
  }

  begin(): void {}

  push(): void {
    throw new Error("a member of a group reads by itself");
  }

  tick(): void {
    const nowNs = clockNs();
    for (const partition of this.ours()) partition.tick(nowNs);
    if (!this.isMember || this.saving !== undefined) return;
    if (nowNs - this.savedNs < this.options.saveNs) return;
    this.savedNs = nowNs;
    this.saving = this.save().finally(() => {
      this.saving = undefined;
    });
  }

  finish(): void {}

  /** Kafka holds no collector up: the group's lag says how far its members are. */
  positions(): Position[] {
    return [];
  }

  connect(port: ClientPort): Client {
    return new GroupClient(this.api, port);
  }

  /** Whoever goes on finds all that was done here. */
  async close(): Promise<void> {
    this.closed = true;
    const last = async () => {
      await this.saving;
      if (this.isMember) await this.save();
    };
    await Promise.race([last(), Bun.sleep(CLOSE_MS)]);
  }

  /** By a group of its own, which takes nothing from anybody. */
  private async warmUp(source: KafkaChunkSource): Promise<void> {
    const ends = await this.endsOf(source);
    for (const end of ends) {
      const { topic, partition } = end;
      await this.persist("the state", () => this.options.state.refresh(topic, partition));
      this.open(nameOf(end)).catchUp(Number(end.offset));
    }
    if (this.isWarm()) return;
    const watch = setInterval(() => {
      if (this.isWarm()) void source.stop();
    }, LOOK_MS);
    const group = `${source.groupId}-warm-${process.pid}-${Date.now()}`;
    await source.runPlaced(group, (chunk) => this.take(chunk), {
      places: () => this.places(),
      onAssigned() {},
    });
    clearInterval(watch);
  }

  private isWarm(): boolean {
    return [...this.partitions.values()].every(({ isCaughtUp }) => isCaughtUp);
  }

  private async endsOf(source: KafkaChunkSource): Promise<KafkaPlace[]> {
    return (await this.persist(source.name, () => source.ends())) ?? [];
  }

  /** Until it can be done; undefined: this service ends before. */
  private async persist<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    while (!this.closed) {
      try {
        return await work();
      } catch (error) {
        this.options.onStatus(`${what}: ${(error as Error).message}; trying again`);
        await Bun.sleep(AGAIN_MS);
      }
    }
    return undefined;
  }

  /** Also what was on its way when the group took a partition away: the next record comes after it. */
  private take(chunk: PlacedChunk): Promise<void> | undefined {
    const { bytes, topic, partition, offset } = chunk;
    const coming = this.coming.get(nameOf(chunk));
    if (coming !== undefined) return coming.then(() => this.take(chunk));
    this.open(nameOf({ topic, partition })).take(bytes, Number(offset));
    return this.options.events?.room();
  }

  private assigned(names: readonly string[]): void {
    const before = this.mine;
    this.mine = new Set(names);
    for (const name of names) {
      // One after the other, should it go and come back meanwhile.
      const before = this.coming.get(name) ?? Promise.resolve();
      const coming = before.then(() => this.welcome(name));
      this.coming.set(name, coming);
      const isKnown = () => {
        if (this.coming.get(name) === coming) this.coming.delete(name);
      };
      coming.then(isKnown, isKnown);
    }
    const gone = [...(before ?? [])].filter((name) => !names.includes(name));
    const lost = gone.length > 0 ? `; gone: ${gone.join(", ")}` : "";
    this.options.onStatus(
      `this member has ${[...names].sort().join(", ") || "no partition"}${lost}`,
    );
  }

  /** Ours goes on unless another member was here meanwhile and saved more. */
  private async welcome(name: string): Promise<void> {
    const { topic, partition } = partsOf(name);
    const known = this.partitions.get(name);
    const { state } = this.options;
    const isNewer = await this.persist("the state", () =>
      state.refresh(topic, partition, known?.next),
    );
    if (isNewer !== true) return;
    this.partitions.delete(name);
    const opened = this.open(name);
    // The newest checkpoint may be damaged: records are read from where this member had read.
    if (known !== undefined && opened.next < known.next) this.partitions.set(name, known);
  }

  private ours(): GroupPartition[] {
    const { mine, coming } = this;
    const isOurs = (name: string) => mine === undefined || (mine.has(name) && !coming.has(name));
    return [...this.partitions].filter(([name]) => isOurs(name)).map(([, one]) => one);
  }

  private places(): KafkaPlace[] {
    return [...this.partitions.values()].map(({ topic, partition, next }) => {
      return { topic, partition, offset: BigInt(next) };
    });
  }

  private open(name: string): GroupPartition {
    const known = this.partitions.get(name);
    if (known !== undefined) return known;
    const { events, ...options } = this.options;
    const { topic, partition } = partsOf(name);
    const opened = new GroupPartition(topic, partition, {
      ...options,
      newRows: () => events?.newRows(),
    });
    this.partitions.set(name, opened);
    return opened;
  }

  /** A member that the group has given up writes nothing that others would go on from. */
  private async save(): Promise<void> {
    const ours = this.ours();
    const { events, onStatus } = this.options;
    const settled = async () => {
      for (const partition of ours) partition.flush();
      await events?.settled();
    };
    try {
      for (const partition of ours) {
        const { topic, partition: number } = partition;
        await this.source?.commit([{ topic, partition: number, offset: BigInt(partition.next) }]);
        const offset = await partition.save(settled);
        if (offset === undefined || !this.mine?.has(nameOf(partition))) continue;
        await partition.savePlace(offset);
      }
    } catch (error) {
      onStatus(`no checkpoint this time: ${(error as Error).message}`);
    }
  }
}

const nameOf = ({ topic, partition }: { topic: string; partition: number }) =>
  `${topic}/${partition}`;

function partsOf(name: string): { topic: string; partition: number } {
  const at = name.lastIndexOf("/");
  return { topic: name.slice(0, at), partition: Number(name.slice(at + 1)) };
}

const apisOf = (partition: GroupPartition): LiveApi[] =>
  [...partition.streams.values()].map(({ api }) => api);

/** A WebSocket: each subscription goes to the books that have the instrument. */
class GroupClient implements Client {
  private readonly api: GroupApi;
  private readonly port: ClientPort;
  private readonly subscribers = new Map<LiveApi, Subscriber>();

  constructor(api: GroupApi, port: ClientPort) {
    this.api = api;
    this.port = port;
  }

  message(value: unknown): void {
    const fields = (typeof value === "object" && value !== null ? value : {}) as Record<
      string,
      unknown
    >;
    try {
      const owner = this.api.owner(String(fields.feed), String(fields.token));
      const known = this.subscribers.get(owner) ?? new Subscriber(owner, this.port);
      this.subscribers.set(owner, known);
      known.message(value);
    } catch {
      const id = fields.id ?? null;
      const message = "no stream is this member's yet";
      this.port.send({ type: "error", id, code: "restarting", message });
    }
  }

  tick(): void {
    for (const subscriber of this.subscribers.values()) subscriber.tick();
  }

  close(): void {
    for (const subscriber of this.subscribers.values()) subscriber.close();
  }
}
