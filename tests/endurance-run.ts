/**
 * Edge: a collector and a book service around a Mosquitto with its default limits, under steady
 * traffic, while one of the two behind the collector stands still for a while. Every process is what
 * users run. Serves the small test and the full proof.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freeGroup, freePort, type Mosquitto, startMosquittoWith } from "./live-mqtt-broker.ts";
import { lastJson, type Running, startFor } from "./live-run.ts";
import { processSeconds } from "./thread-times.ts";

/**
 * Who stands still: the broker is ended and started again, the book service is stopped (SIGSTOP). `both`:
 * the broker is back before the service, so that what it is brought first it gives to nobody.
 */
export type Pause = "broker" | "book" | "both" | "nobody";

export interface EnduranceOptions {
  readonly pause: Pause;
  readonly pauseSeconds: number;
  /** Traffic before and behind the pause. */
  readonly aroundSeconds: number;
  /** Datagrams a second. */
  readonly rate: number;
  /** How long the books may take to have all. */
  readonly drainSeconds: number;
}

/** Resident memory of a process, MiB: before the pause, at its end, at the very end, and the peak. */
export interface Memory {
  readonly before: number;
  readonly paused: number;
  readonly after: number;
  readonly peak: number;
}

export interface EnduranceRun {
  readonly options: EnduranceOptions;
  readonly sent: number;
  readonly sentRate: number;
  /** Datagrams that this host's kernel dropped before the collector could take them. */
  readonly kernelDrops: number;
  readonly served: number;
  readonly lost: number;
  readonly doubtful: boolean;
  /** From the end of the pause until the books had caught up with what was being sent. */
  readonly drainSeconds: number;
  /** Chunks that the books did not have when the pause ended, and chunks sent again. */
  readonly behindChunks: number;
  readonly resent: number;
  readonly missed: number;
  readonly chunks: number;
  readonly spoolMiB: number;
  readonly memory: Readonly<Record<Process, Memory>>;
  /** Processor time of a datagram in each process, ns: all its threads, once it had warmed up. */
  readonly cpuNs: Readonly<Record<Process, number>>;
}

export type Process = "collector" | "book" | "broker";

const SIZE = 100;
const NAME = "endurance";
/** What is on its way is not behind: a second or so of chunks. */
const ON_ITS_WAY_CHUNKS = 32;
const MIB = 2 ** 20;
/** What is lost at the very end nobody ever sees: nothing comes after it. */
const QUIET_MS = 10_000;
/** Nothing was sent for so long: the collector waits. Longer than its tries to reach the broker. */
const QUIET_SENDING_MS = 3000;
const SENDER = join(import.meta.dir, "../bench/receive-sender.ts");

interface StreamRow {
  readonly messages: number;
  readonly lost: number;
  readonly doubtful: boolean;
}

class Watched {
  private readonly samples: number[] = [];
  private pid: number;
  /** Processor time before the first sample, less that of former processes; s. */
  private cpuBefore = 0;

  constructor(pid: number) {
    this.pid = pid;
  }

  get cpuSeconds(): number {
    return processSeconds(this.pid) - this.cpuBefore;
  }

  /** The process has ended, or is about to: what it took is kept. */
  leave(): void {
    this.cpuBefore = -this.cpuSeconds;
  }

  /** The process was started anew; its samples go on. */
  moveTo(pid: number): void {
    this.pid = pid;
  }

  sample(): void {
    if (this.samples.length === 0) this.cpuBefore = processSeconds(this.pid);
    this.samples.push(this.now("VmRSS"));
  }

  get memory(): Memory {
    const [before = 0, paused = 0, after = 0] = this.samples;
    return { before, paused, after, peak: this.now("VmHWM") };
  }

  private now(field: string): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    const kib = Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0);
    return Math.round(kib / 1024);
  }
}

export async function enduranceRun(options: EnduranceOptions): Promise<EnduranceRun> {
  return new Endurance(options).run();
}

class Endurance {
  private readonly options: EnduranceOptions;
  private readonly folder = mkdtempSync(join(tmpdir(), "edgebook-endurance-"));
  private readonly started: Running[] = [];
  private readonly lifeMs: number;
  private broker: Mosquitto | undefined;
  private api = "";
  private status = "";

  constructor(options: EnduranceOptions) {
    this.options = options;
    const { pauseSeconds, aroundSeconds, drainSeconds } = options;
    this.lifeMs = (2 * aroundSeconds + pauseSeconds + drainSeconds + 120) * 1000;
  }

  async run(): Promise<EnduranceRun> {
    const onInterrupt = () => void this.clean().then(() => process.exit(130));
    process.once("SIGINT", onInterrupt);
    try {
      return await this.attempt();
    } finally {
      process.removeListener("SIGINT", onInterrupt);
      await this.clean();
    }
  }

  private async clean(): Promise<void> {
    for (const process of this.started.splice(0).reverse()) await end(process);
    await this.broker?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async attempt(): Promise<EnduranceRun> {
    const { options } = this;
    const port = await freePort();
    this.broker = await startMosquittoWith(port, "allow_anonymous true\n");
    const url = `mqtt://127.0.0.1:${port}`;
    const book = this.begin("book", "--from", url, "--http", "127.0.0.1:0");
    this.api = await book.hears(/books at (http:\S+)/);
    const group = freeGroup();
    const collector = this.begin(...this.collectWords(group, url));
    await collector.says("collecting");
    this.status = await collector.hears(/status at (http:\S+)/);
    const watched = {
      collector: new Watched(collector.pid),
      book: new Watched(book.pid),
      broker: new Watched(this.broker.pid),
    };
    const sample = () => {
      for (const one of Object.values(watched)) one.sample();
    };
    const sender = this.startSender(group);
    await Bun.sleep(options.aroundSeconds * 1000);
    sample();
    const behindChunks = await this.pause(book, port, watched.broker, sample);
    const drainSeconds = await this.caughtUp(performance.now());
    const told = (await sender) as { sent: number; rate: number };
    const row = await this.settled(told.sent);
    sample();
    const of = <T>(each: (one: Watched) => T): Record<Process, T> => ({
      collector: each(watched.collector),
      book: each(watched.book),
      broker: each(watched.broker),
    });
    const memory = of((one) => one.memory);
    const { aroundSeconds, pauseSeconds } = options;
    const afterwards = (aroundSeconds + pauseSeconds) / (2 * aroundSeconds + pauseSeconds);
    const cpuNs = of((one) => Math.round((one.cpuSeconds * 1e9) / (told.sent * afterwards)));
    const stats = lastJson((await collector.interrupt()).err) as unknown as CollectorStats;
    return {
      options,
      ...{ sent: told.sent, sentRate: told.rate },
      kernelDrops: stats.drops.kernelDatagrams,
      ...{ served: row?.messages ?? 0, lost: row?.lost ?? 0, doubtful: row?.doubtful ?? true },
      ...{ drainSeconds, behindChunks, resent: stats.sinks[0].resent },
      ...{ missed: stats.sinks[0].missed, chunks: stats.chunks },
      spoolMiB: Math.round(stats.spool.bytes / MIB),
      ...{ memory, cpuNs },
    };
  }

  private begin(...words: string[]): Running {
    const process = startFor(this.lifeMs, ...words);
    this.started.push(process);
    return process;
  }

  private collectWords(group: string, url: string): string[] {
    const [address, port] = group.split(":");
    const config = join(this.folder, "collector.toml");
    writeFileSync(
      config,
      `receive_buffer_mib = 256\n[[channel]]\ngroup = "${address}"\nport = ${port}\n` +
        'feed = "sequenced"\nstream = 1\nline = "A"\noffset = 0\nwidth = 8\n' +
        'endianness = "little"\n',
    );
    // Datagrams handed to the kernel as one are cut for sockets, and not for a ring on loopback.
    const wire = ["--interface", "lo", "--capture", "socket"];
    const kept = ["--spool", join(this.folder, "spool"), "--name", NAME, "--stats"];
    kept.push("--http", "127.0.0.1:0");
    return ["collect", "--config", config, ...wire, "--to", url, ...kept];
  }

  private startSender(group: string): Promise<unknown> {
    const { pauseSeconds, aroundSeconds, rate } = this.options;
    const [address, port] = group.split(":");
    const count = Math.round((2 * aroundSeconds + pauseSeconds) * rate);
    const words = [
      process.execPath,
      SENDER,
      "lo",
      address,
      ...[port, SIZE, count, rate].map(String),
    ];
    const child = Bun.spawn(words, {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
      timeout: this.lifeMs,
    });
    return new Response(child.stdout).json();
  }

  /** @returns chunks that the centre lacked at the end of it */
  private async pause(
    book: Running,
    port: number,
    broker: Watched,
    sample: () => void,
  ): Promise<number> {
    const { pause, pauseSeconds } = this.options;
    const stopsBroker = pause === "broker" || pause === "both";
    const stopsBook = pause === "book" || pause === "both";
    if (stopsBook) process.kill(book.pid, "SIGSTOP");
    if (stopsBroker) broker.leave();
    if (stopsBroker) await this.broker?.stop();
    await Bun.sleep(pauseSeconds * 1000);
    const behind = await this.unconfirmed();
    if (!stopsBroker) sample();
    if (stopsBroker) {
      this.broker = await startMosquittoWith(port, "allow_anonymous true\n");
      broker.moveTo(this.broker.pid);
      sample();
    }
    if (pause === "both") await this.sendsToNobody();
    if (stopsBook) process.kill(book.pid, "SIGCONT");
    return behind;
  }

  /** Until the collector has brought the broker all that it may without hearing of the centre. */
  private async sendsToNobody(): Promise<void> {
    let before = Number.NaN;
    for (let sent = 0; sent !== before || sent === 0; ) {
      before = sent;
      await Bun.sleep(QUIET_SENDING_MS);
      ({ sent } = await this.sink());
    }
  }

  private async row(): Promise<StreamRow | undefined> {
    const answer = await fetch(`${this.api}/v1/streams`, { signal: AbortSignal.timeout(20_000) });
    return ((await answer.json()) as { streams: StreamRow[] }).streams[0];
  }

  /** @returns seconds until the books had all but what was on its way */
  private async caughtUp(sinceMs: number): Promise<number> {
    for (;;) {
      const seconds = (performance.now() - sinceMs) / 1000;
      if ((await this.unconfirmed()) <= ON_ITS_WAY_CHUNKS) return seconds;
      if (seconds > this.options.drainSeconds) return Number.POSITIVE_INFINITY;
      await Bun.sleep(100);
    }
  }

  /** Chunks that the centre has not said to have. */
  private async unconfirmed(): Promise<number> {
    return (await this.sink()).unconfirmed;
  }

  private async sink(): Promise<{ unconfirmed: number; sent: number }> {
    const answer = await fetch(`${this.status}/v1/collector`, {
      signal: AbortSignal.timeout(20_000),
    });
    const { sinks } = (await answer.json()) as { sinks: { unconfirmed: number; sent: number }[] };
    return sinks[0];
  }

  /** The stream's row when all but the number 0 is there or given up, or when nothing comes any more. */
  private async settled(sent: number): Promise<StreamRow | undefined> {
    let row: StreamRow | undefined;
    let known = 0;
    let changedMs = performance.now();
    do {
      await Bun.sleep(200);
      row = await this.row();
      const now = (row?.messages ?? 0) + (row?.lost ?? 0);
      if (now > known) changedMs = performance.now();
      known = now;
    } while (known < sent - 1 && performance.now() - changedMs < QUIET_MS);
    return row;
  }
}

interface CollectorStats {
  readonly chunks: number;
  readonly drops: { readonly kernelDatagrams: number };
  readonly spool: { readonly bytes: number };
  readonly sinks: readonly { readonly resent: number; readonly missed: number }[];
}

/** One that was stopped has to go on before it can end. */
async function end(process_: Running): Promise<void> {
  try {
    process.kill(process_.pid, "SIGCONT");
  } catch {}
  await process_.interrupt();
}
