/**
 * Edge: SQL over the tables of a lake. Each Delta table in the folder is a view over its active files, of
 * the newest version or of one asked for. Questions only: one SELECT (or EXPLAIN) at a time, and no
 * file outside the lake can be reached, whatever the SQL says.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { MetaData } from "./delta/actions.ts";
import { duckCheckpoints } from "./delta/checkpoint-duckdb.ts";
import { DirStorage } from "./delta/storage-dir.ts";
import { DeltaTable } from "./delta/table.ts";
import { Duck, named, quoted } from "./duckdb.ts";
import { type PartitionProof, proofsOf } from "./lake-table.ts";

export interface TableVersion {
  readonly name: string;
  readonly version: number;
  readonly files: number;
  readonly rows: number;
  /** What it has of each day and stream, and whether that is whole. */
  readonly proofs: readonly PartitionProof[];
}

export class QueryError extends Error {
  readonly code: "bad_query" | "no_lake";
  readonly hint: string;
  constructor(code: "bad_query" | "no_lake", message: string, hint: string) {
    super(message);
    this.name = "QueryError";
    this.code = code;
    this.hint = hint;
  }
}

const THREADS = "2";

export class LakeQuery {
  readonly tables: readonly TableVersion[];
  private readonly duck: Duck;

  private constructor(duck: Duck, tables: readonly TableVersion[]) {
    this.duck = duck;
    this.tables = tables;
  }

  /**
   * @param version of the one table that is asked for by `table`; all others are at their newest
   * @throws QueryError
   */
  static async open(
    folder: string,
    travel?: { readonly table: string; readonly version: number },
  ): Promise<LakeQuery> {
    const names = tablesIn(folder);
    if (names.length === 0) {
      throw new QueryError(
        "no_lake",
        `There is no table in '${folder}'.`,
        "Make some with 'edgebook ingest FILE… --lake DIR'.",
      );
    }
    const duck = await Duck.open({ threads: THREADS });
    const found: TableVersion[] = [];
    for (const name of names) {
      const storage = new DirStorage(join(folder, name));
      const at = travel?.table === name ? { version: travel.version } : {};
      const { snapshot } = await DeltaTable.open(storage, duckCheckpoints, at);
      const paths = [...snapshot.files.keys()].map((path) => storage.location(path));
      await duck.run(viewOf(name, paths, snapshot.metaData));
      const { version, rows } = snapshot;
      found.push({ name, version, files: paths.length, rows, proofs: proofsOf(snapshot) });
    }
    await duck.run(`SET allowed_directories = [${quoted(folder)}]`);
    await duck.run("SET enable_external_access = false");
    await duck.run("SET lock_configuration = true");
    return new LakeQuery(duck, found);
  }

  /**
   * Rows of one question, a batch at a time.
   * @throws QueryError for what is no question, or not to be answered
   */
  async *ask(sql: string): AsyncGenerator<Answer> {
    const { StatementType } = await import("@duckdb/node-api");
    try {
      const statements = await this.duck.connection.extractStatements(sql);
      if (statements.count !== 1) throw refused(`there are ${statements.count} statements in it`);
      const prepared = await statements.prepare(0);
      const { statementType } = prepared;
      if (statementType !== StatementType.SELECT && statementType !== StatementType.EXPLAIN) {
        throw refused("it is no SELECT");
      }
      const result = await prepared.stream();
      const columns = result.columnNames();
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        yield { columns, rows: chunk.getRows() as unknown[][] };
      }
    } catch (error) {
      if (error instanceof QueryError) throw error;
      throw new QueryError("bad_query", (error as Error).message.trim(), this.whatThereIs());
    }
  }

  close(): void {
    this.duck.close();
  }

  private whatThereIs(): string {
    return `The tables are ${this.tables.map(({ name }) => name).join(", ")}; DESCRIBE shows columns.`;
  }
}

export interface Answer {
  readonly columns: readonly string[];
  /** Values as DuckDB has them. */
  readonly rows: readonly (readonly unknown[])[];
}

function refused(why: string): QueryError {
  return new QueryError("bad_query", `This is not asked: ${why}.`, "Ask one SELECT at a time.");
}

/** Folders with a log of Delta's in them. */
function tablesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => isFolder(join(folder, name, "_delta_log")));
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Partition values stand in the paths, so a filter on them passes whole files by. */
function viewOf(name: string, paths: readonly string[], metaData: MetaData | undefined): string {
  if (paths.length === 0) return `CREATE VIEW ${named(name)} AS ${emptyOf(metaData)}`;
  const list = paths.map(quoted).join(", ");
  return (
    `CREATE VIEW ${named(name)} AS SELECT * FROM read_parquet([${list}], ` +
    "hive_partitioning = true, hive_types = {'date': DATE, 'stream': INTEGER})"
  );
}

/** A table without files still has its columns. */
function emptyOf(metaData: MetaData | undefined): string {
  const schema = JSON.parse(metaData?.schemaString ?? '{"fields":[]}') as {
    fields: { name: string; type: string }[];
  };
  const columns = schema.fields.map(
    ({ name, type }) => `NULL::${duckType(type)} AS ${named(name)}`,
  );
  return `SELECT ${columns.length === 0 ? "NULL AS nothing" : columns.join(", ")} WHERE false`;
}

function duckType(type: string): string {
  const plain: Readonly<Record<string, string>> = {
    long: "BIGINT",
    integer: "INTEGER",
    string: "VARCHAR",
    date: "DATE",
    double: "DOUBLE",
    boolean: "BOOLEAN",
    timestamp: "TIMESTAMP WITH TIME ZONE",
  };
  return plain[type] ?? type.toUpperCase();
}
