/** Edge: `edgebook demo`: the whole product on one machine, from a simulated exchange to the page. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BookService, startService } from "../../book/service.ts";
import { parseAddress } from "../../book/service-error.ts";
import { parseMasters } from "../../feed/nse/masters.ts";
import { CHUNK_FILE_ENDING } from "../../frames/transport-dir.ts";
import packageFile from "../../package.json" with { type: "json" };
import { pageFiles } from "../../web/bundle.ts";
import { type Command, NO_ARGUMENTS } from "../command.ts";
import { DemoMarket } from "../demo-market.ts";
import { DemoProcess } from "../demo-process.ts";
import { CliError, Exit } from "../errors.ts";
import type { FlagValues } from "../flag-values.ts";
import { printErr, printOut } from "../output.ts";
import { aborted } from "./book.ts";

const STATUS_MS = 1000;
/** In a pipe a line now and then is enough. */
const QUIET_STATUS_MS = 10_000;
const SPOOL_LOOK_MS = 250;

export const command: Command = {
  args: NO_ARGUMENTS,
  flags: [
    {
      name: "http",
      kind: "text",
      placeholder: "HOST:PORT",
      fallback: "127.0.0.1:8080",
      doc: "Where the page listens.",
    },
    { name: "seed", kind: "integer", fallback: "1", doc: "What the exchange does, all of it." },
    { name: "rate", kind: "integer", fallback: "2000", doc: "Messages a second, on average." },
    { name: "streams", kind: "integer", fallback: "3", doc: "Streams, each on two lines." },
    { name: "instruments", kind: "integer", fallback: "240", doc: "Instruments listed." },
    {
      name: "interface",
      kind: "text",
      placeholder: "NAME|IP",
      fallback: "127.0.0.1",
      doc: "Where the multicast goes; datagrams never leave the host.",
    },
  ],
  help:
    "Runs a simulated NSE exchange on loopback multicast with two lossy lines, a collector, an MQTT " +
    "broker, the book service and its page. The lines fill each other's gaps; what both lose is held " +
    "for a moment and asked of the exchange's tick recovery. After 8 seconds that takes stream 1 a " +
    "little longer. After 18 seconds it fails for the last stream, and so do snapshots: its books " +
    "are doubtful from about second 26 on, until a snapshot heals them some seconds later. " +
    "Ctrl-C ends it.",
  examples: [
    ["edgebook demo", "then open http://127.0.0.1:8080"],
    ["edgebook demo --rate 20000 --http 127.0.0.1:9000", "ten times busier, on another port"],
  ],
  async run({ flags, signal }) {
    const market = new DemoMarket(marketOptions(flags));
    const spool = mkdtempSync(join(tmpdir(), "edgebook-demo-"));
    let service: BookService | undefined;
    try {
      await market.listen();
      const around: DemoParts = {};
      service = await startDemoService(market, flags, around);
      return await runWith(market, service, spool, around, signal);
    } finally {
      await market.stop();
      await service?.close();
      rmSync(spool, { recursive: true, force: true });
    }
  },
};

/** What the page reaches through the service, as soon as it is there. */
interface DemoParts {
  collector?: DemoProcess;
  history?: DemoProcess;
}

async function startDemoService(
  market: DemoMarket,
  flags: FlagValues,
  around: DemoParts,
): Promise<BookService> {
  const masters = parseMasters(market.masters(), 2).byName;
  return startService({
    version: packageFile.version,
    from: [],
    broker: { host: "127.0.0.1", port: 0 },
    http: parseAddress("http", flags.text("http") ?? "127.0.0.1:8080"),
    page: await pageFiles(),
    consumer: "demo",
    decoderFor: () => ({ masters }),
    sequencer: { windowMessages: market.windowMessages },
    neighbours: {
      collectors: () => (around.collector?.url === undefined ? [] : [around.collector.url]),
      history: () => around.history?.url,
    },
    onStatus: (text) => printErr(`edgebook: ${text}\n`),
  });
}

async function runWith(
  market: DemoMarket,
  service: BookService,
  spool: string,
  around: DemoParts,
  signal: AbortSignal,
): Promise<number> {
  const collector = newProcess("collector", /collecting \d+ groups/, signal, [
    ...["collect", ...market.collectFlags(), "--http", "127.0.0.1:0"],
    ...["--name", "demo", "--to", service.brokerUrl ?? "", "--spool", spool, "--spool-gib", "1"],
  ]);
  around.collector = collector;
  const over = new AbortController();
  const died = collector.exited.then((code) => ({ code }));
  try {
    await collector.listening();
    market.start();
    void startHistory(spool, around, AbortSignal.any([signal, over.signal]));
    printOut(`edgebook demo: ${service.url}\n`);
    printOut("Ctrl-C ends it.\n");
    const status = statusLine(market, service);
    const end = await Promise.race([aborted(signal), died]);
    status.stop();
    if (end !== undefined) {
      const message = `The demo's collector ended by itself (exit code ${end.code}).`;
      throw new CliError("unexpected", message, "Its words stand above.");
    }
    return Exit.Done;
  } finally {
    over.abort();
    await market.stop();
    await Promise.all([collector.stop(), around.history?.stop()]);
  }
}

/** The page's Replay view plays what the collector has kept, as soon as that is anything. */
async function startHistory(spool: string, around: DemoParts, signal: AbortSignal) {
  const hasChunks = () => readdirSync(spool, { recursive: true }).some(isChunkFile);
  while (!signal.aborted && !(existsSync(spool) && hasChunks())) await Bun.sleep(SPOOL_LOOK_MS);
  if (signal.aborted) return;
  around.history = newProcess("history", /history at/, signal, [
    ...["replay", spool, "--feed", "nse-fo", "--serve", "127.0.0.1:0"],
  ]);
  around.history.listening().catch((error: Error) => {
    if (!signal.aborted) printErr(`edgebook: ${error.message}\n`);
  });
}

const isChunkFile = (name: string | Buffer): boolean => String(name).endsWith(CHUNK_FILE_ENDING);

function newProcess(name: string, listening: RegExp, signal: AbortSignal, words: string[]) {
  const onLine = (line: string) => {
    if (!signal.aborted) printErr(`${name}: ${line}\n`);
  };
  return new DemoProcess({ name, words, listening, onLine });
}

function marketOptions(flags: FlagValues) {
  const whole = (name: string, least: number, most: number) => {
    const value = flags.integer(name) ?? least;
    if (value < least || value > most) {
      const message = `'--${name}' is ${value}, not ${least} to ${most}.`;
      throw new CliError("bad_flag", message, `Write --${name} with a number in that range.`);
    }
    return value;
  };
  return {
    seed: flags.integer("seed") ?? 1,
    streams: whole("streams", 1, 18),
    instruments: whole("instruments", 1, 100_000),
    messagesPerSecond: whole("rate", 1, 100_000),
    networkInterface: flags.text("interface") ?? "127.0.0.1",
  };
}

/** Numbers that somebody had to ask the exchange for, as messages or within a snapshot. */
function recoveredOf(service: BookService): number {
  let recovered = 0;
  for (const { pipeline } of service.local?.live.feeds.values() ?? []) {
    recovered += pipeline.sequencer.ledger.recoveredNumbers;
  }
  return recovered;
}

/** One line that says how it goes: rewritten on a terminal, now and then elsewhere. */
function statusLine(market: DemoMarket, service: BookService): { stop(): void } {
  const isTerminal = process.stderr.isTTY === true;
  const timer = setInterval(
    () => {
      const streams = service.local?.streams().streams ?? [];
      const sum = (of: (stream: (typeof streams)[number]) => number) =>
        Math.round(streams.reduce((total, stream) => total + of(stream), 0));
      const doubtful = streams.filter((stream) => stream.doubtful).length;
      const text =
        `${sum((each) => each.messages_per_second)} messages/s, ` +
        `${sum((each) => each.messages)} in all, ${sum((each) => each.live_orders)} live orders; ` +
        `${market.dropped} datagrams dropped on the lines, ${recoveredOf(service)} numbers ` +
        `recovered, ${sum((each) => each.lost)} lost, ${doubtful} of ${streams.length} streams doubtful`;
      printErr(isTerminal ? `\r\x1b[K${text}` : `edgebook demo: ${text}\n`);
    },
    isTerminal ? STATUS_MS : QUIET_STATUS_MS,
  );
  return {
    stop() {
      clearInterval(timer);
      if (isTerminal) printErr("\n");
    },
  };
}
