/** Edge: the benchmarks of the engine: whole books, decode alone, and rows, each beside its yardstick. */
import { type BooksResult, measureBooks } from "./books.ts";
import { measureDecode } from "./decode.ts";
import type { BenchSize, Finding, NotRun } from "./finding.ts";
import { type MarketFile, marketFile } from "./market-files.ts";
import { measureRows, ROW_SCHEMAS } from "./rows.ts";
import { type YardstickFeed, yardstickObstacle } from "./yardstick.ts";

const FEEDS: readonly YardstickFeed[] = ["itch", "nse"];
const ITCH_INSTRUMENTS = 2000;
/** Messages of NSE's record day. */
const RECORD_DAY = 19.7e9;
/** The rows of a longer day say nothing new, and their bytes go through a pipe. */
const MOST_ROW_MESSAGES = 2_000_000;

function dayOf(feed: YardstickFeed, size: BenchSize): MarketFile {
  const instruments = feed === "itch" ? ITCH_INSTRUMENTS : size.instruments;
  const liveOrders = Math.min(450_000, Math.ceil(size.messages / 5));
  return marketFile(feed, size.messages, instruments, liveOrders);
}

export async function* booksRun(size: BenchSize): AsyncGenerator<Finding | NotRun> {
  const obstacle = yardstickObstacle();
  if (obstacle !== undefined) yield { bench: "books", obstacle };
  for (const feed of obstacle === undefined ? FEEDS : []) {
    yield booksFinding(await measureBooks(dayOf(feed, size), size.rounds));
  }
}

function booksFinding(result: BooksResult): Finding {
  const { feed, messages, instruments, liveOrders, ours, yardstick, plain } = result;
  const notes = [
    `${messages} messages, ${instruments} instruments, ${liveOrders} live orders at the end, ` +
      `${result.changes} changes of best prices, ${result.peakBytes >> 20} MiB`,
    `CPU of all threads: ${ours.cpu.toFixed(1)} ns a message, C++ ${yardstick.cpu.toFixed(1)} ` +
      `(ratio ${(ours.cpu / yardstick.cpu).toFixed(2)}); C++ without its look ahead: ` +
      `${plain.wall.toFixed(1)} ns of the wall, ${plain.cpu.toFixed(1)} of CPU`,
  ];
  if (feed === "nse-fo") notes.push(recordDay(ours.wall));
  return {
    bench: "books",
    what: `${feed}, file to books with best prices, one thread`,
    value: ours.wall,
    unit: "ns a message",
    yardstick: { name: "C++", value: yardstick.wall },
    digest: result.digest,
    isRight: result.same,
    notes,
  };
}

function recordDay(nsPerMessage: number): string {
  const minutes = (RECORD_DAY * nsPerMessage) / 60e9;
  return (
    `a record day of 19.7 billion messages takes ${minutes.toFixed(0)} minutes on this machine, ` +
    "on one core; the exchange needs 375"
  );
}

export async function* decodeRun(size: BenchSize): AsyncGenerator<Finding | NotRun> {
  const obstacle = yardstickObstacle();
  if (obstacle !== undefined) yield { bench: "decode", obstacle };
  for (const feed of obstacle === undefined ? FEEDS : []) {
    // More than this only fills memory: a decoder keeps nothing.
    const messages = Math.min(size.messages, 2_000_000);
    const result = measureDecode(dayOf(feed, { ...size, messages }), size.isQuick ? 2 : 15);
    yield {
      bench: "decode",
      what: `${result.feed}, framing and decode alone`,
      value: result.nsPerMessage,
      unit: "ns a message of CPU",
      yardstick: { name: "C++ parse", value: result.yardstickNsPerMessage },
      digest: result.digest,
      isRight: result.digest === result.yardstickDigest,
      notes: [`${result.messages} messages; ours looks every instrument up, the parser does not`],
    };
  }
}

export async function* rowsRun(size: BenchSize): AsyncGenerator<Finding | NotRun> {
  const messages = Math.min(size.messages, MOST_ROW_MESSAGES);
  const day = dayOf("itch", { ...size, messages });
  const words = ["--date", "2025-05-28"];
  const schemas = size.isQuick ? (["mbp-10"] as const) : ROW_SCHEMAS;
  for await (const result of measureRows(day.path, "nasdaq-itch50", words, schemas)) {
    const { rows, seconds, bytes, cpuSeconds } = result;
    yield {
      bench: "rebuild",
      what: `${result.schema} as ${result.format}, whole process`,
      value: rows / seconds,
      unit: "rows a second",
      digest: "",
      isRight: rows > 0,
      notes: [
        `${rows} rows, ${(bytes / seconds / 1e6).toFixed(1)} MB/s of the wall, ` +
          `${Math.round(rows / cpuSeconds)} rows and ` +
          `${(bytes / cpuSeconds / 1e6).toFixed(1)} MB a CPU second`,
      ],
    };
  }
}
