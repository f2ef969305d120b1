/** Edge: one partition of chunks in a member of a group: the books of its streams, and how far it is. */
import { join } from "node:path";
import { ChunkFault, readChunkHeader } from "../../frames/chunk.ts";
import type { GroupState } from "./group-state.ts";
import { clockNs, StreamBooks, type StreamBooksOptions } from "./stream-books.ts";

export type PartitionOptions = Omit<StreamBooksOptions, "folder" | "copy" | "rows"> & {
  readonly state: GroupState;
  readonly newRows: () => StreamBooksOptions["rows"];
};

const RATE_NS = 1e9;

export class GroupPartition {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record; what is below it was taken, or is in the checkpoints. */
  next: number;
  readonly streams = new Map<string, StreamBooks>();
  /** Records that are no chunks. */
  faults = 0;
  private readonly options: PartitionOptions;
  /** The offset that this life has to come to until its books are as new as anybody's. */
  private end = 0;
  private isBehind = true;
  private sampledNs = 0;

  /** Opens what is saved of it. */
  constructor(topic: string, partition: number, options: PartitionOptions) {
    this.topic = topic;
    this.partition = partition;
    this.options = options;
    const { state } = options;
    this.next = state.placeOf(topic, partition);
    for (const name of state.streamsOf(topic, partition)) {
      const { savedOffset } = this.open(name);
      // A damaged checkpoint leaves the one before it, which is further back.
      this.next = Math.min(this.next, Math.max(0, savedOffset));
    }
  }

  /** Its books are old until all up to `end` is taken. */
  catchUp(end: number): void {
    this.end = end;
    this.isBehind = true;
  }

  get isCaughtUp(): boolean {
    return this.next >= this.end;
  }

  take(bytes: Uint8Array, offset: number): void {
    // Another member may have saved more than this one had read.
    if (offset < this.next) return;
    const read = readChunkHeader(bytes);
    if (read instanceof ChunkFault) this.faults++;
    else {
      const { feed, stream } = read.header;
      const name = `${feed}-${stream}`;
      (this.streams.get(name) ?? this.open(name)).take(read.header, bytes);
    }
    this.next = offset + 1;
  }

  tick(nowNs: number): void {
    const isSampled = nowNs - this.sampledNs >= RATE_NS;
    if (isSampled) this.sampledNs = nowNs;
    if (this.isBehind && this.isCaughtUp) {
      this.isBehind = false;
      for (const { live } of this.streams.values()) live.caughtUp();
    }
    for (const { live, api, rows } of this.streams.values()) {
      live.advance(nowNs);
      rows?.flush();
      if (isSampled) api.rates.sample(live, nowNs);
    }
  }

  flush(): void {
    for (const { rows } of this.streams.values()) rows?.flush();
  }

  /**
   * Writes a checkpoint of each stream, and gives them their names.
   * @param settled resolves when all rows made so far have arrived
   * @returns where to read on after a crash; undefined: not all could be written
   */
  async save(settled: () => Promise<void>): Promise<number | undefined> {
    let least = this.next;
    for (const books of this.streams.values()) {
      if (!(await books.save(() => this.next))) return undefined;
      least = Math.min(least, books.offset);
    }
    await settled();
    for (const books of this.streams.values()) await books.seal();
    return least;
  }

  /** Only behind the checkpoints that it speaks of. */
  savePlace(offset: number): Promise<void> {
    return this.options.state.savePlace(this.topic, this.partition, offset, clockNs());
  }

  private open(name: string): StreamBooks {
    const { topic, partition } = this;
    const { newRows, state, ...rest } = this.options;
    const folder = join(state.folderOf(topic, partition), name);
    const copy = state.copyOf(topic, partition, name);
    const books = new StreamBooks({ ...rest, folder, copy, rows: newRows() });
    this.streams.set(name, books);
    return books;
  }
}
