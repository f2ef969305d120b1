/**
 * Edge: where a service's checkpoints are: in a directory, or on object storage with a directory of
 * this life before it, from which shards begin again and to which nothing has to be fetched twice.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ObjectStorage, parseS3Address } from "../frames/object-storage.ts";
import { type CheckpointCopy, CheckpointFolder } from "./checkpoint/folder.ts";
import { S3Store } from "./checkpoint/s3-store.ts";
import { fetchCheckpoints } from "./checkpoint/state-store.ts";
import { ServiceError } from "./service-error.ts";
import { shardFolder } from "./shards/sharded-centre.ts";

export interface StateOptions {
  /** A directory, `s3://BUCKET/PREFIX`, or nothing. */
  readonly state?: string;
  readonly shards?: { readonly count: number };
  /** It shares its state with others of its group, so that they take its streams over. */
  readonly member?: string | undefined;
  readonly onStatus: (text: string) => void;
}

export interface State {
  /** Empty: nothing is kept. */
  readonly folder: string;
  /** It goes with the service. */
  readonly isScratch: boolean;
  /** Where what is sealed in a folder below `folder` goes besides; "": `folder` itself. */
  readonly copyOf: ((folder: string) => CheckpointCopy) | undefined;
  /** What the members of a group share instead. */
  readonly storage?: ObjectStorage;
}

/** @throws ServiceError the storage cannot be read: a service would begin with nothing unawares */
export async function openState(options: StateOptions): Promise<State> {
  const { state, shards, member, onStatus } = options;
  const address = parseS3Address(state ?? "");
  if (address === undefined) {
    // Shards begin again from checkpoints also where nobody wants to keep any.
    const isScratch = state === undefined && shards !== undefined;
    return { folder: isScratch ? newFolder() : (state ?? ""), isScratch, copyOf: undefined };
  }
  if (member !== undefined) {
    // Its streams are fetched as the group gives them.
    const storage = new ObjectStorage(address);
    return { folder: newFolder(), isScratch: true, copyOf: undefined, storage };
  }
  const root = new S3Store(address);
  const storeOf = (name: string) => (name === "" ? root : root.within(name));
  const folder = newFolder();
  const count = shards?.count ?? 0;
  const names =
    count === 0 ? [""] : Array.from({ length: count }, (_, at) => shardFolder(at, count));
  let fetched = 0;
  try {
    for (const name of names) {
      fetched += await fetchCheckpoints(storeOf(name), new CheckpointFolder(join(folder, name)));
    }
  } catch (cause) {
    throw new ServiceError(
      "bad_flag",
      `The state cannot be read. ${(cause as Error).message}`,
      "Check the bucket, AWS_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    );
  }
  onStatus(`checkpoints fetched from ${root.place}: ${fetched}`);
  const failed = ({ message }: Error) => onStatus(`a checkpoint is on this disk only: ${message}`);
  return { folder, isScratch: true, copyOf: (name) => ({ store: storeOf(name), failed }) };
}

const newFolder = () => mkdtempSync(join(tmpdir(), "edgebook-book-"));
