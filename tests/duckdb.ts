/** DuckDB as another engine to hold results against; absent on machines that its library is not for. */
import type { DuckDBConnection } from "@duckdb/node-api";

/** A database in memory, or undefined after a line that says why not. */
export async function openDuckDb(): Promise<DuckDBConnection | undefined> {
  try {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
    return await instance.connect();
  } catch (error) {
    console.log(`not run: no DuckDB (${error instanceof Error ? error.message : error})`);
    return undefined;
  }
}
