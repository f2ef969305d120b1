/** Edge: `edgebook ingest`: events into the tables of a lake. */
import { randomUUID } from "node:crypto";
import { KafkaTopics, parseKafkaAddress } from "../../frames/kafka-topics.ts";
import { duckCheckpoints } from "../../lake/delta/checkpoint-duckdb.ts";
import { DeltaTable } from "../../lake/delta/table.ts";
import { tableStorage, tablesIn } from "../../lake/lake-place.ts";
import { clearLog, compact } from "../../lake/upkeep.ts";
import { ORPHAN_HOURS, vacuum } from "../../lake/vacuum.ts";
import type { Command, FlagSpec } from "../command.ts";
import { redrive } from "../dead-letters.ts";
import { CliError, Exit } from "../errors.ts";
import type { FlagValues } from "../flag-values.ts";
import { IngestMetrics } from "../ingest-metrics.ts";
import { Ingesting } from "../ingesting.ts";
import { TopicIngest } from "../ingesting-topic.ts";
import { TOPIC_TABLES } from "../lake-tables.ts";
import { loadMasters } from "../masters.ts";
import { readOffline } from "../offline.ts";
import { printErr } from "../output.ts";
import { rebuildComplaints } from "../rebuild-stats.ts";
import { CAPTURE_FLAGS, CHECKSUMS_FLAG } from "../shared-flags.ts";
import { parseWindow } from "../window.ts";

const OWN_FLAGS: readonly FlagSpec[] = [
  {
    name: "lake",
    kind: "text",
    placeholder: "DIR|s3://BUCKET/PREFIX",
    fallback: "lake",
    doc:
      "Where the tables are: a folder, made where it is not there, or object storage with " +
      "conditional writes (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT).",
  },
  {
    name: "rows-per-commit",
    kind: "integer",
    placeholder: "N",
    fallback: "2000000",
    doc: "So many rows of all tables together become one commit of each.",
  },
  {
    name: "replace",
    kind: "boolean",
    doc:
      "Days and streams that are read take the place of what the lake has of them, in one commit: " +
      "for a day that is built again. Readers of the former version still have it.",
  },
  {
    name: "compact",
    kind: "boolean",
    doc:
      "Then, or alone: of each day and stream one large file, or some, sorted by instrument; and " +
      "the logs without what checkpoints have made needless.",
  },
  {
    name: "redrive",
    kind: "boolean",
    doc:
      "Tries what stands in the table dead_letters again, and nothing else: rows that the tables lack " +
      "are put there, and letters that could be read go out, in one commit.",
  },
  {
    name: "vacuum",
    kind: "boolean",
    doc:
      "Then, or alone: clears files away that no version of a table needs, such as those of a worker " +
      "that was killed before it committed.",
  },
  {
    name: "vacuum-hours",
    kind: "integer",
    placeholder: "N",
    fallback: String(ORPHAN_HOURS),
    doc: "Only files older than that: longer than any worker takes from writing to committing.",
  },
  {
    name: "kafka",
    kind: "text",
    placeholder: "kafka://HOST:PORT",
    doc: "Reads topics that 'edgebook book --events' writes, instead of files, until Ctrl-C.",
  },
  {
    name: "consumer-group",
    kind: "text",
    placeholder: "NAME",
    fallback: "edgebook-ingest",
    doc: "Workers of one group share the partitions.",
  },
  {
    name: "member",
    kind: "text",
    placeholder: "NAME",
    doc: "Names this worker within its group for good, so that a restart waits for nobody.",
  },
  {
    name: "app-id",
    kind: "text",
    placeholder: "NAME",
    fallback: "edgebook-ingest",
    doc: "Under it the tables remember how far each partition is: NAME-PARTITION.",
  },
  {
    name: "allowed-latency",
    kind: "duration",
    placeholder: "TIME",
    fallback: "300s",
    doc: "A commit is made at the latest when its oldest row has waited so long.",
  },
  {
    name: "max-messages-per-batch",
    kind: "integer",
    placeholder: "N",
    fallback: "5000",
    doc: "Or when so many records of Kafka have come.",
  },
  {
    name: "min-bytes-per-file",
    kind: "integer",
    placeholder: "N",
    fallback: "134217728",
    doc: "Or when they are of so many bytes.",
  },
  {
    name: "ends-at-latest-offsets",
    kind: "boolean",
    doc: "Ends when everything that was there at the start is in the tables.",
  },
  {
    name: "metrics",
    kind: "text",
    placeholder: "FILE",
    doc: "Writes there what it counts, for node_exporter's textfile collector (a name in .prom).",
  },
  { name: "stats", kind: "boolean", doc: "End with a line of JSON on standard error: the counts." },
];

export const command: Command = {
  args: { placeholder: "FILE…|TOPIC…", atLeast: 0, atMost: Number.POSITIVE_INFINITY },
  flags: [...CAPTURE_FLAGS, ...OWN_FLAGS, CHECKSUMS_FLAG],
  help:
    "Rebuilds the books of captures, chunks or an exchange's own file and puts what happened into " +
    "Delta tables: events (order by order), trades, bbo (the settled best prices, which a trade is " +
    "joined with). Files lie by date and stream. Rows are named by (stream, epoch, sequence, row): " +
    "what the lake has is left out, so a run that was killed is simply started again.\n" +
    "Each commit says of every stream what was delivered and what is missing.\n" +
    "With --kafka it reads the topics events, trades, bbo and gaps (or those named) in the manner of " +
    "kafka-delta-ingest: offsets are committed with the rows. What cannot be read goes into the " +
    "table dead_letters; --redrive tries it again.",
  examples: [
    ["edgebook ingest day.pcap.gz --feed nse-fo --lake lake", "a day into the lake"],
    ["edgebook ingest chunks/ --lake lake --replace", "the same day again, in place of it"],
    ["edgebook ingest --kafka kafka://127.0.0.1:9092 --lake lake", "from Kafka, for good"],
  ],
  async run({ args, flags, signal }) {
    const kafka = flags.text("kafka");
    if (kafka !== undefined) {
      const code = await ingestTopics(kafka, args, flags, signal);
      await keepUp(flags);
      return code;
    }
    if (flags.on("redrive")) return redriveLetters(args, flags.text("lake") ?? "lake");
    if (args.length === 0 && (flags.on("compact") || flags.on("vacuum"))) {
      await keepUp(flags);
      return Exit.Done;
    }
    if (args.length === 0) {
      throw new CliError(
        "bad_argument",
        "Nothing says what to ingest.",
        "Name captures or chunks, or a broker with --kafka kafka://HOST:PORT.",
      );
    }
    const started = performance.now();
    const metrics = new IngestMetrics(flags.text("metrics"));
    const spec = flags.text("spec");
    const work = new Ingesting({
      lake: flags.text("lake") ?? "lake",
      rowsPerCommit: Math.max(1, flags.integer("rows-per-commit") ?? 2_000_000),
      replace: flags.on("replace"),
      sequencer: parseWindow(flags.text("window") ?? ""),
      mastersFor: (feed) => loadMasters(flags.texts("masters"), feed),
      ...(spec !== undefined && { spec }),
    });
    const report = await readOffline(args, flags, signal, work);
    await work.end();
    metrics.write(work.counts, work.pipeline);
    const seconds = (performance.now() - started) / 1000;
    const complaints = [...report.complaints, ...rebuildComplaints(work.pipeline)];
    for (const complaint of complaints) printErr(`edgebook: ${complaint}\n`);
    const { rows, repeated, files, bytes, commits } = work.counts;
    if (flags.on("stats")) {
      printErr(`${JSON.stringify({ rows, repeated, files, bytes, commits, seconds })}\n`);
    } else {
      printErr(
        `edgebook: ${rows} rows in ${files} files, ${bytes} bytes, ${commits} commits, ` +
          `${seconds.toFixed(1)} s` +
          `${repeated > 0 ? `; ${repeated} rows were there already` : ""}\n`,
      );
    }
    await keepUp(flags);
    return complaints.length > 0 ? Exit.Damaged : Exit.Done;
  },
};

async function redriveLetters(args: readonly string[], lake: string): Promise<number> {
  if (args.length > 0) {
    throw new CliError(
      "bad_argument",
      "--redrive reads no files: what it tries again is in the lake.",
      "Run 'edgebook ingest --redrive --lake LAKE' alone.",
    );
  }
  if (!(await tablesIn(lake)).includes("dead_letters")) {
    printErr(`edgebook: there are no dead letters in '${lake}'\n`);
    return Exit.Done;
  }
  const { driven, left, rows } = await redrive(lake);
  printErr(
    `edgebook: ${driven} dead letters could be read, ${rows} rows of them were not there yet` +
      `${left > 0 ? `; ${left} are left` : ""}\n`,
  );
  return left > 0 ? Exit.Damaged : Exit.Done;
}

/** What was asked of `--compact` and `--vacuum`. */
async function keepUp(flags: FlagValues): Promise<void> {
  const lake = flags.text("lake") ?? "lake";
  if (flags.on("compact")) await compactLake(lake);
  if (flags.on("vacuum")) await vacuumLake(lake, flags.integer("vacuum-hours") ?? ORPHAN_HOURS);
}

async function vacuumLake(lake: string, idleHours: number): Promise<void> {
  if (idleHours < 1) {
    throw new CliError(
      "bad_flag",
      "--vacuum-hours below 1 would take files from workers that are about to commit them.",
      `Give hours that no worker needs; ${ORPHAN_HOURS} unless said.`,
    );
  }
  const known: readonly string[] = [...TOPIC_TABLES, "dead_letters"];
  for (const table of (await tablesIn(lake)).filter((name) => known.includes(name))) {
    const storage = tableStorage(lake, table);
    const { files, bytes } = await vacuum(storage, duckCheckpoints, Date.now(), idleHours);
    if (files > 0) printErr(`edgebook: ${table}: ${files} files of ${bytes} bytes cleared away\n`);
  }
}

async function compactLake(lake: string): Promise<void> {
  const there = await tablesIn(lake);
  for (const table of TOPIC_TABLES.filter((name) => there.includes(name))) {
    const delta = await DeltaTable.open(tableStorage(lake, table), duckCheckpoints);
    const { before, after, rows } = await compact(delta, randomUUID, Date.now);
    const cleared = await clearLog(delta, Date.now());
    if (before + cleared === 0) continue;
    printErr(
      `edgebook: ${table}: ${before} files became ${after}, ${rows} rows` +
        `${cleared > 0 ? `; ${cleared} old commits cleared away` : ""}\n`,
    );
  }
}

async function ingestTopics(
  kafka: string,
  names: readonly string[],
  flags: FlagValues,
  signal: AbortSignal,
): Promise<number> {
  const { brokers, prefix } = parseKafkaAddress(kafka);
  const topics = new KafkaTopics(prefix);
  const asked = names.length === 0 ? TOPIC_TABLES : names;
  const wrong = asked.find((name) => !TOPIC_TABLES.some((table) => table === name));
  if (wrong !== undefined) {
    throw new CliError(
      "bad_argument",
      `'${wrong}' is no topic of rows.`,
      `There are ${TOPIC_TABLES.join(", ")}.`,
    );
  }
  const started = performance.now();
  const tables = TOPIC_TABLES.filter((table) => asked.includes(table));
  const work = new TopicIngest({
    brokers,
    prefix,
    group: flags.text("consumer-group") ?? "edgebook-ingest",
    member: flags.text("member"),
    appId: flags.text("app-id") ?? "edgebook-ingest",
    lake: flags.text("lake") ?? "lake",
    topics: new Map(tables.map((table) => [topics.rows(table), table])),
    latencyMs: (flags.durationNs("allowed-latency") ?? 300e9) / 1e6,
    messages: flags.integer("max-messages-per-batch") ?? 5000,
    bytes: flags.integer("min-bytes-per-file") ?? 128 << 20,
    endsAtLatest: flags.on("ends-at-latest-offsets"),
    onStatus: (text) => printErr(`edgebook: ${text}\n`),
  });
  const ended = new IngestMetrics(flags.text("metrics")).follow(() => ({
    ...work.counts,
    lags: work.lags,
  }));
  await work.run(signal).finally(ended);
  const seconds = (performance.now() - started) / 1000;
  const { rows, batches, commits, deadLetters } = work.counts;
  printErr(
    flags.on("stats")
      ? `${JSON.stringify({ ...work.counts, seconds })}\n`
      : `edgebook: ${rows} rows of ${batches} batches in ${commits} commits, ${seconds.toFixed(1)} s\n`,
  );
  if (deadLetters > 0) printErr(`edgebook: ${deadLetters} batches went to dead_letters\n`);
  return deadLetters > 0 ? Exit.Damaged : Exit.Done;
}
