/**
 * A Delta table at one version: which files are in it, how far each writer has come. Built by applying
 * commits in the order of their versions; knows nothing of where they are stored.
 */
import {
  type Action,
  type Add,
  DeltaTooNew,
  type MetaData,
  type Remove,
  type Txn,
} from "./actions.ts";

/** Features of tables that we read: those of protocol 1 and 2. */
const READER_VERSION = 1;

export class Snapshot {
  /** -1: nothing has been committed. */
  version = -1;
  metaData: MetaData | undefined;
  /** By path. */
  readonly files = new Map<string, Add>();
  /** Removed files by path; kept for who still reads an older version. */
  readonly removed = new Map<string, Remove>();
  /** By `appId`. */
  readonly transactions = new Map<string, Txn>();

  /** @throws DeltaTooNew */
  apply(version: number, actions: readonly Action[]): void {
    for (const action of actions) this.applyOne(action);
    this.version = version;
  }

  /** How far a writer has come; -1 before its first commit. */
  transaction(appId: string): number {
    return this.transactions.get(appId)?.version ?? -1;
  }

  get rows(): number {
    let rows = 0;
    for (const { stats } of this.files.values()) {
      if (stats !== undefined) rows += (JSON.parse(stats) as { numRecords: number }).numRecords;
    }
    return rows;
  }

  /** Everything the table is, as a checkpoint holds it. */
  *actions(protocol: { minReaderVersion: number; minWriterVersion: number }): Generator<Action> {
    yield { protocol };
    if (this.metaData !== undefined) yield { metaData: this.metaData };
    for (const txn of this.transactions.values()) yield { txn };
    for (const add of this.files.values()) yield { add: { ...add, dataChange: false } };
    for (const remove of this.removed.values()) yield { remove: { ...remove, dataChange: false } };
  }

  private applyOne(action: Action): void {
    if ("add" in action) {
      this.files.set(action.add.path, action.add);
      this.removed.delete(action.add.path);
    } else if ("remove" in action) {
      this.files.delete(action.remove.path);
      this.removed.set(action.remove.path, action.remove);
    } else if ("txn" in action) {
      this.transactions.set(action.txn.appId, action.txn);
    } else if ("metaData" in action) {
      this.metaData = action.metaData;
    } else if ("protocol" in action && action.protocol.minReaderVersion > READER_VERSION) {
      const { minReaderVersion } = action.protocol;
      throw new DeltaTooNew(
        `the table asks for readers of version ${minReaderVersion}; this one is ${READER_VERSION}`,
      );
    }
  }
}
