/** Edge: `edgebook stat`: what a running collector or book service is doing, in a terminal. */
import type { CollectorStatus } from "../../collector/status.ts";
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { printOut } from "../output.ts";
import { tokenHeaders } from "../service-token.ts";
import { type BookStream, type Look, statLines } from "../stat-view.ts";

const ANSWER_MS = 5_000;
const USUAL = "http://127.0.0.1:8080";

export const command: Command = {
  args: { placeholder: "[URL]", atLeast: 0, atMost: 1 },
  flags: [
    {
      name: "interval",
      kind: "duration",
      placeholder: "TIME",
      fallback: "1s",
      doc: "How often it looks.",
    },
    {
      name: "count",
      kind: "integer",
      placeholder: "N",
      fallback: "0",
      doc: "Ends after so many looks; 0 goes on until Ctrl-C. Rates need two.",
    },
    { name: "json", kind: "boolean", doc: "One line of JSON a look: the answers as they came." },
  ],
  help:
    "Asks a running book service, or a collector that was started with --http, how it is doing: " +
    "streams, rates, gaps, drops by cause, lag, spool and compression. In a terminal the view " +
    "is refreshed in its place; in a pipe each look is a block of plain lines.",
  examples: [
    ["edgebook stat", `the book service at ${USUAL}`],
    ["edgebook stat http://127.0.0.1:8081", "a collector with --http 127.0.0.1:8081"],
    ["edgebook stat --count 2 --interval 5s", "two looks, rates over five seconds, then the end"],
  ],
  async run({ flags, args, signal }) {
    const base = baseOf(args[0] ?? USUAL);
    const intervalMs = (flags.durationNs("interval") ?? 1e9) / 1e6;
    const looks = flags.integer("count") ?? 0;
    const inPlace = process.stdout.isTTY === true && !flags.on("json");
    let before: Look | undefined;
    for (let done = 0; !signal.aborted; ) {
      const now = await look(base, signal);
      if (flags.on("json")) printOut(`${JSON.stringify(plain(now))}\n`);
      else show(statLines(base, now, before), inPlace);
      before = now;
      done++;
      if (looks > 0 && done >= looks) break;
      await slept(intervalMs, signal);
    }
    return Exit.Done;
  },
};

function baseOf(text: string): string {
  const url = /^[a-z]+:\/\//.test(text) ? text : `http://${text}`;
  if (URL.canParse(url)) return url.replace(/\/+$/, "");
  throw new CliError("bad_argument", `'${text}' is no address.`, `Write it as ${USUAL}.`);
}

/** A book service has streams; a collector says what it is. */
async function look(base: string, signal: AbortSignal): Promise<Look> {
  const collector = await answer(base, "/v1/collector", signal);
  const atMs = performance.now();
  if (collector.ok) {
    return { kind: "collector", atMs, status: JSON.parse(collector.text) as CollectorStatus };
  }
  const [streams, metrics, version] = await Promise.all(
    ["/v1/streams", "/metrics", "/version"].map((path) => answer(base, path, signal)),
  );
  if (!streams.ok) {
    throw new CliError(
      "service_refused",
      `What answers at ${base} is neither a book service nor a collector.`,
      "Give the address of --http of 'edgebook book' or 'edgebook collect'.",
    );
  }
  return {
    kind: "book",
    atMs,
    version: String((JSON.parse(version.text) as { version?: unknown }).version ?? ""),
    streams: (JSON.parse(streams.text) as { streams: BookStream[] }).streams,
    metrics: numbersOf(metrics.text),
  };
}

async function answer(base: string, path: string, signal: AbortSignal) {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    const response = await fetch(base + path, { signal: limit, headers: tokenHeaders() });
    return { ok: response.ok, text: await response.text() };
  } catch (cause) {
    if (signal.aborted) throw new CliError("interrupted", "interrupted");
    throw new CliError(
      "service_unreachable",
      `Nothing answers at ${base}: ${(cause as Error).message}`,
      "Start 'edgebook book', or 'edgebook collect' with --http HOST:PORT, or check the address.",
      cause,
    );
  }
}

/** The numbers without labels of a Prometheus page. */
function numbersOf(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/^(edgebook_\w+) (\S+)$/gm)) {
    found.set(name, Number(value));
  }
  return found;
}

function plain(now: Look): object {
  return now.kind === "collector"
    ? now.status
    : { ...now, metrics: Object.fromEntries(now.metrics) };
}

function show(lines: readonly string[], inPlace: boolean): void {
  // Home, each line cleared to its end, then everything below: nothing flickers.
  if (inPlace) printOut(`\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
  else printOut(`${lines.join("\n")}\n\n`);
}

async function slept(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
