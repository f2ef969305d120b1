/**
 * Edge: a book service under load that is killed (`kill -9`) again and again and begun again on the
 * same directory, and what its books are in the end beside those of a run that nothing broke. Serves
 * the small test and the full proof.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Live } from "../book/live.ts";
import { LiveApi } from "../book/live-api.ts";
import { Forwarder } from "../collector/forwarder.ts";
import { Random } from "../faults/random.ts";
import { Spool } from "../frames/spool.ts";
import { MqttChunkSink } from "../frames/transport-mqtt.ts";
import { openZstd } from "../frames/zstd.ts";
import { type Running, startFor } from "./live-run.ts";
import { LoadMaker } from "./load-chunks.ts";

export interface CrashOptions {
  readonly seed: number;
  readonly kills: number;
  /** Undefined: the books are in the service's one thread. */
  readonly shards: number | undefined;
  readonly liveOrders: number;
  readonly instruments: number;
  readonly messagesPerSecond: number;
  readonly messagesPerChunk: number;
  readonly saveEvery: string;
  /** Time between being back and the next kill, ms: at least, and as much more at random. */
  readonly lifeMs: readonly [least: number, more: number];
  readonly onKill?: (kill: number, backMs: number) => void;
}

export interface CrashRun {
  readonly messages: number;
  readonly liveOrders: number;
  /** From each kill to books that have everything that there was at the kill, ms. */
  readonly backMs: readonly number[];
  /** Books compared, and those that differ. */
  readonly books: number;
  readonly different: readonly string[];
}

const BACK_LIMIT_MS = 120_000;
/** Of one life, the first included, in which all orders are built up. */
const LIFE_MS_LIMIT = 900_000;

interface Rows {
  readonly streams: readonly {
    readonly stream: number;
    readonly state: string;
    readonly position: string | null;
    readonly live_orders: number;
  }[];
}

export async function crashRun(options: CrashOptions): Promise<CrashRun> {
  const folder = mkdtempSync(join(tmpdir(), "edgebook-crash-"));
  const random = new Random(options.seed, 1);
  const load = new Load(options, folder, await freePort());
  const service = new Service(options, folder, load.brokerPort, await freePort());
  const backMs: number[] = [];
  try {
    await service.begin();
    load.connect();
    await load.build();
    await service.has(load.sent);
    load.run();
    for (let kill = 1; kill <= options.kills; kill++) {
      const [least, more] = options.lifeMs;
      await Bun.sleep(least + random.below(more + 1));
      const sent = [...load.sent];
      const killedMs = performance.now();
      await service.kill();
      await service.begin();
      await service.has(sent);
      backMs.push(performance.now() - killedMs);
      options.onKill?.(kill, backMs[backMs.length - 1]);
    }
    await load.stop();
    await service.has(load.sent);
    const { different, books } = await differences(service, load);
    const { streams } = await service.streams();
    const liveOrders = streams.reduce((sum, row) => sum + row.live_orders, 0);
    return { messages: load.messages, liveOrders, backMs, books, different };
  } finally {
    await load.close();
    await service.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The collector's side: chunks at a rate, a spool, a forwarder; and the run that nothing breaks. */
class Load {
  readonly brokerPort: number;
  readonly oracle = new Live({ zstd: openZstd(), ask() {} });
  readonly maker: LoadMaker;
  /** Last number offered, by stream from 1. */
  readonly sent: number[] = [0];
  private readonly spool: Spool;
  private readonly options: CrashOptions;
  private readonly startMs = Date.now();
  private forwarder: Forwarder | undefined;
  private running = false;
  private ended: Promise<void> = Promise.resolve();

  constructor(options: CrashOptions, folder: string, brokerPort: number) {
    const { seed, instruments, liveOrders, messagesPerChunk } = options;
    this.options = options;
    this.brokerPort = brokerPort;
    this.spool = new Spool(join(folder, "spool"));
    const boot = this.startMs;
    const made = { seed, instruments, liveOrders, messagesPerChunk };
    this.maker = new LoadMaker({ ...made, streams: 2, collector: "load", boot });
  }

  get messages(): number {
    return this.maker.messages;
  }

  connect(): void {
    const url = `mqtt://127.0.0.1:${this.brokerPort}`;
    const sink = new MqttChunkSink(url, { clientName: "load", onStatus() {} });
    this.forwarder = new Forwarder(sink, this.startMs, this.spool);
  }

  async build(): Promise<void> {
    for (let made = 0; made < this.maker.buildUp; made++) {
      this.offer();
      if (made % 4 === 3) await Bun.sleep(0);
    }
  }

  run(): void {
    this.running = true;
    this.ended = this.pace();
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.ended;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.forwarder?.close(0);
    this.spool.close();
  }

  private async pace(): Promise<void> {
    const { messagesPerSecond, messagesPerChunk } = this.options;
    const everyMs = (messagesPerChunk / messagesPerSecond) * 1000;
    let dueMs = performance.now();
    while (this.running) {
      this.offer();
      dueMs = Math.max(dueMs + everyMs, performance.now() - 1000);
      await Bun.sleep(Math.max(0, dueMs - performance.now()));
    }
  }

  private offer(): void {
    const nowMs = Date.now();
    const chunk = this.maker.next(Math.floor(nowMs / 1000), (nowMs % 1000) * 1e6);
    this.spool.append(chunk);
    this.forwarder?.offer(chunk);
    this.oracle.push(chunk.bytes, nowMs * 1e6);
    this.sent[chunk.header.stream] = chunk.header.lastSequence;
  }
}

/** The process that is killed. */
class Service {
  private readonly words: readonly string[];
  private readonly url: string;
  private running: Running | undefined;

  constructor(options: CrashOptions, folder: string, brokerPort: number, httpPort: number) {
    this.url = `http://127.0.0.1:${httpPort}`;
    const words = ["book", "--broker", `127.0.0.1:${brokerPort}`];
    words.push("--http", `127.0.0.1:${httpPort}`, "--state", join(folder, "state"));
    words.push("--save-every", options.saveEvery);
    if (options.shards !== undefined) words.push("--shards", String(options.shards));
    this.words = words;
  }

  async begin(): Promise<void> {
    this.running = startFor(LIFE_MS_LIMIT, ...this.words);
    await this.running.says("books at");
  }

  async kill(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    if (running === undefined) return;
    process.kill(running.pid, "SIGKILL");
    await running.ended();
  }

  async json<T>(path: string): Promise<T> {
    return (await (await fetch(this.url + path)).json()) as T;
  }

  streams(): Promise<Rows> {
    return this.json<Rows>("/v1/streams");
  }

  /** Resolves when the books stand at these numbers, or behind them, and are no longer old. */
  async has(sent: readonly number[]): Promise<void> {
    const end = performance.now() + BACK_LIMIT_MS;
    for (;;) {
      const { streams } = await this.streams();
      const isThere = sent.every((last, stream) => {
        if (stream === 0) return true;
        const row = streams.find((each) => each.stream === stream);
        return row?.state === "live" && Number(row.position) >= last;
      });
      if (isThere) return;
      if (performance.now() > end) throw new Error(`not back: ${JSON.stringify(streams)}`);
      await Bun.sleep(10);
    }
  }
}

/** Every book, 1,000 levels of it, and the queue of its best bid. */
async function differences(service: Service, load: Load) {
  const oracle = new LiveApi(load.oracle);
  const different: string[] = [];
  let books = 0;
  for (const token of load.maker.tokens) {
    if (load.oracle.find("nse-fo", token) === undefined) continue;
    books++;
    const truth = oracle.book("nse-fo", token, "1000") as { bids: { price: string }[] };
    const path = `/v1/books/nse-fo/${token}`;
    const wanted: unknown[] = [truth];
    const found: unknown[] = [await service.json(`${path}?depth=1000`)];
    const best = truth.bids[0]?.price;
    if (best !== undefined) {
      wanted.push(oracle.queue("nse-fo", token, "B", best));
      found.push(await service.json(`${path}/queue?side=B&price=${best}`));
    }
    if (!Bun.deepEquals(found, wanted)) different.push(token);
  }
  return { different, books };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
