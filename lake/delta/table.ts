/**
 * A Delta table that is read and written: opened from its newest checkpoint and the commits behind
 * it, committed to by whoever is first at a version.
 *
 * Several writers: who finds its version taken reads what was committed meanwhile and tries the next
 * one, unless that contradicts what it is about to commit: the same writer's progress (`txn`) moved,
 * a file that it wants to remove is gone, or the table's schema changed.
 */
import {
  type Action,
  commitPath,
  commitText,
  LAST_CHECKPOINT,
  type MetaData,
  PROTOCOL,
  parseCommit,
  versionOf,
} from "./actions.ts";
import type { CheckpointFormat } from "./checkpoint.ts";
import { Snapshot } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** Commits between checkpoints. */
const CHECKPOINT_EVERY = 10;
const TRIES = 100;

/** Somebody else committed what cannot stand beside this. */
export class CommitConflict extends Error {
  readonly code = "commit_conflict";
}

export class DeltaTable {
  readonly storage: Storage;
  snapshot = new Snapshot();
  /** Of the newest checkpoint that is known of; -1: none. */
  checkpointVersion = -1;
  private readonly checkpoints: CheckpointFormat | undefined;
  private readonly checkpointEvery: number;

  private constructor(storage: Storage, checkpoints: CheckpointFormat | undefined, every: number) {
    this.storage = storage;
    this.checkpoints = checkpoints;
    this.checkpointEvery = every;
  }

  /**
   * The table at its newest version, or at the one asked for.
   * @param checkpoints how checkpoints are read and written; absent: none are
   */
  static async open(
    storage: Storage,
    checkpoints?: CheckpointFormat,
    options: { readonly version?: number; readonly checkpointEvery?: number } = {},
  ): Promise<DeltaTable> {
    const every = options.checkpointEvery ?? CHECKPOINT_EVERY;
    const table = new DeltaTable(storage, checkpoints, every);
    await table.load(options.version ?? Number.POSITIVE_INFINITY);
    return table;
  }

  get exists(): boolean {
    return this.snapshot.version >= 0;
  }

  /** Applies what others have committed since. */
  async refresh(): Promise<void> {
    for (let next = this.snapshot.version + 1; ; next++) {
      const bytes = await this.storage.get(commitPath(next));
      if (bytes === undefined) return;
      this.snapshot.apply(next, parseCommit(new TextDecoder().decode(bytes)));
    }
  }

  /** Makes the table, if nobody has. */
  async create(metaData: MetaData): Promise<void> {
    if (this.exists) return;
    const first: Action[] = [{ protocol: PROTOCOL }, { metaData }];
    await this.storage.putIfAbsent(commitPath(0), encoded(first));
    await this.refresh();
  }

  /**
   * Commits all of it or nothing; the version it became.
   * @throws CommitConflict
   */
  async commit(actions: readonly Action[]): Promise<number> {
    for (let tries = 0; tries < TRIES; tries++) {
      const version = this.snapshot.version + 1;
      if (await this.storage.putIfAbsent(commitPath(version), encoded(actions))) {
        this.snapshot.apply(version, actions);
        await this.checkpointIfDue();
        return version;
      }
      await this.catchUp(actions);
    }
    throw new CommitConflict(`${this.storage.name}: others were faster ${TRIES} times in a row`);
  }

  /** Reads what others committed, and looks whether ours can still stand. */
  private async catchUp(ours: readonly Action[]): Promise<void> {
    const before = this.snapshot.version;
    const progress = new Map<string, number>();
    for (const action of ours) {
      if ("txn" in action) {
        progress.set(action.txn.appId, this.snapshot.transaction(action.txn.appId));
      }
    }
    const schema = this.snapshot.metaData?.schemaString;
    await this.refresh();
    if (this.snapshot.version === before) {
      throw new CommitConflict(
        `${this.storage.name}: version ${before + 1} is taken but not to be read`,
      );
    }
    for (const [appId, version] of progress) {
      if (this.snapshot.transaction(appId) !== version) {
        throw new CommitConflict(`another writer of ${appId} has committed`);
      }
    }
    if (this.snapshot.metaData?.schemaString !== schema) {
      throw new CommitConflict("the table's schema has changed");
    }
    for (const action of ours) {
      if ("remove" in action && !this.snapshot.files.has(action.remove.path)) {
        throw new CommitConflict(`${action.remove.path} was removed by somebody else`);
      }
    }
  }

  private async load(upTo: number): Promise<void> {
    await this.loadCheckpoint(upTo);
    const files = await this.storage.list("_delta_log");
    const versions = files
      .map(({ path }) => versionOf(path))
      .filter((version) => version !== undefined);
    versions.sort((a, b) => a - b);
    for (const version of versions) {
      if (version <= this.snapshot.version) continue;
      if (version > upTo) break;
      const bytes = await this.storage.get(commitPath(version));
      if (bytes === undefined) break;
      this.snapshot.apply(version, parseCommit(new TextDecoder().decode(bytes)));
    }
    if (Number.isFinite(upTo) && this.snapshot.version !== upTo) {
      throw new Error(`${this.storage.name} has no version ${upTo}`);
    }
  }

  private async loadCheckpoint(upTo: number): Promise<void> {
    if (this.checkpoints === undefined) return;
    const hint = await this.storage.get(LAST_CHECKPOINT);
    if (hint === undefined) return;
    const { version } = JSON.parse(new TextDecoder().decode(hint)) as { version: number };
    if (version > upTo) return;
    const actions = await this.checkpoints.read(this.storage, version);
    this.snapshot.apply(version, actions);
    this.checkpointVersion = version;
  }

  private async checkpointIfDue(): Promise<void> {
    const { version } = this.snapshot;
    if (this.checkpoints === undefined || version === 0 || version % this.checkpointEvery !== 0)
      return;
    const actions = [...this.snapshot.actions(PROTOCOL)];
    await this.checkpoints.write(this.storage, version, actions);
    const hint = JSON.stringify({ version, size: actions.length });
    await this.storage.put(LAST_CHECKPOINT, new TextEncoder().encode(hint));
    this.checkpointVersion = version;
  }
}

function encoded(actions: readonly Action[]): Uint8Array {
  return new TextEncoder().encode(commitText(actions));
}
