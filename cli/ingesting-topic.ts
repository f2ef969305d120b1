/**
 * Edge: what `ingest --kafka` does: batches of rows from topics into the tables of a lake, each row
 * once. Offsets are committed with the rows, as `txn` actions `<app id>-<partition>`, and it is there
 * that reading begins again; what a book service sent twice has other offsets, so rows at or below the
 * last (epoch, sequence, row) of their stream are left out besides.
 *
 * Several of these may work at once: who loses a partition and commits all the same contradicts the
 * new owner's progress, and one of the two is refused, drops what it holds and begins where the table
 * says. Kafka learns the offsets too, after the table: for whoever scales by lag.
 */

import { NameTable } from "../book/rows/name-table.ts";
import { readBatchHead, readRows } from "../book/rows/protobuf-read.ts";
import { BATCH_ROWS_MOST } from "../book/rows/protobuf-schema.ts";
import { RowBatch } from "../book/rows/row-batch.ts";
import type { SentTable as RowTable } from "../book/rows/schema.ts";
import {
  clientOptions,
  ensureTopic,
  type KafkaPlace,
  type KafkaRecord,
  kafkaLibrary,
  Reading,
} from "../frames/kafka-client.ts";
import type { KafkaLag } from "../frames/kafka-lag.ts";
import { KafkaTopics, PARTITIONS } from "../frames/kafka-topics.ts";
import type { Action, Add } from "../lake/delta/actions.ts";
import { duckCheckpoints } from "../lake/delta/checkpoint-duckdb.ts";
import type { Snapshot } from "../lake/delta/snapshot.ts";
import { CommitConflict, DeltaTable } from "../lake/delta/table.ts";
import { tableStorage } from "../lake/lake-place.ts";
import type { LakeTable } from "../lake/lake-table.ts";
import { putLetters } from "./dead-letters.ts";
import { LakeRows } from "./lake-rows.ts";
import { dayOf, openTable, tableColumns } from "./lake-tables.ts";

export interface TopicChoice {
  readonly brokers: readonly string[];
  /** What the names of all topics begin with. */
  readonly prefix: string;
  readonly group: string;
  /** Names this worker within its group for good: a restart takes its partitions up at once. */
  readonly member?: string | undefined;
  readonly appId: string;
  readonly lake: string;
  /** Topics, and the table that each goes into. */
  readonly topics: ReadonlyMap<string, RowTable>;
  /** A commit is made when the oldest row waits so long, or so many batches or bytes have come. */
  readonly latencyMs: number;
  readonly messages: number;
  readonly bytes: number;
  /** Ends when everything that was there at its start is in the tables. */
  readonly endsAtLatest: boolean;
  readonly onStatus: (text: string) => void;
}

export interface TopicCounts {
  batches: number;
  rows: number;
  /** Rows that the table had. */
  repeated: number;
  commits: number;
  deadLetters: number;
  /** Times that another worker had been faster. */
  conflicts: number;
}

const FETCH_BYTES = 4 << 20;
const READY_RECORDS = 32;
const LOOK_MS = 200;

/** One topic on its way into its table. */
interface Flow {
  readonly table: RowTable;
  readonly lake: LakeTable;
  readonly batch: RowBatch;
  readonly feed: string;
  readonly rows: Map<number, LakeRows>;
  /** By partition: the offset up to which rows are in `rows`. */
  readonly gathered: Map<number, bigint>;
}

export class TopicIngest {
  readonly counts: TopicCounts = {
    batches: 0,
    rows: 0,
    repeated: 0,
    commits: 0,
    deadLetters: 0,
    conflicts: 0,
  };
  private readonly choice: TopicChoice;
  private readonly reading: Reading;
  private readonly flows = new Map<string, Flow>();
  /** Tables as they were at the start, by topic: where to begin before the first batch has come. */
  private readonly known = new Map<string, Snapshot>();
  /** By topic and partition: the last offset that was looked at. */
  private readonly seen = new Map<string, bigint>();
  private readonly names = new NameTable();
  private readonly letters: { record: KafkaRecord; error: string }[] = [];
  private latest: ReadonlyMap<string, bigint> | undefined;
  private waitingBytes = 0;
  private waitingBatches = 0;
  private oldestMs = Number.NaN;
  /** Steps one behind the other: a commit and a record never at the same time. */
  private turn: Promise<void> = Promise.resolve();
  private failure: Error | undefined;
  private areMade = false;
  /** Batches that had come when others were looked at last. */
  private batchesLooked = -1;

  constructor(choice: TopicChoice) {
    this.choice = choice;
    const options = clientOptions(choice.appId, choice.brokers);
    this.reading = new Reading({
      makeConsumer: async () =>
        new (await kafkaLibrary()).Consumer({
          ...options,
          groupId: choice.group,
          ...(choice.member === undefined ? {} : { groupInstanceId: choice.member }),
          sessionTimeout: 10_000,
          heartbeatInterval: 1_000,
        }),
      topics: () => this.topicsThere(),
      places: () => this.places(),
      each: (record) => this.inTurn(() => this.take(record)),
      onAssigned: () => void this.inTurn(() => this.assigned()),
      onError: (error) => choice.onStatus(`Kafka: ${(error as Error).message}; trying again`),
      maxBytes: FETCH_BYTES,
      ready: READY_RECORDS,
    });
  }

  /** Of this worker's partitions: how far it is behind. */
  get lags(): KafkaLag[] {
    return this.reading.lags;
  }

  /** Until the signal, or until everything is in; commits what it holds before it ends. */
  async run(signal: AbortSignal): Promise<void> {
    await this.topicsThere();
    if (this.choice.endsAtLatest) this.latest = await this.latestOffsets();
    for (const [topic, table] of this.choice.topics) {
      this.known.set(topic, await this.snapshotNow(table));
    }
    const running = this.reading.run();
    while (!signal.aborted && this.failure === undefined && !this.isAtLatest()) {
      await Bun.sleep(LOOK_MS);
      if (performance.now() - this.oldestMs >= this.choice.latencyMs) {
        await this.inTurn(() => this.flush());
      }
      if (this.latest !== undefined) await this.inTurn(() => this.lookAtOthers());
    }
    if (this.failure === undefined) await this.inTurn(() => this.flush());
    for (const { rows } of this.flows.values()) {
      for (const each of rows.values()) this.counts.repeated += each.repeated;
    }
    await this.reading.close();
    await Promise.race([running, Bun.sleep(5_000)]);
    if (this.failure !== undefined) throw this.failure;
  }

  /** To know when all is in: what other workers commit counts too. Nothing is held meanwhile. */
  private async lookAtOthers(): Promise<void> {
    const isQuiet = this.counts.batches === this.batchesLooked;
    this.batchesLooked = this.counts.batches;
    if (!isQuiet) return;
    await this.flush();
    for (const [topic, table] of this.choice.topics) {
      const flow = this.flows.get(topic);
      if (flow !== undefined) await flow.lake.delta.refresh();
      else this.known.set(topic, await this.snapshotNow(table));
    }
  }

  private async snapshotNow(table: RowTable): Promise<Snapshot> {
    const storage = tableStorage(this.choice.lake, table);
    return (await DeltaTable.open(storage, duckCheckpoints)).snapshot;
  }

  /** Made where they are not there: a book service may come later. */
  private async topicsThere(): Promise<string[]> {
    const names = [...this.choice.topics.keys()];
    if (this.areMade) return names;
    const { Admin } = await kafkaLibrary();
    const admin = new Admin(clientOptions(this.choice.appId, this.choice.brokers));
    try {
      const topics = new KafkaTopics(this.choice.prefix);
      for (const name of names) await ensureTopic(admin, topics, name, PARTITIONS);
      this.areMade = true;
    } finally {
      await admin.close().catch(() => {});
    }
    return names;
  }

  private inTurn(step: () => Promise<void>): Promise<void> {
    const mine = this.turn.then(async () => {
      if (this.failure !== undefined) return;
      try {
        await step();
      } catch (error) {
        this.failure = error as Error;
      }
    });
    this.turn = mine;
    return mine;
  }

  private async take(record: KafkaRecord): Promise<void> {
    const { topic, partition, offset, value } = record;
    this.seen.set(`${topic}/${partition}`, offset);
    if (offset <= this.doneOf(topic, partition)) return;
    const head = readBatchHead(value);
    if (head === undefined) {
      this.letters.push({ record, error: "no batch of rows" });
      this.flows.get(topic)?.gathered.set(partition, offset);
      this.note(value.length);
      return;
    }
    const flow = this.flows.get(topic) ?? (await this.open(topic, head.feed, head.priceDecimals));
    if (readRows(value, flow.batch) === undefined) {
      this.letters.push({ record, error: "damaged rows" });
    } else this.route(flow, flow.batch);
    flow.gathered.set(partition, offset);
    this.note(value.length);
    const { messages, bytes } = this.choice;
    if (this.waitingBatches >= messages || this.waitingBytes >= bytes) await this.flush();
  }

  /** All rows of a batch are of one stream. */
  private route(flow: Flow, batch: RowBatch): void {
    const stream = batch.number("stream").value[0];
    let rows = flow.rows.get(stream);
    if (rows === undefined) {
      rows = new LakeRows(batch, {
        stream,
        dayOf: dayOf(flow.feed),
        lastPlace: (date) => flow.lake.lastPlace({ date, stream }),
      });
      flow.rows.set(stream, rows);
    }
    rows.write(batch);
  }

  private note(bytes: number): void {
    this.counts.batches++;
    this.waitingBatches++;
    this.waitingBytes += bytes;
    if (Number.isNaN(this.oldestMs)) this.oldestMs = performance.now();
  }

  private async flush(): Promise<void> {
    this.waitingBatches = 0;
    this.waitingBytes = 0;
    this.oldestMs = Number.NaN;
    try {
      await this.bury();
      const places: KafkaPlace[] = [];
      for (const [topic, flow] of this.flows) places.push(...(await this.commit(topic, flow)));
      // The table's word counts; the broker's is for whoever looks at lags.
      await this.reading.commit(places).catch(() => {});
    } catch (error) {
      if (!(error instanceof CommitConflict)) throw error;
      this.counts.conflicts++;
      this.choice.onStatus(`another worker has committed (${error.message}); reading again`);
      await this.forget();
      void this.reading.restart();
    }
  }

  /** Partitions may have been another worker's: what is held is committed, then the table is asked. */
  private async assigned(): Promise<void> {
    await this.flush();
    await this.forget();
  }

  /** One commit of a table: its files, and how far each partition is with them. */
  private async commit(topic: string, flow: Flow): Promise<KafkaPlace[]> {
    const progress = [...flow.gathered].filter(
      ([partition, offset]) => offset > this.committed(flow, partition),
    );
    if (progress.length === 0) return [];
    const adds: Add[] = [];
    let rows = 0;
    for (const each of flow.rows.values()) {
      for (const file of each.take()) {
        rows += file.stats.numRecords;
        adds.push(await flow.lake.put(file));
      }
    }
    const txns = progress.map(([partition, offset]): Action => {
      const appId = this.appId(partition);
      return { txn: { appId, version: Number(offset), lastUpdated: Date.now() } };
    });
    const offsets = Object.fromEntries(progress.map(([at, offset]) => [at, String(offset)]));
    await flow.lake.commit(adds, { topic, offsets }, [], txns);
    this.counts.commits++;
    this.counts.rows += rows;
    return progress.map(([partition, offset]) => ({ topic, partition, offset: offset + 1n }));
  }

  /** What could not be read goes into a table of its own, with where it stood. */
  private async bury(): Promise<void> {
    if (this.letters.length === 0) return;
    const lake = await openTable(this.choice.lake, "dead_letters", 0);
    const letters = this.letters.splice(0);
    const atSec = Math.floor(Date.now() / 1000);
    const adds = await putLetters(
      lake,
      letters.map(({ record: { topic, partition, offset, value }, error }) => {
        return { topic, partition, offset: Number(offset), atSec, error, value };
      }),
    );
    await lake.commit(adds, { reason: "dead letters" });
    this.counts.deadLetters += letters.length;
  }

  /** Drops what is not committed; the tables say how far they are. */
  private async forget(): Promise<void> {
    for (const flow of this.flows.values()) {
      await flow.lake.delta.refresh();
      for (const rows of flow.rows.values()) this.counts.repeated += rows.repeated;
      flow.rows.clear();
      flow.gathered.clear();
    }
    this.letters.length = 0;
    this.seen.clear();
  }

  private async open(topic: string, feed: string, priceDecimals: number): Promise<Flow> {
    const table = this.choice.topics.get(topic) as RowTable;
    const lake = await openTable(this.choice.lake, table, priceDecimals);
    const batch = new RowBatch(tableColumns(table), this.names, priceDecimals, BATCH_ROWS_MOST);
    const flow: Flow = { table, lake, batch, feed, rows: new Map(), gathered: new Map() };
    this.flows.set(topic, flow);
    return flow;
  }

  /** Where each partition goes on. */
  private places(): KafkaPlace[] {
    const places: KafkaPlace[] = [];
    for (const topic of this.choice.topics.keys()) {
      for (const [appId, { version }] of this.snapshotOf(topic)?.transactions ?? []) {
        const partition = Number(appId.slice(this.choice.appId.length + 1));
        if (appId !== this.appId(partition)) continue;
        places.push({ topic, partition, offset: BigInt(version) + 1n });
      }
    }
    return places;
  }

  /** The last offset of a partition that is in the table, or held for it; -1: none. */
  private doneOf(topic: string, partition: number): bigint {
    const held = this.flows.get(topic)?.gathered.get(partition);
    return held ?? BigInt(this.snapshotOf(topic)?.transaction(this.appId(partition)) ?? -1);
  }

  private snapshotOf(topic: string): Snapshot | undefined {
    return this.flows.get(topic)?.lake.delta.snapshot ?? this.known.get(topic);
  }

  private committed({ lake }: Flow, partition: number): bigint {
    return BigInt(lake.delta.snapshot.transaction(this.appId(partition)));
  }

  private appId(partition: number): string {
    return `${this.choice.appId}-${partition}`;
  }

  private async latestOffsets(): Promise<ReadonlyMap<string, bigint>> {
    const { Consumer } = await kafkaLibrary();
    const options = clientOptions(this.choice.appId, this.choice.brokers);
    const consumer = new Consumer({ ...options, groupId: `${this.choice.group}-latest` });
    try {
      const topics = [...this.choice.topics.keys()];
      const found = new Map<string, bigint>();
      for (const [topic, offsets] of await consumer.listOffsets({ topics, timestamp: -1n })) {
        offsets.forEach((offset, partition) => {
          found.set(`${topic}/${partition}`, offset);
        });
      }
      return found;
    } finally {
      await consumer.close(true).catch(() => {});
    }
  }

  private isAtLatest(): boolean {
    if (this.latest === undefined) return false;
    for (const [key, end] of this.latest) {
      if (end === 0n) continue;
      const slash = key.lastIndexOf("/");
      const done = this.doneOf(key.slice(0, slash), Number(key.slice(slash + 1)));
      const seen = this.seen.get(key) ?? -1n;
      if ((seen > done ? seen : done) < end - 1n) return false;
    }
    return true;
  }
}
