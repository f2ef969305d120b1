/**
 * The actions of a Delta table's log and their lines of JSON. A commit is a file of such lines; the
 * table is what all commits, in the order of their versions, say together.
 *
 * Only what our writers need: protocol 1/2 (no deletion vectors, no column mapping), so that every
 * reader of Delta takes the tables.
 */

export interface Add {
  /** Relative to the table's folder. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly size: number;
  /** ms since 1970 UTC. */
  readonly modificationTime: number;
  /** False: the rows stood in the table before (compaction). */
  readonly dataChange: boolean;
  /** JSON of `FileStats`. */
  readonly stats?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface Remove {
  readonly path: string;
  /** ms since 1970 UTC. */
  readonly deletionTimestamp: number;
  readonly dataChange: boolean;
  readonly partitionValues?: Readonly<Record<string, string | null>>;
  readonly size?: number;
}

/** How far a writer has come: committed together with the rows that brought it there. */
export interface Txn {
  readonly appId: string;
  readonly version: number;
  /** ms since 1970 UTC. */
  readonly lastUpdated?: number;
}

export interface MetaData {
  readonly id: string;
  readonly name?: string;
  readonly format: { readonly provider: "parquet"; readonly options: Record<string, string> };
  /** JSON of a struct type. */
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime?: number;
}

export interface Protocol {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
}

/** Free text beside a commit; ours carries what is known of the feed's completeness. */
export type CommitInfo = Readonly<Record<string, unknown>>;

export type Action =
  | { readonly add: Add }
  | { readonly remove: Remove }
  | { readonly txn: Txn }
  | { readonly metaData: MetaData }
  | { readonly protocol: Protocol }
  | { readonly commitInfo: CommitInfo };

/** What a file's rows are known to hold, so that readers can pass it by. */
export interface FileStats {
  readonly numRecords: number;
  readonly minValues: Readonly<Record<string, number | string>>;
  readonly maxValues: Readonly<Record<string, number | string>>;
  readonly nullCount: Readonly<Record<string, number>>;
}

/** A Delta protocol that is beyond us. */
export class DeltaTooNew extends Error {
  readonly code = "delta_too_new";
  readonly hint =
    "Read the table with a writer's own tools, or write it anew with 'edgebook ingest'.";
}

export const PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

export function commitText(actions: readonly Action[]): string {
  return `${actions.map((action) => JSON.stringify(action)).join("\n")}\n`;
}

/** Lines of other kinds are passed over, as the protocol asks. @throws SyntaxError no JSON */
export function parseCommit(text: string): Action[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as Action);
}

/** `_delta_log/00000000000000000012.json` */
export function commitPath(version: number): string {
  return `_delta_log/${String(version).padStart(20, "0")}.json`;
}

/** `_delta_log/00000000000000000010.checkpoint.parquet` */
export function checkpointPath(version: number): string {
  return `_delta_log/${String(version).padStart(20, "0")}.checkpoint.parquet`;
}

export const LAST_CHECKPOINT = "_delta_log/_last_checkpoint";

/** The version of a commit's file, or undefined if the path is none. */
export function versionOf(path: string): number | undefined {
  const digits = /(?:^|\/)(\d{20})\.json$/.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The version of a checkpoint's file, or undefined if the path is none. */
export function checkpointVersionOf(path: string): number | undefined {
  const digits = /(?:^|\/)(\d{20})\.checkpoint\.parquet$/.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
