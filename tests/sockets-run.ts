/**
 * Edge: one day of a simulated exchange through real processes on loopback: `sim serve`, `collect`,
 * Mosquitto and `book`, of which all but the exchange are killed as `kill -9` does and started again
 * at once. Its restart would end the day: what goes wrong with it is the simulator's part. Serves
 * the small test and the full proof.
 *
 *   sim serve ─► multicast ─► collect ─► Mosquitto ─► book ─► HTTP ─► what the verdict reads
 *        └─ tick recovery, snapshots ─┘
 */
import { join } from "node:path";
import type { LevelJson } from "../book/live-json.ts";
import type { StreamJson } from "../book/live-status.ts";
import type { Certificate } from "../streams/certificate.ts";
import { lastNumberUnder } from "./chunk-files.ts";
import { csvRows, edgebook } from "./cli-run.ts";
import { freePort } from "./live-mqtt-broker.ts";
import { planOf, type SocketsPlan, type Victim } from "./sockets-plan.ts";
import {
  edgebookProcess,
  mosquittoProcess,
  type Restartable,
  scratchFolder,
} from "./sockets-processes.ts";
import { until } from "./until.ts";

export interface Gap {
  readonly state: string;
  readonly stream: number;
  readonly from: string;
  readonly to: string;
  readonly repaired_by: string | null;
}

/** What the service says at the end. */
export interface Served {
  readonly streams: readonly StreamJson[];
  readonly gaps: readonly Gap[];
  readonly lostChunks: readonly object[];
  readonly certificates: readonly Certificate[];
  /** Ten levels a side, as text; by token. */
  readonly books: ReadonlyMap<string, string>;
}

/** What the auditor says. */
export interface Expected {
  /** Last number of each stream. */
  readonly last: ReadonlyMap<number, number>;
  readonly books: ReadonlyMap<string, string>;
}

export interface SocketsRun {
  readonly plan: SocketsPlan;
  readonly served: Served;
  readonly expected: Expected;
  /** Everything of the day was at the centre and valid so long after the last kill or message. */
  readonly settledMs: number;
  /** Processes that had ended by themselves before the end. */
  readonly dead: readonly string[];
  /** What the processes said, for a complaint. */
  readonly words: string;
}

const STREAMS = 2;
const SETTLE_MS = 60_000;
const LOOK_MS = 50;
const DEPTH = 10;
const FEED = "nse-fo";
/** What each says when it can be relied on. */
const READY: Readonly<Record<Victim, string>> = {
  broker: "running",
  book: "books at",
  collector: "collecting",
  "second collector": "collecting",
};

interface Processes {
  readonly api: string;
  readonly exchange: Restartable;
  readonly victims: ReadonlyMap<Victim, Restartable>;
  /** Folder of the collectors' spools. */
  readonly spools: string;
}

export function socketsRun(plan: SocketsPlan): Promise<SocketsRun> {
  return dayOf(plan, async (processes) => {
    const { exchange, victims } = processes;
    for (const victim of victims.values()) victim.start();
    await Promise.all([...victims].map(([name, process]) => process.says(READY[name])));
    exchange.start();
    await exchange.says("serving");
    await killAll(plan, processes);
  });
}

/**
 * A collector that nobody took anything from, and that has nobody to ask, is killed after the last
 * message: what it brought stands in its spool alone.
 */
export function spoolRun(seed: number): Promise<SocketsRun> {
  const calm = { kills: [], lossPercent: 0, collectors: 1, asksExchange: false } as const;
  const plan: SocketsPlan = { ...planOf(seed), ...calm, tradingMs: 1500 };
  return dayOf(plan, async ({ exchange, victims, spools }, { last }) => {
    const collector = victims.get("collector") as Restartable;
    collector.start();
    await collector.says(READY.collector);
    exchange.start();
    await exchange.says("serving");
    await until(
      () => [...last].every(([stream, number]) => lastNumberUnder(spools, stream) === number),
      "the last messages in the spool",
    );
    await collector.killAndStart();
    for (const [name, victim] of victims) if (name !== "collector") victim.start();
  });
}

/** The processes of a plan, what is done with them, and what came of it. */
async function dayOf(
  plan: SocketsPlan,
  act: (processes: Processes, expected: Expected) => Promise<void>,
): Promise<SocketsRun> {
  const folder = scratchFolder();
  const processes = await prepare(plan, folder.path);
  const all = [processes.exchange, ...processes.victims.values()];
  try {
    const expected = await expectedOf(plan);
    await act(processes, expected);
    const startMs = performance.now();
    await settle(processes, expected);
    const settledMs = performance.now() - startMs;
    const served = await servedBy(processes.api, expected);
    const dead = all.filter(({ isUp }) => !isUp).map(({ name }) => name);
    const words = all.map(({ lastWords }) => lastWords).join("");
    return { plan, served, expected, settledMs, dead, words };
  } finally {
    // Whoever sends goes before whom it sends to, and waits for nobody.
    for (const each of [...all].reverse()) await each.stop();
    folder.remove();
  }
}

/** The exchange of a plan, in the words of `sim serve` and `sim expect`. */
function exchangeWords({ seed, tradingMs }: SocketsPlan): string[] {
  return [
    ...["--seed", `${seed}`, "--streams", `${STREAMS}`, "--instruments", "40"],
    ...["--rate", "1500", "--orders", "400", "--duration", `${tradingMs}ms`],
  ];
}

async function prepare(plan: SocketsPlan, folder: string): Promise<Processes> {
  const ports = await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort()]);
  const [group, recovery, snapshot, http, mqtt] = ports.map(String);
  const joins = Array.from({ length: STREAMS }, (_, at) => [
    ...["--join", `239.255.70.${at + 1}:${group}=${at + 1}/A`],
    ...["--join", `239.255.71.${at + 1}:${group}=${at + 1}/B`],
  ]).flat();
  const loss = `${plan.lossPercent}%`;
  const collector = (name: string) =>
    edgebookProcess(
      name,
      ...["collect", "--feed", FEED, "--interface", "127.0.0.1", ...joins],
      ...(plan.asksExchange
        ? ["--recovery", `127.0.0.1:${recovery}`, "--snapshot", `127.0.0.1:${snapshot}`]
        : []),
      ...["--name", name.replace(" ", "-"), "--to", `mqtt://127.0.0.1:${mqtt}`],
      ...["--spool", join(folder, "spools", name)],
      ...(plan.capture === "socket" ? ["--capture", "socket"] : []),
    );
  const victims = new Map<Victim, Restartable>([
    ["broker", mosquittoProcess(Number(mqtt), folder)],
    [
      "book",
      edgebookProcess(
        "book",
        ...["book", "--from", `mqtt://127.0.0.1:${mqtt}`, "--http", `127.0.0.1:${http}`],
      ),
    ],
    ["collector", collector("collector")],
  ]);
  if (plan.collectors === 2) victims.set("second collector", collector("second collector"));
  return {
    api: `http://127.0.0.1:${http}`,
    spools: join(folder, "spools"),
    exchange: edgebookProcess(
      "exchange",
      ...["sim", "serve", ...exchangeWords(plan), "--linger", "120s", "--port", `${group}`],
      ...["--loss-a", loss, "--loss-b", loss, "--snapshot-period", "1500ms"],
      ...["--recovery-port", `${recovery}`, "--snapshot-port", `${snapshot}`],
    ),
    victims,
  };
}

/** Kills in their turn; returns when the last was done and the exchange has sent its last message. */
async function killAll({ kills, tradingMs }: SocketsPlan, processes: Processes): Promise<void> {
  const startMs = performance.now();
  const sleepUntil = async (ms: number) => {
    const leftMs = startMs + ms - performance.now();
    if (leftMs > 0) await Bun.sleep(leftMs);
  };
  for (const { victim, atMs } of kills) {
    await sleepUntil(atMs);
    await processes.victims.get(victim)?.killAndStart();
  }
  await sleepUntil(tradingMs);
}

/** Waits until every stream stands at its last number, with nothing open and nothing in doubt. */
async function settle({ api }: Processes, { last }: Expected): Promise<void> {
  for (const end = performance.now() + SETTLE_MS; performance.now() < end; ) {
    const found = await streamsOf(api);
    const whole = found.filter(
      ({ stream, state, position, doubtful, held_messages }) =>
        state === "live" &&
        !doubtful &&
        held_messages === 0 &&
        position === String(last.get(stream)),
    );
    if (whole.length === last.size && found.length === last.size) return;
    await Bun.sleep(LOOK_MS);
  }
}

/** None while the service is not there. */
async function streamsOf(api: string): Promise<readonly StreamJson[]> {
  try {
    return (await ask<{ streams: StreamJson[] }>(`${api}/v1/streams`)).streams;
  } catch {
    return [];
  }
}

async function servedBy(api: string, expected: Expected): Promise<Served> {
  const streams = await streamsOf(api);
  const { gaps, lost_chunks: lostChunks } = await ask<{ gaps: Gap[]; lost_chunks: object[] }>(
    `${api}/v1/gaps`,
  );
  const { dates } = await ask<{ dates: string[] }>(`${api}/v1/certificates`);
  const certificates: Certificate[] = [];
  for (const date of dates) {
    const url = `${api}/v1/certificates/${date}`;
    certificates.push(...(await ask<{ certificates: Certificate[] }>(url)).certificates);
  }
  const books = new Map<string, string>();
  for (const token of expected.books.keys()) books.set(token, await bookAt(api, token));
  return { streams, gaps, lostChunks, certificates, books };
}

async function ask<T>(url: string): Promise<T> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

const EMPTY = "|";
const levelText = (price: string, size: number | string, orders: number | string) =>
  `${price}x${size}(${orders})`;

/** Empty too of an instrument that the service has not heard of. */
async function bookAt(api: string, token: string): Promise<string> {
  const url = `${api}/v1/books/${FEED}/${encodeURIComponent(token)}?depth=${DEPTH}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (answer.status === 404) return EMPTY;
  const { bids, asks } = (await answer.json()) as { bids: LevelJson[]; asks: LevelJson[] };
  const side = (levels: LevelJson[]) =>
    levels.map(({ price, size, orders }) => levelText(price, size, orders)).join(" ");
  return `${side(bids)}${EMPTY}${side(asks)}`;
}

async function expectedOf(plan: SocketsPlan): Promise<Expected> {
  const words = ["sim", "expect", ...exchangeWords(plan), "--final", "--format", "csv"];
  const { code, out, err } = await edgebook(words);
  if (code !== 0) throw new Error(`sim expect ended with ${code}: ${err}`);
  const last = new Map<number, number>();
  const books = new Map<string, string>();
  for (const row of csvRows(out)) {
    last.set(Number(row.stream), Number(row.sequence));
    const side = (name: "bid" | "ask") =>
      Array.from({ length: DEPTH }, (_, at) => `0${at}`)
        .filter((at) => row[`${name}_px_${at}`] !== "")
        .map((at) =>
          levelText(
            `${row[`${name}_px_${at}`]}`,
            `${row[`${name}_sz_${at}`]}`,
            `${row[`${name}_ct_${at}`]}`,
          ),
        )
        .join(" ");
    books.set(`${row.token}`, `${side("bid")}${EMPTY}${side("ask")}`);
  }
  return { last, books };
}
