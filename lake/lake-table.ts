/**
 * A table of the lake: rows in Parquet files by date and stream, and beside each file how far it goes
 * in its stream, (epoch, sequence, row). A writer that comes again reads there what is committed and
 * leaves it out, whoever brings it once more.
 */
import type { Action, Add, FileStats, MetaData } from "./delta/actions.ts";
import type { CheckpointFormat } from "./delta/checkpoint.ts";
import type { Storage } from "./delta/storage.ts";
import { DeltaTable } from "./delta/table.ts";

/** What a table has of one stream's day. */
export interface PartitionProof {
  readonly date: string;
  readonly stream: number;
  readonly files: number;
  readonly rows: number;
  readonly first: RowPlace;
  readonly last: RowPlace;
  /**
   * Letters of `flags`: `G` numbers are lost, `J` the beginning is missing, `S` of some numbers only
   * what a snapshot brought is known; empty: whole.
   */
  readonly doubt: string;
}

/** A row's place in its stream: the order in which a table takes rows, each once. */
export interface RowPlace {
  readonly epoch: number;
  readonly sequence: number;
  readonly row: number;
}

export interface Partition {
  /** `2023-10-02`: the exchange's day. */
  readonly date: string;
  readonly stream: number;
}

/** A finished file, not yet of the table. */
export interface LakeFile {
  readonly partition: Partition;
  readonly bytes: Uint8Array;
  readonly stats: FileStats;
  readonly first: RowPlace;
  readonly last: RowPlace;
  /** As `PartitionProof.doubt`, by the rows' own flags. */
  readonly doubt: string;
}

export interface LakeColumn {
  readonly name: string;
  /** As Delta names it: `long`, `timestamp`, `decimal(18,2)`, `string`. */
  readonly type: string;
}

export class LakeSchemaError extends Error {
  readonly code = "lake_schema";
  readonly hint = "Give this feed a lake of its own with --lake DIR.";
}

const PARTITIONS: readonly LakeColumn[] = [
  { name: "date", type: "date" },
  { name: "stream", type: "integer" },
];

export class LakeTable {
  readonly delta: DeltaTable;
  private readonly id: () => string;
  private readonly nowMs: () => number;

  private constructor(delta: DeltaTable, id: () => string, nowMs: () => number) {
    this.delta = delta;
    this.id = id;
    this.nowMs = nowMs;
  }

  /**
   * Opens the table, or makes it.
   * @param id gives a name that nobody had before
   * @throws LakeSchemaError if it is there with other columns
   */
  static async open(
    storage: Storage,
    checkpoints: CheckpointFormat,
    columns: readonly LakeColumn[],
    id: () => string,
    nowMs: () => number,
  ): Promise<LakeTable> {
    const delta = await DeltaTable.open(storage, checkpoints);
    const schemaString = schemaText([...columns, ...PARTITIONS]);
    const metaData: MetaData = {
      id: id(),
      format: { provider: "parquet", options: {} },
      schemaString,
      partitionColumns: PARTITIONS.map(({ name }) => name),
      configuration: {},
      createdTime: nowMs(),
    };
    await delta.create(metaData);
    if (delta.snapshot.metaData?.schemaString !== schemaString) {
      throw new LakeSchemaError(`'${storage.name}' holds rows of other columns`);
    }
    return new LakeTable(delta, id, nowMs);
  }

  /** The last row of a partition that the table has; undefined: none. */
  lastPlace({ date, stream }: Partition): RowPlace | undefined {
    let last: RowPlace | undefined;
    for (const { partitionValues, tags } of this.delta.snapshot.files.values()) {
      if (partitionValues.date !== date || partitionValues.stream !== String(stream)) continue;
      const place = parsePlace(tags?.last);
      if (place !== undefined && (last === undefined || isBefore(last, place))) last = place;
    }
    return last;
  }

  /**
   * Brings a file to its place; it is of the table once its `Add` is committed.
   * @param more what is known of the stream besides, as `PartitionProof.doubt`
   */
  async put(file: LakeFile, more = ""): Promise<Add> {
    const { partition, bytes, stats, first, last } = file;
    const doubt = [...new Set(file.doubt + more)].join("");
    const { date, stream } = partition;
    const path = `date=${date}/stream=${stream}/part-${this.id()}.parquet`;
    await this.delta.storage.put(path, bytes);
    return {
      path,
      partitionValues: { date, stream: String(stream) },
      size: bytes.length,
      modificationTime: this.nowMs(),
      dataChange: true,
      stats: JSON.stringify(stats),
      tags: { first: placeText(first), last: placeText(last), doubt },
    };
  }

  /** Has it anything of these days and streams? */
  hasAny(partitions: readonly Partition[]): boolean {
    const keys = new Set(partitions.map(({ date, stream }) => `${date}/${stream}`));
    for (const { partitionValues } of this.delta.snapshot.files.values()) {
      if (keys.has(`${partitionValues.date}/${partitionValues.stream}`)) return true;
    }
    return false;
  }

  /**
   * One commit of files and what is known of them.
   * @param replaced partitions whose former files go out in the same commit
   */
  async commit(
    adds: readonly Add[],
    info: Readonly<Record<string, unknown>>,
    replaced: readonly Partition[] = [],
    more: readonly Action[] = [],
  ): Promise<number> {
    const keys = new Set(replaced.map(({ date, stream }) => `${date}/${stream}`));
    const removes: Action[] = [];
    for (const { path, partitionValues, size } of this.delta.snapshot.files.values()) {
      if (!keys.has(`${partitionValues.date}/${partitionValues.stream}`)) continue;
      const deletionTimestamp = this.nowMs();
      removes.push({
        remove: { path, deletionTimestamp, dataChange: true, partitionValues, size },
      });
    }
    const timestamp = this.nowMs();
    // No two commits have the same bytes: storage that lost its answer can be asked whose it has.
    const txnId = this.id();
    const commitInfo = { timestamp, operation: "WRITE", engineInfo: "edgebook", txnId, ...info };
    const written = adds.map((add): Action => ({ add }));
    return this.delta.commit([{ commitInfo }, ...removes, ...written, ...more]);
  }
}

/** What files that become one say together of where they go and whether they are whole. */
export function mergedTags(files: readonly Add[]): Readonly<Record<string, string>> {
  const places = files.flatMap(({ tags }) => [parsePlace(tags?.first), parsePlace(tags?.last)]);
  const known = places.filter((place) => place !== undefined);
  const doubt = [...new Set(files.flatMap(({ tags }) => [...(tags?.doubt ?? "")]))].join("");
  if (known.length === 0) return { doubt };
  const first = known.reduce((least, place) => (isBefore(place, least) ? place : least));
  const last = known.reduce((most, place) => (isBefore(most, place) ? place : most));
  return { first: placeText(first), last: placeText(last), doubt };
}

/** Of every day and stream in a table: from where to where it goes, and whether it is whole. */
export function proofsOf(files: Iterable<Add>): PartitionProof[] {
  const proofs = new Map<string, PartitionProof>();
  for (const { partitionValues, tags, stats } of files) {
    const [first, last] = [parsePlace(tags?.first), parsePlace(tags?.last)];
    if (first === undefined || last === undefined) continue;
    const { date, stream } = partitionValues;
    const key = `${date}/${stream}`;
    const known = proofs.get(key);
    const rows = (JSON.parse(stats ?? "{}") as Partial<FileStats>).numRecords ?? 0;
    const doubt = new Set([...(known?.doubt ?? ""), ...(tags?.doubt ?? "")]);
    proofs.set(key, {
      date: date ?? "",
      stream: Number(stream),
      files: (known?.files ?? 0) + 1,
      rows: (known?.rows ?? 0) + rows,
      first: known !== undefined && isBefore(known.first, first) ? known.first : first,
      last: known !== undefined && isBefore(last, known.last) ? known.last : last,
      doubt: [...doubt].join(""),
    });
  }
  return [...proofs.values()].sort((a, b) => a.date.localeCompare(b.date) || a.stream - b.stream);
}

/** What the table of gaps knows of the same days and streams is said too: a loss behind the last event. */
export function withGaps(
  events: readonly PartitionProof[],
  gaps: readonly PartitionProof[],
): PartitionProof[] {
  return events.map((proof) => {
    const known = gaps.find(({ date, stream }) => date === proof.date && stream === proof.stream);
    return { ...proof, doubt: [...new Set(proof.doubt + (known?.doubt ?? ""))].join("") };
  });
}

export function isBefore(a: RowPlace, b: RowPlace): boolean {
  if (a.epoch !== b.epoch) return a.epoch < b.epoch;
  if (a.sequence !== b.sequence) return a.sequence < b.sequence;
  return a.row < b.row;
}

function placeText({ epoch, sequence, row }: RowPlace): string {
  return `${epoch}/${sequence}/${row}`;
}

function parsePlace(text: string | undefined): RowPlace | undefined {
  const parts = /^(\d+)\/(\d+)\/(\d+)$/.exec(text ?? "");
  if (parts === null) return undefined;
  return { epoch: Number(parts[1]), sequence: Number(parts[2]), row: Number(parts[3]) };
}

function schemaText(columns: readonly LakeColumn[]): string {
  const fields = columns.map(({ name, type }) => ({ name, type, nullable: true, metadata: {} }));
  return JSON.stringify({ type: "struct", fields });
}
