/**
 * Edge: checkpoints by DuckDB: the actions go in as lines of JSON and come out as the nested Parquet
 * that Delta's readers expect, and the other way round.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duck, quoted } from "../duckdb.ts";
import { type Action, checkpointPath, commitText, parseCommit } from "./actions.ts";
import type { CheckpointFormat } from "./checkpoint.ts";

const TEXTS = "MAP(VARCHAR, VARCHAR)";

/** The columns of a checkpoint, as Delta's protocol names and types them. */
const COLUMNS: Readonly<Record<string, string>> = {
  txn: "STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)",
  add:
    `STRUCT(path VARCHAR, partitionValues ${TEXTS}, size BIGINT, modificationTime BIGINT, ` +
    `dataChange BOOLEAN, stats VARCHAR, tags ${TEXTS})`,
  remove:
    `STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, ` +
    `partitionValues ${TEXTS}, size BIGINT)`,
  metaData:
    `STRUCT(id VARCHAR, name VARCHAR, format STRUCT(provider VARCHAR, options ${TEXTS}), ` +
    `schemaString VARCHAR, partitionColumns VARCHAR[], configuration ${TEXTS}, createdTime BIGINT)`,
  protocol: "STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)",
};

export const duckCheckpoints: CheckpointFormat = {
  async write(storage, version, actions) {
    await inScratch(async (folder, duck) => {
      const [lines, parquet] = [join(folder, "actions.json"), join(folder, "checkpoint.parquet")];
      writeFileSync(lines, commitText(actions));
      const columns = Object.entries(COLUMNS).map(([name, type]) => `${name}: ${quoted(type)}`);
      await duck.run(
        `COPY (SELECT * FROM read_json(${quoted(lines)}, format = 'newline_delimited', ` +
          `columns = {${columns.join(", ")}}, maximum_object_size = 67108864)) ` +
          `TO ${quoted(parquet)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      await storage.put(checkpointPath(version), readFileSync(parquet));
    });
  },

  async read(storage, version) {
    const bytes = await storage.get(checkpointPath(version));
    if (bytes === undefined) throw new Error(`${storage.name}: checkpoint ${version} is not there`);
    return inScratch(async (folder, duck) => {
      const [lines, parquet] = [join(folder, "actions.json"), join(folder, "checkpoint.parquet")];
      writeFileSync(parquet, bytes);
      await duck.run(
        `COPY (SELECT * FROM read_parquet(${quoted(parquet)})) TO ${quoted(lines)} (FORMAT json)`,
      );
      return parseCommit(readFileSync(lines, "utf8")).map(withoutNulls);
    });
  },
};

/** A row of a checkpoint has every kind of action, all but one of them null. */
function withoutNulls(row: Action): Action {
  const [kind, value] = Object.entries(row).find(([, each]) => each !== null) ?? ["", {}];
  const fields = Object.entries(value).filter(([, each]) => each !== null);
  return { [kind]: Object.fromEntries(fields) } as unknown as Action;
}

async function inScratch<T>(work: (folder: string, duck: Duck) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "edgebook-checkpoint-"));
  const duck = await Duck.open();
  try {
    return await work(folder, duck);
  } finally {
    duck.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
