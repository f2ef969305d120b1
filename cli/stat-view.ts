/**
 * What `edgebook stat` shows: the answers of a running collector or book service as lines of text.
 * Rates are taken between two answers, so the first view has none.
 */
import type { CollectorStatus, WatchedStream } from "../collector/status.ts";

/** One look at a process. `metrics`: a book service's own page of numbers, by name. */
export type Look =
  | { readonly kind: "collector"; readonly atMs: number; readonly status: CollectorStatus }
  | {
      readonly kind: "book";
      readonly atMs: number;
      readonly version: string;
      readonly streams: readonly BookStream[];
      readonly metrics: ReadonlyMap<string, number>;
    };

/** A row of `/v1/streams`, as far as it is shown. */
export interface BookStream extends Omit<WatchedStream, "state"> {
  readonly state: string;
  readonly doubtful: boolean;
  readonly position: string | null;
  readonly live_orders: number;
  readonly instruments: number;
}

export function statLines(url: string, now: Look, before: Look | undefined): string[] {
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000;
  if (now.kind === "collector") {
    const former = before?.kind === "collector" ? before.status : undefined;
    return collectorLines(url, now.status, former, seconds);
  }
  return bookLines(url, now, before?.kind === "book" ? before : undefined, seconds);
}

function collectorLines(
  url: string,
  status: CollectorStatus,
  former: CollectorStatus | undefined,
  seconds: number,
): string[] {
  const { drops, spool, sinks } = status;
  const rate = (of: "frames" | "bytes" | "messages") =>
    perSecond(status[of], former?.[of], seconds);
  const lines = [
    `collector ${status.name}  ${url}  up ${span(status.uptime_seconds)}  ` +
      `memory ${size(status.memory_bytes)}`,
    `wire      ${rate("frames")} frames/s  ${rate("messages")} messages/s  ` +
      `${former === undefined ? "-" : size((status.bytes - former.bytes) / seconds)}/s`,
    `lost      ${count(status.lost)}: wire ${count(drops.wire)}, kernel ${count(drops.kernel)} ` +
      `(${count(drops.kernel_datagrams)} datagrams dropped), process ${count(drops.process)}, ` +
      `transport ${count(drops.transport)}`,
    `chunks    ${count(status.chunks)}  ${size(status.chunk_bytes)}, ` +
      `${status.compression_ratio.toFixed(1)} times smaller`,
    spool === null
      ? "spool     none"
      : `spool     ${size(spool.bytes)} of ${size(spool.limit_bytes)} ` +
        `(${Math.round((spool.bytes / spool.limit_bytes) * 100)} %), ` +
        `${count(spool.chunks_dropped)} chunks dropped`,
    ...sinks.map(
      (sink) =>
        `to        ${sink.to}  sent ${count(sink.sent)}  behind ${count(sink.behind)}  ` +
        `unconfirmed ${count(sink.unconfirmed)}  missed ${count(sink.missed)}` +
        (sink.last_error === "" ? "" : `  (${sink.last_error})`),
    ),
    "",
  ];
  const formerOf = new Map(former?.streams.map((row) => [keyOf(row), row.messages]));
  const head = ["feed", "stream", "state", "high-water mark", "msg/s", "lost", "gaps", "lines"];
  const rows = status.streams.map((row) => [
    row.feed,
    String(row.stream),
    row.state,
    row.high_water_mark ?? "-",
    perSecond(row.messages, formerOf.get(keyOf(row)), seconds),
    count(row.lost),
    String(row.open_gaps),
    linesText(row),
  ]);
  return lines.concat(table(head, rows, "no frame of any stream yet"));
}

function bookLines(
  url: string,
  { version, streams, metrics }: Look & { kind: "book" },
  former: (Look & { kind: "book" }) | undefined,
  seconds: number,
): string[] {
  const sum = (of: (row: BookStream) => number) => streams.reduce((all, row) => all + of(row), 0);
  const metric = (name: string) => metrics.get(`edgebook_${name}`) ?? 0;
  const messages = sum((row) => row.messages);
  const formerMessages = former?.streams.reduce((all, row) => all + row.messages, 0);
  const doubtful = streams.filter((row) => row.doubtful).length;
  const lines = [
    `book      ${version}  ${url}  up ${span(metric("uptime_seconds"))}  ` +
      `memory ${size(metric("memory_bytes"))}  ${count(metric("live_clients"))} clients`,
    `books     ${count(sum((row) => row.instruments))} instruments  ` +
      `${count(sum((row) => row.live_orders))} orders  ` +
      `${perSecond(messages, formerMessages, seconds)} messages/s`,
    `trust     ${
      doubtful === 0 ? "every stream whole" : `${doubtful} of ${streams.length} streams doubtful`
    }  ${count(sum((row) => row.lost))} lost  ${count(sum((row) => row.open_gaps))} gaps open`,
    `chunks    ${count(metric("chunks_total"))}  repeated ${count(metric("chunks_repeated_total"))}` +
      `  asked again ${count(metric("chunk_requests_total"))}  lost ${count(metric("chunks_lost_total"))}`,
    "",
  ];
  const formerOf = new Map(former?.streams.map((row) => [keyOf(row), row.messages]));
  const head = ["feed", "stream", "state", "high-water mark", "lag", "msg/s", "lost", "gaps"];
  const rows = streams.map((row) => [
    row.feed,
    String(row.stream),
    row.state,
    row.high_water_mark ?? "-",
    lag(row),
    perSecond(row.messages, formerOf.get(keyOf(row)), seconds),
    count(row.lost),
    String(row.open_gaps),
    count(row.live_orders),
    linesText(row),
  ]);
  return lines.concat(table([...head, "orders", "lines"], rows, "no stream yet"));
}

const keyOf = ({ feed, stream }: { feed: string; stream: number }) => `${feed}/${stream}`;

/** Numbers between what is known of and what the books stand at. */
function lag({ high_water_mark, position }: BookStream): string {
  if (high_water_mark === null || position === null) return "-";
  return count(Math.max(0, Number(high_water_mark) - Number(position)));
}

/** Who brought it first: `A 93% B 7%`. */
function linesText({ lines }: { lines: WatchedStream["lines"] }): string {
  return lines.map(({ line, share }) => `${line} ${Math.round(share * 100)}%`).join(" ");
}

/** Columns as wide as their widest cell; numbers to the right, words to the left. */
function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): string[] {
  if (rows.length === 0) return [none];
  const isWord = (column: number) => ["feed", "state", "lines"].includes(head[column]);
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column].length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        isWord(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join("  ")
      .trimEnd();
  return [line(head), ...rows.map(line)];
}

function perSecond(now: number, before: number | undefined, seconds: number): string {
  return before === undefined || seconds <= 0 ? "-" : count(Math.round((now - before) / seconds));
}

function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

function size(bytes: number): string {
  for (const [unit, name] of [
    [2 ** 30, "GiB"],
    [2 ** 20, "MiB"],
    [2 ** 10, "KiB"],
  ] as const) {
    if (bytes >= unit) return `${(bytes / unit).toFixed(1)} ${name}`;
  }
  return `${Math.round(bytes)} B`;
}

function span(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
