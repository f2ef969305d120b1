/** Rows of events out of shards: none is missing, whoever is killed, and brokers that stand still are waited for. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openZstd } from "../../frames/zstd.ts";
import { runMarket } from "../../tests/live-market.ts";
import { openToyService } from "../../tests/toy-service.ts";
import { until } from "../../tests/until.ts";
import { type EventBatch, EventRows } from "../kafka/event-rows.ts";
import { Live } from "../live.ts";
import { NameTable } from "../rows/name-table.ts";
import { readRows } from "../rows/protobuf-read.ts";
import { BATCH_ROWS_MOST } from "../rows/protobuf-schema.ts";
import { RowBatch } from "../rows/row-batch.ts";
import { lakeColumns } from "../rows/schema.ts";
import type { RowsPort } from "./shard-edge.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-shard-rows-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const market = runMarket({ seed: 22, milliseconds: 1500 });
const CHUNKS = market.chunks.length;
const LIMIT_BYTES = 20_000;

/** Brokers that acknowledge at once, or nothing until they are told to go on. */
class ToyBrokers implements RowsPort {
  /** What has arrived. */
  readonly kept: EventBatch[] = [];
  stands = false;
  private readonly waiting: EventBatch[] = [];
  private waiters: (() => void)[] = [];

  get waitingBytes(): number {
    return this.waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  add(batch: EventBatch): void {
    (this.stands ? this.waiting : this.kept).push(batch);
  }

  room(): Promise<void> | undefined {
    return this.waitingBytes < LIMIT_BYTES ? undefined : this.moved();
  }

  async settled(): Promise<void> {
    while (this.waiting.length > 0) await this.moved();
  }

  goOn(): void {
    this.stands = false;
    this.kept.push(...this.waiting.splice(0));
    for (const wake of this.waiters.splice(0)) wake();
  }

  private moved(): Promise<void> {
    return new Promise((wake) => this.waiters.push(wake));
  }
}

/** Rows of each table as a reader has them that drops what is at or below its place. */
function read(batches: readonly EventBatch[]): Map<string, string[]> {
  const tables = new Map<string, string[]>();
  const done = new Map<string, readonly number[]>();
  for (const { table, stream, bytes } of batches) {
    const key = `${table} of ${stream}`;
    const rows = tables.get(key) ?? [];
    tables.set(key, rows);
    const batch = new RowBatch(lakeColumns(table), new NameTable(), 2, BATCH_ROWS_MOST);
    expect(readRows(bytes, batch)).toBe(batch.count);
    const columns = ["epoch", "sequence", "row"].map((name) => batch.number(name).value);
    for (let at = 0; at < batch.count; at++) {
      const place = columns.map((column) => column[at]);
      if (!isBehind(place, done.get(key) ?? [-1, 0, 0])) continue;
      done.set(key, place);
      rows.push(place.join("/"));
    }
  }
  return new Map([...tables].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isBehind(place: readonly number[], other: readonly number[]): boolean {
  const at = place.findIndex((value, i) => value !== other[i]);
  return at >= 0 && place[at] > other[at];
}

/** The rows of one thread that nobody killed. */
function whole(): Map<string, string[]> {
  const batches: EventBatch[] = [];
  const rows = new EventRows((batch) => batches.push(batch));
  const live = new Live({ zstd: openZstd(), ask() {}, rows });
  for (const { bytes } of market.chunks) live.push(bytes, 1.78e18);
  live.finish(1.78e18);
  rows.flush();
  return read(batches);
}

const expected = whole();
const checkpoints = (state: string) =>
  readdirSync(state, { recursive: true }).filter((name) => String(name).endsWith(".ebcp"));

describe("rows of two shards", () => {
  test("are those of one thread, though both are killed again and again", async () => {
    expect([...expected.keys()]).toContain("events of 2");
    const rows = new ToyBrokers();
    const service = openToyService({ market, state: join(scratch, "killed"), rows, saveNs: 25e6 });
    const { shards } = service.centre;
    const seen = [0, 0];
    for (let upTo = 1; upTo <= CHUNKS; upTo++) {
      await service.push(upTo, 25);
      // Just when a checkpoint has its name: what it contains and nobody was told of would be lost.
      shards.forEach((shard, at) => {
        if (!shard.isUp || shard.checkpoints === seen[at]) return;
        seen[at] = shard.checkpoints;
        shard.kill();
      });
    }
    await service.centre.finish();
    expect(read(rows.kept)).toEqual(expected);
    expect(shards[0].restarts + shards[1].restarts).toBeGreaterThan(3);
    await service.close();
  }, 60_000);

  test("wait for brokers that stand still: bounded, and no checkpoint gets its name before they go on", async () => {
    const rows = new ToyBrokers();
    const state = join(scratch, "stalled");
    const service = openToyService({ market, state, rows });
    const { shards } = service.centre;
    await until(() => shards.every(({ isUp }) => isUp), "both shards");
    rows.stands = true;
    await service.push(CHUNKS, 5);
    await until(() => rows.waitingBytes >= LIMIT_BYTES, "the bound");
    const named = checkpoints(state);
    // Long enough for some checkpoints.
    await Bun.sleep(1000);
    expect(checkpoints(state)).toEqual(named);
    expect(shards.some(({ log }) => log.hasUnsent)).toBe(true);
    rows.goOn();
    await until(() => checkpoints(state).length > named.length, "checkpoints");
    await service.centre.finish();
    expect(read(rows.kept)).toEqual(expected);
    await service.close();
  }, 60_000);

  test("of a shard that dies while a checkpoint waits for them are made again", async () => {
    const rows = new ToyBrokers();
    const state = join(scratch, "waits");
    const service = openToyService({ market, state, rows, saveNs: 25e6 });
    const { shards } = service.centre;
    await until(() => shards.every(({ isUp }) => isUp), "both shards");
    await service.push(Math.floor(CHUNKS / 4), 5);
    await until(() => shards.every((shard) => shard.checkpoints > 0), "a checkpoint each");
    rows.stands = true;
    const unfinished = () =>
      readdirSync(state, { recursive: true }).filter((name) => String(name).endsWith(".part"));
    await service.push(Math.floor(CHUNKS / 2), 5);
    await until(() => unfinished().length === 2, "both to wait");
    const named = checkpoints(state);
    for (const shard of shards) shard.kill();
    await until(() => shards.every(({ isUp, restarts }) => isUp && restarts === 1), "new lives");
    await until(() => unfinished().length === 2, "both to wait again");
    await Bun.sleep(500);
    // One at a time, and what the dead left unfinished got no name.
    expect([unfinished().length, checkpoints(state)]).toEqual([2, named]);
    rows.goOn();
    await service.push(CHUNKS, 5);
    await service.centre.finish();
    expect(read(rows.kept)).toEqual(expected);
    await service.close();
  }, 60_000);

  test("that never arrived are made again by the next process", async () => {
    const state = join(scratch, "lost");
    const first = new ToyBrokers();
    const service = openToyService({ market, state, rows: first });
    const { shards } = service.centre;
    await until(() => shards.every(({ isUp }) => isUp), "both shards");
    await service.push(Math.floor(CHUNKS / 4), 5);
    await until(() => shards.every((shard) => shard.checkpoints > 0), "a checkpoint each");
    first.stands = true;
    await service.push(Math.floor(CHUNKS / 2), 5);
    await service.close();
    const second = new ToyBrokers();
    const next = openToyService({ market, state, rows: second });
    await next.push(CHUNKS, 2);
    await next.centre.finish();
    expect(read([...first.kept, ...second.kept])).toEqual(expected);
    await next.close();
  }, 90_000);
});
