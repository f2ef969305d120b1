/** How a table's checkpoints are read and written: everything a table is at one version, in Parquet. */
import type { Action } from "./actions.ts";
import type { Storage } from "./storage.ts";

export interface CheckpointFormat {
  write(storage: Storage, version: number, actions: readonly Action[]): Promise<void>;
  read(storage: Storage, version: number): Promise<Action[]>;
}
