/**
 * A day of the simulated exchange into tables on two ways: from its capture at once, and through real
 * Kafka twice (collect, Kafka, book, Kafka, ingest), one stage after the other, so that each has its own
 * pace. The rows of both must be the same, and what the exchange's own bytes say.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kafkaLibrary } from "../frames/kafka-client.ts";
import { LakeQuery } from "../lake/lake-query.ts";
import { MAIN } from "./cli-run.ts";
import type { WireAccount } from "./wire-account.ts";

export interface DayPlace {
  /** A capture of one NSE line. */
  readonly capture: string;
  readonly brokers: string;
  /** For the lakes; whoever made it removes it. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

export interface StageRun {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMib: number;
  readonly said: string;
}

/** Every table: rows, and a digest that no order changes. */
export type TableDigests = Readonly<Record<string, readonly string[]>>;

const LOOK_MS = 500;
const SAY_MS = 10_000;
const STALL_MS = 180_000;
const NAMED = "stream, epoch, sequence, row, token, action, side, price, size";
const BEST = "bid_px, bid_sz, bid_ct, ask_px, ask_sz, ask_ct";
const COLUMNS: Readonly<Record<string, string>> = {
  events: `${NAMED}, order_id, ts_event_ns, ts_recv_ns, flags`,
  trades: `${NAMED}, trade_id, buy_order_id, sell_order_id, ts_event_ns, flags`,
  bbo: `stream, epoch, sequence, row, token, ${BEST}, ts_event_ns, flags`,
};
export const DAY_TABLES = Object.keys(COLUMNS);

export class LakeDay {
  readonly direct: string;
  readonly lake: string;
  /** The book service's metrics, as they were when it was done. */
  bookPage = "";
  private readonly place: DayPlace;
  private readonly address: string;
  private readonly prefix = `day-${process.pid}`;
  private readonly children = new Set<Bun.Subprocess>();

  constructor(place: DayPlace) {
    this.place = place;
    this.direct = join(place.folder, "direct");
    this.lake = join(place.folder, "lake");
    this.address = `kafka://${place.brokers}/${this.prefix}`;
  }

  /** From the capture at once. */
  ingestDirectly(): Promise<StageRun> {
    const words = ["ingest", this.place.capture, "--feed", "nse-fo", "--lake", this.direct];
    return this.stage("directly", words);
  }

  collect(): Promise<StageRun> {
    const { capture } = this.place;
    const words = ["collect", "--pcap", capture, "--feed", "nse-fo", "--to", this.address];
    const spool = join(this.place.folder, "spool");
    return this.stage("collect", [...words, "--spool", spool, "--wait", "120s"]);
  }

  /** @param rows of all tables that are to come */
  async book(rows: number): Promise<StageRun> {
    const words = ["--from", this.address, "--events", this.address, "--http", "127.0.0.1:0"];
    let url = "";
    let sent = 0;
    let movedMs = performance.now();
    const isDone = async (said: string) => {
      url ||= /books at (http:\S+)/.exec(said)?.[1] ?? "";
      if (url === "") return false;
      this.bookPage = await (await fetch(`${url}/metrics`)).text();
      const now = sampleOf(this.bookPage, "edgebook_events_sent_total");
      if (now > sent) movedMs = performance.now();
      sent = now;
      if (performance.now() - movedMs > STALL_MS) throw new Error(`${sent} of ${rows} rows: stuck`);
      return sent >= rows;
    };
    return this.stage("book", ["book", ...words], { isDone, watch: () => `${sent} rows sent` });
  }

  ingest(): Promise<StageRun> {
    const page = join(this.place.folder, "ingest.prom");
    const words = ["--kafka", this.address, "--lake", this.lake, "--ends-at-latest-offsets"];
    const watch = () => {
      const text = existsSync(page) ? readFileSync(page, "utf8") : "";
      const lags = [...text.matchAll(/lake_topic_lag_records\{.*\} (\d+)/g)];
      const lag = lags.reduce((sum, [, records]) => sum + Number(records), 0);
      return `${sampleOf(text, "edgebook_lake_rows_total")} rows committed, ${lag} records to come`;
    };
    return this.stage("ingest", ["ingest", ...words, "--metrics", page, "--stats"], { watch });
  }

  compact(): Promise<StageRun> {
    return this.stage("compact", ["ingest", "--compact", "--lake", this.lake]);
  }

  /** Bytes that the brokers keep of the topics whose names end so. */
  async topicBytes(...endings: readonly string[]): Promise<number> {
    const { Admin } = await kafkaLibrary();
    const admin = new Admin({ clientId: "day", bootstrapBrokers: [this.place.brokers] });
    try {
      const names = (await admin.listTopics()).filter((name) => name.startsWith(this.prefix));
      const wanted = names.filter((name) => endings.some((ending) => name.endsWith(ending)));
      const { topics: known } = await admin.metadata({ topics: wanted });
      const topics = wanted.map((name) => ({
        name,
        partitions: Array.from({ length: known.get(name)?.partitionsCount ?? 0 }, (_, at) => at),
      }));
      const brokers = await admin.describeLogDirs({ topics });
      return brokers
        .flatMap(({ results }) => results.flatMap((result) => result.topics))
        .flatMap(({ partitions }) => partitions)
        .reduce((sum, { partitionSize }) => sum + Number(partitionSize), 0);
    } finally {
      await admin.close().catch(() => {});
    }
  }

  /** Ends whatever still runs. */
  stop(): void {
    for (const child of this.children) child.kill("SIGKILL");
  }

  /** Runs until it ends, or is done and is then interrupted. */
  private async stage(
    name: string,
    words: readonly string[],
    more: { isDone?: (said: string) => Promise<boolean>; watch?: () => string } = {},
  ): Promise<StageRun> {
    const started = performance.now();
    const child = Bun.spawn([process.execPath, MAIN, ...words], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, EDGEBOOK_LOG: "text" },
    });
    this.children.add(child);
    let said = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const piece of child.stderr) said += decoder.decode(piece, { stream: true });
    })();
    let toldMs = started;
    let seconds = Number.NaN;
    while (child.exitCode === null && child.signalCode === null) {
      await Promise.race([child.exited, Bun.sleep(LOOK_MS)]);
      if (Number.isNaN(seconds) && (await more.isDone?.(said))) {
        seconds = (performance.now() - started) / 1000;
        child.kill("SIGINT");
      }
      if (performance.now() - toldMs < SAY_MS) continue;
      toldMs = performance.now();
      const text = more.watch?.() ?? "at work";
      this.place.say(`  ${name}, ${((toldMs - started) / 1000).toFixed(0)} s: ${text}`);
    }
    const code = await child.exited;
    await reading;
    this.children.delete(child);
    if (Number.isNaN(seconds)) {
      seconds = (performance.now() - started) / 1000;
      if (code !== 0 && code !== 3) throw new Error(`${name} ended with ${code}: ${said}`);
    }
    const used = child.resourceUsage();
    const cpuSeconds = Number(used?.cpuTime.total ?? 0n) / 1e6;
    return { seconds, cpuSeconds, peakMib: (used?.maxRSS ?? 0) / (1 << 20), said };
  }
}

function sampleOf(page: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)`, "m").exec(page)?.[1] ?? 0);
}

/** Answers of one row. */
export async function askRow(lake: string, sql: string): Promise<string[]> {
  const query = await LakeQuery.open(lake);
  try {
    for await (const { rows } of query.ask(sql)) return rows[0].map(String);
    return [];
  } finally {
    query.close();
  }
}

export async function digestsOf(lake: string): Promise<TableDigests> {
  const digests: Record<string, readonly string[]> = {};
  for (const [table, columns] of Object.entries(COLUMNS)) {
    const sql = `SELECT count(*), bit_xor(hash(${columns})), sum(hash(${columns}) % 65521) FROM ${table}`;
    digests[table] = await askRow(lake, sql);
  }
  return digests;
}

/** Names of the columns that two lakes do not agree on, `events.flags`. */
export async function differences(one: string, other: string): Promise<string[]> {
  const found: string[] = [];
  for (const [table, columns] of Object.entries(COLUMNS)) {
    for (const column of columns.split(", ")) {
      const sql = `SELECT bit_xor(hash(stream, epoch, sequence, row, ${column})) FROM ${table}`;
      const [ours, theirs] = [await askRow(one, sql), await askRow(other, sql)];
      if (ours[0] !== theirs[0]) found.push(`${table}.${column}`);
    }
  }
  return found;
}

/** The same of the tables as `wireAccount` of the exchange's bytes. */
export async function lakeAccount(lake: string): Promise<Omit<WireAccount, "messages">> {
  const sums = async (from: string) => {
    const sql = `SELECT count(*), sum(size), CAST(sum(price) * 100 AS BIGINT) FROM ${from}`;
    const [count, quantity, price] = (await askRow(lake, sql)).map(Number);
    return { count, quantity, price };
  };
  const [last] = await askRow(lake, "SELECT max(sequence) FROM events");
  return {
    lastNumber: Number(last),
    placed: await sums("events WHERE action IN ('A', 'M')"),
    traded: await sums("trades WHERE action = 'T'"),
  };
}
