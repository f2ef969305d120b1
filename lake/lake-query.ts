/**
 * Edge: SQL over the tables of a lake. Each Delta table in the folder is a view over its active files, of
 * the newest version or of one asked for. Questions only: one SELECT (or EXPLAIN) at a time, and no
 * file outside the lake can be reached, whatever the SQL says.
 */
import type { Add, MetaData } from "./delta/actions.ts";
import { duckCheckpoints } from "./delta/checkpoint-duckdb.ts";
import { DeltaTable } from "./delta/table.ts";
import { Duck, named, quoted } from "./duckdb.ts";
import { tableStorage, tablesIn } from "./lake-place.ts";
import { type PartitionProof, proofsOf, withGaps } from "./lake-table.ts";
import { CacheTooSmall, LocalFiles } from "./local-files.ts";

export interface TableVersion {
  readonly name: string;
  readonly version: number;
  readonly files: number;
  readonly rows: number;
  /** What it has of each day and stream, and whether that is whole. */
  readonly proofs: readonly PartitionProof[];
}

export interface LakeQueryOptions {
  /** One table at a version of the past; all others are at their newest. */
  readonly travel?: { readonly table: string; readonly version: number };
  /** The question that will be asked: from object storage only tables that it names are fetched. */
  readonly sql?: string;
  /** Only rows of these partitions are there. */
  readonly only?: (date: string, stream: number) => boolean;
  /** Where files of object storage are kept; absent: the user's own cache. */
  readonly files?: LocalFiles;
}

export class QueryError extends Error {
  readonly code: "bad_query" | "no_lake" | "cache_too_small";
  readonly hint: string;
  constructor(code: QueryError["code"], message: string, hint: string) {
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
   * @param lake a folder, or `s3://BUCKET/PREFIX`
   * @throws QueryError
   */
  static async open(lake: string, options: LakeQueryOptions = {}): Promise<LakeQuery> {
    const names = await tablesIn(lake);
    if (names.length === 0) {
      throw new QueryError(
        "no_lake",
        `There is no table in '${lake}'.`,
        "Make some with 'edgebook ingest FILE… --lake LAKE'.",
      );
    }
    const files = options.files ?? new LocalFiles();
    const duck = await Duck.open({ threads: THREADS });
    try {
      const found: TableVersion[] = [];
      for (const name of names) found.push(await openView(duck, files, lake, name, options));
      const isRemote = tableStorage(lake, names[0]).localPath("") === undefined;
      await duck.run(`SET allowed_directories = [${quoted(isRemote ? files.folder : lake)}]`);
      await duck.run("SET enable_external_access = false");
      await duck.run("SET lock_configuration = true");
      return new LakeQuery(duck, found);
    } catch (error) {
      duck.close();
      if (!(error instanceof CacheTooSmall)) throw error;
      throw new QueryError(error.code, error.message, error.hint);
    }
  }

  /** Of each day and stream, what there is of its events, and whether that is whole. */
  get proofs(): readonly PartitionProof[] {
    const of = (table: string) => this.tables.find(({ name }) => name === table)?.proofs ?? [];
    return withGaps(of("events"), of("gaps"));
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

/** A view over the files of a table that may be looked at. */
async function openView(
  duck: Duck,
  local: LocalFiles,
  lake: string,
  name: string,
  { travel, only, sql }: LakeQueryOptions,
): Promise<TableVersion> {
  const storage = tableStorage(lake, name);
  const at = travel?.table === name ? { version: travel.version } : {};
  const { snapshot } = await DeltaTable.open(storage, duckCheckpoints, at);
  const files = [...snapshot.files.values()].filter(
    ({ partitionValues: { date, stream } }) => only?.(date ?? "", Number(stream)) ?? true,
  );
  const isLeftOut = storage.localPath("") === undefined && sql !== undefined && !names(sql, name);
  const { metaData, version } = snapshot;
  if (isLeftOut) await duck.run(`CREATE VIEW ${named(name)} AS ${unnamed(name, metaData)}`);
  else await duck.run(viewOf(name, await local.pathsOf(storage, files), metaData));
  const rows = files.reduce((sum, add) => sum + rowsIn(add), 0);
  return { name, version, files: files.length, rows, proofs: proofsOf(files) };
}

/** Is the table's name a word of the question? */
function names(sql: string, table: string): boolean {
  return new RegExp(`\\b${table}\\b`, "i").test(sql);
}

/** Whoever finds a way to ask a table without its name is told, rather than shown an empty one. */
function unnamed(name: string, metaData: MetaData | undefined): string {
  const why = `the files of ${name} were not fetched: name it in the question`;
  return `${emptyOf(metaData)} OR CAST(error(${quoted(why)}) AS BOOLEAN)`;
}

function rowsIn({ stats }: Add): number {
  return (JSON.parse(stats ?? "{}") as { numRecords?: number }).numRecords ?? 0;
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
