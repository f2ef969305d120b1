/**
 * The Grafana dashboards, as data: rows are stages of the pipeline, queries are made of the table's
 * names. Written as classic JSON with the data source as a variable and a `uid` that stays.
 */
import { gauge, growth, quantile, rate, sum } from "./queries.ts";

export interface Panel {
  readonly title: string;
  readonly doc: string;
  /** A unit as Grafana names it. */
  readonly unit: string;
  readonly kind: "timeseries" | "stat" | "table";
  readonly queries: readonly Query[];
  /** From here on it is red. */
  readonly red?: number;
}

export type Query = readonly [legend: string, query: string];

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  /** The metric whose `instance` labels the variable offers. */
  readonly instances: string;
  readonly rows: readonly (readonly [title: string, panels: readonly Panel[]])[];
}

const STREAM = "{{feed}}/{{stream}}";
const LINE = "{{feed}}/{{stream}} {{line}}";

/** One point for each quantile and label. */
const latency = (name: Parameters<typeof quantile>[1], by = "feed"): Query[] =>
  [0.5, 0.99].map((share) => [
    `p${share * 100}${by === "" ? "" : ` {{${by}}}`}`,
    quantile(share, name, by),
  ]);

const graph = (title: string, unit: string, doc: string, queries: readonly Query[]): Panel => ({
  title,
  doc,
  unit,
  kind: "timeseries",
  queries,
});

const stat = (title: string, doc: string, query: string, red?: number, unit = "short"): Panel => ({
  title,
  doc,
  unit,
  kind: "stat",
  queries: [["", query]],
  ...(red === undefined ? {} : { red }),
});

const TRUST: readonly Panel[] = [
  stat(
    "Doubtful streams",
    "Streams whose books cannot be trusted.",
    sum(gauge("stream_doubtful")),
    1,
  ),
  stat("Open gaps", "Gaps that are waited for.", sum(gauge("stream_open_gaps")), 1),
  stat("Numbers lost", "In the time shown.", sum(growth("stream_lost_total")), 1),
  stat("Chunks lost", "On the way from collectors.", sum(growth("chunks_lost_total")), 1),
];

const STAGES: readonly Panel[] = [
  graph("Exchange to capture", "s", "Two clocks: look at the clock's doubt too.", [
    ...latency("exchange_to_capture_seconds"),
  ]),
  graph("Capture to chunk", "s", "What batching and packing take.", [
    ...latency("collector_capture_to_chunk_seconds", ""),
  ]),
  graph("Capture to arrival", "s", "Chunk and transport.", latency("capture_to_arrival_seconds")),
  graph("Capture to book", "s", "Order, unpacking, books.", latency("capture_to_book_seconds")),
  graph("Capture to page", "s", "Until a client was sent it.", latency("capture_to_page_seconds")),
];

const LINES: readonly Panel[] = [
  graph("Packets by line", "pps", "A line at nothing while its neighbour goes on is dead.", [
    [LINE, rate("collector_line_packets_total")],
  ]),
  graph("Missed by line", "short", "Numbers that a line passed over.", [
    [LINE, gauge("collector_line_missed_numbers")],
  ]),
  graph("First arrivals by line", "short", "Who is first, a second.", [
    [LINE, rate("collector_line_first_arrivals_total")],
  ]),
  graph("Lead by line", "s", "How much earlier where it is first: mean, and at most.", [
    [LINE, gauge("collector_line_lead_seconds")],
    [`${LINE} max`, gauge("collector_line_lead_seconds_max")],
  ]),
  graph("Late and conflicting", "short", "Copies behind their gap's end, and with other bytes.", [
    [`${LINE} late`, rate("collector_line_late_total")],
    [`${LINE} conflicts`, rate("collector_line_conflicts_total")],
  ]),
];

const SPOOL: readonly Panel[] = [
  graph("Spool", "bytes", "What is kept, and what may be.", [
    ["kept", gauge("collector_spool_bytes")],
    ["limit", gauge("collector_spool_limit_bytes")],
  ]),
  graph("Unsent share of the spool", "percentunit", "At 1 chunks begin to be lost.", [
    ["unsent", gauge("collector_spool_unsent_ratio")],
  ]),
  graph("Chunks that left it, or did not come in", "short", "By cause.", [
    ["dropped {{cause}}", rate("collector_spool_dropped_total")],
    ["refused {{cause}}", rate("collector_spool_refused_total")],
    ["missed by {{sink}}", rate("collector_sink_missed_total")],
  ]),
];

const SINKS: readonly Panel[] = [
  graph("Brokers there", "short", "1: connected.", [
    ["{{sink}}", gauge("collector_sink_connected")],
  ]),
  graph("Behind", "short", "Chunks not taken, not confirmed, sent again a second.", [
    ["not taken {{sink}}", gauge("collector_sink_behind_chunks")],
    ["unconfirmed {{sink}}", gauge("collector_sink_unconfirmed_chunks")],
    ["again {{sink}}", rate("collector_sink_resent_total")],
  ]),
  graph("Sent", "Bps", "By sink.", [["{{sink}}", rate("collector_sink_sent_bytes_total")]]),
  graph("Chunks sent", "short", "By sink.", [["{{sink}}", rate("collector_sink_sent_total")]]),
];

const SHARDS: readonly Panel[] = [
  graph("Shards up", "short", "1: it can be asked.", [["{{shard}}", gauge("shard_up")]]),
  graph("Restarts", "short", "Lives that failed.", [
    ["{{shard}}", standing("shard_restarts_total")],
  ]),
  graph("Mailboxes", "short", "Records that wait, and that were dropped.", [
    ["{{shard}}", gauge("shard_mailbox_depth")],
    ["{{shard}} most", gauge("shard_mailbox_depth_max")],
    ["{{shard}} dropped", rate("shard_mailbox_dropped_total")],
  ]),
  graph("Checkpoints' pause", "s", "How long a checkpoint stops the shard.", [
    ["{{shard}}", gauge("shard_checkpoint_pause_seconds")],
  ]),
  graph("Logs and checkpoints", "bytes", "What a new life would be given.", [
    ["log {{shard}}", gauge("shard_log_bytes")],
    ["checkpoint {{shard}}", gauge("shard_checkpoint_bytes")],
  ]),
];

export const DASHBOARDS: readonly Dashboard[] = [
  {
    uid: "edgebook-overview",
    title: "edgebook / overview",
    instances: "edgebook_uptime_seconds|edgebook_collector_uptime_seconds",
    rows: [
      ["Can the books be trusted?", TRUST],
      [
        "Rates",
        [
          graph("Messages by stream", "mps", "Applied to books.", [
            [STREAM, rate("stream_messages_total")],
          ]),
          graph("Datagrams at the edge", "pps", "Received, forwarded, left out as copies.", [
            ["received", sum(rate("collector_frames_total"))],
            ["forwarded", sum(rate("collector_frames_forwarded_total"))],
            ["copies", sum(rate("collector_copies_total"))],
          ]),
          graph("Lost at the edge, by whom", "short", "A second.", [
            ["{{cause}}", sum(rate("collector_lost_total"), "cause")],
          ]),
        ],
      ],
      ["From the exchange to the page", STAGES],
      ["Lines", LINES.slice(0, 2)],
      ["Spools and brokers", [...SPOOL.slice(1, 2), ...SINKS.slice(0, 2)]],
      ["Shards", SHARDS.slice(0, 2)],
    ],
  },
  {
    uid: "edgebook-collector",
    title: "edgebook / collector",
    instances: "edgebook_collector_uptime_seconds",
    rows: [
      [
        "Wire",
        [
          graph("Datagrams", "pps", "Received, forwarded, left out as copies.", [
            ["received", rate("collector_frames_total")],
            ["forwarded", rate("collector_frames_forwarded_total")],
            ["copies", rate("collector_copies_total")],
          ]),
          graph("Bytes", "Bps", "Received, and in chunks.", [
            ["received", rate("collector_received_bytes_total")],
            ["chunks", rate("collector_chunk_bytes_total")],
          ]),
          graph("Messages by stream", "mps", "Each number once.", [
            [STREAM, rate("collector_stream_messages_total")],
          ]),
          graph("Lost, by whom", "short", "A second.", [
            ["{{cause}}", rate("collector_lost_total")],
            ["dropped datagrams", rate("collector_kernel_dropped_total")],
          ]),
          graph("Gaps and epochs", "short", "Gaps waited for; how often numbers began again.", [
            [`${STREAM} gaps`, gauge("collector_stream_open_gaps")],
            [`${STREAM} epoch`, gauge("collector_stream_epoch")],
          ]),
          graph("Lost by stream", "short", "A second.", [
            [STREAM, rate("collector_stream_lost_total")],
          ]),
        ],
      ],
      ["Lines", LINES],
      [
        "Clock and latency",
        [
          graph("The clock's doubt", "s", "The most that capture times may be off.", [
            ["{{instance}}", gauge("collector_clock_doubt_seconds")],
          ]),
          stat(
            "Clock disciplined",
            "0: nobody keeps it right.",
            `min(${gauge("collector_clock_disciplined")})`,
          ),
          graph("Capture to chunk", "s", "What batching and packing take.", [
            ...latency("collector_capture_to_chunk_seconds", ""),
          ]),
        ],
      ],
      ["Spool", SPOOL],
      ["Where chunks go", SINKS],
      [
        "Process",
        [
          graph("Memory", "bytes", "Resident.", [
            ["{{instance}}", gauge("collector_memory_bytes")],
          ]),
          graph("Chunks", "short", "Packed a second.", [
            ["{{instance}}", rate("collector_chunks_total")],
          ]),
          graph("Up since", "s", "Seconds.", [["{{instance}}", gauge("collector_uptime_seconds")]]),
          {
            ...graph("Collectors", "short", "Who runs what.", [["", gauge("collector_info")]]),
            kind: "table",
          },
        ],
      ],
    ],
  },
  {
    uid: "edgebook-books",
    title: "edgebook / books",
    instances: "edgebook_uptime_seconds",
    rows: [
      ["Can they be trusted?", TRUST],
      [
        "Chunks in",
        [
          graph("Chunks", "short", "Came, came again, asked for, lost, damaged, a second.", [
            ["came", rate("chunks_total")],
            ["again", rate("chunks_repeated_total")],
            ["asked for", rate("chunk_requests_total")],
            ["lost", rate("chunks_lost_total")],
            ["damaged", rate("chunks_damaged_total")],
            ["unreadable {{fault}}", rate("chunk_faults_total")],
            ["set aside", rate("chunks_quarantined_total")],
            ["frames refused {{why}}", rate("frames_refused_total")],
          ]),
          graph("Held chunks", "bytes", "Waiting for an earlier one.", [
            ["now", gauge("intake_held_bytes")],
            ["most", gauge("intake_held_bytes_max")],
          ]),
          graph("Brokers there", "short", "1: connected.", [
            ["{{source}}", gauge("source_connected")],
          ]),
          graph("Behind Kafka", "short", "Records of chunks that are not taken.", [
            ["{{topic}}/{{partition}}", gauge("source_lag_records")],
          ]),
          graph("Seconds behind Kafka", "s", "Age of the last record taken, where some wait.", [
            ["{{topic}}/{{partition}}", gauge("source_lag_seconds")],
          ]),
          graph("Rows to Kafka", "short", "A second.", [["rows", rate("events_sent_total")]]),
          graph("Rows on their way to Kafka", "bytes", "At the bound chunks are held up.", [
            ["waiting", gauge("events_waiting_bytes")],
          ]),
          graph("Since the newest chunk", "s", "By feed.", [
            ["{{feed}}", `time() - ${gauge("last_chunk_timestamp_seconds")}`],
          ]),
        ],
      ],
      [
        "Streams",
        [
          graph("Messages", "mps", "Applied to books.", [[STREAM, rate("stream_messages_total")]]),
          graph("Lag", "short", "Numbers between what is known of and where the books stand.", [
            [STREAM, `${gauge("stream_high_water_mark")} - ${gauge("stream_position")}`],
          ]),
          graph("Gaps and held messages", "short", "What waits.", [
            [`${STREAM} gaps`, gauge("stream_open_gaps")],
            [`${STREAM} held`, gauge("stream_held_messages")],
          ]),
          graph("Lost", "short", "A second.", [[STREAM, rate("stream_lost_total")]]),
          graph("Live orders", "short", "In all books.", [[STREAM, gauge("stream_live_orders")]]),
          graph("Instruments", "short", "Named so far.", [[STREAM, gauge("stream_instruments")]]),
          graph("Lines as the books see them", "short", "First arrivals and conflicts a second.", [
            [LINE, rate("line_first_arrivals_total")],
            [`${LINE} conflicts`, rate("line_conflicts_total")],
            [`${LINE} missed`, gauge("line_missed_numbers")],
          ]),
        ],
      ],
      [
        "Repairs",
        [
          graph(
            "Asked and got",
            "short",
            "Questions for the exchange, numbers that they brought.",
            [
              ["{{what}} {{feed}}", rate("repair_requests_total")],
              ["numbers {{feed}}", rate("recovered_total")],
              ["snapshots {{verdict}}", rate("snapshots_total")],
            ],
          ),
          graph("Valid after", "s", "From the first chunk until every book was valid.", [
            ["{{feed}}", gauge("valid_after_seconds")],
          ]),
        ],
      ],
      ["Latency", STAGES.filter(({ title }) => title !== "Capture to chunk")],
      ["Shards", SHARDS],
      [
        "Trades with their quotes",
        [
          graph("Rows", "short", "A second: asked, matched, doubtful by why.", [
            ["rows", rate("asof_rows_total")],
            ["matched", rate("asof_matched_total")],
            ["doubtful {{why}}", rate("asof_doubtful_total")],
            ["late quotes", rate("asof_late_quotes_total")],
            ["evicted quotes", rate("asof_quotes_evicted_total")],
          ]),
          graph("Waiting", "short", "Events that wait for a stream.", [
            ["now", gauge("asof_waiting")],
            ["most", gauge("asof_waiting_max")],
          ]),
        ],
      ],
      [
        "Process",
        [
          graph("Memory", "bytes", "Resident.", [["{{instance}}", gauge("memory_bytes")]]),
          graph("Clients", "short", "Of /v1/live.", [["{{instance}}", gauge("live_clients")]]),
          graph("Up since", "s", "Seconds.", [["{{instance}}", gauge("uptime_seconds")]]),
          {
            ...graph("Versions", "short", "Who runs what.", [["", gauge("build_info")]]),
            kind: "table",
          },
        ],
      ],
    ],
  },
  {
    uid: "edgebook-lake",
    title: "edgebook / lake",
    instances: "edgebook_lake_rows_total",
    rows: [
      [
        "Is it whole?",
        [
          stat("Numbers that it lacks", "Of the last runs.", sum(gauge("lake_stream_lost")), 1),
          stat(
            "Since the last commit",
            "By the newest run.",
            `time() - max(${gauge("lake_last_commit_timestamp_seconds")})`,
            undefined,
            "s",
          ),
          graph("Position by stream", "short", "What the lake has a stream up to.", [
            [STREAM, gauge("lake_stream_position")],
          ]),
        ],
      ],
      [
        "Runs",
        [
          graph("Rows", "short", "Written, and left out since they were there.", [
            ["written", standing("lake_rows_total")],
            ["repeated", standing("lake_rows_repeated_total")],
          ]),
          graph("Files and commits", "short", "Of the run.", [
            ["files", standing("lake_files_total")],
            ["commits", standing("lake_commits_total")],
            ["dead letters", standing("lake_dead_letters_total")],
          ]),
          graph("Written", "bytes", "Parquet.", [["bytes", standing("lake_written_bytes_total")]]),
          graph("Seconds", "s", "How long runs take.", [
            ["{{instance}}", gauge("lake_run_seconds")],
          ]),
          graph("Behind Kafka", "short", "Records of rows that are not taken.", [
            ["{{topic}}/{{partition}}", gauge("lake_topic_lag_records")],
          ]),
          graph("Seconds behind Kafka", "s", "Age of the last record taken, where some wait.", [
            ["{{topic}}/{{partition}}", gauge("lake_topic_lag_seconds")],
          ]),
        ],
      ],
    ],
  },
];

/** A counter as it stands: of jobs that end there is no rate to be taken. */
function standing(name: Parameters<typeof rate>[0]): string {
  return growth(name).replace(/^increase\((.*)\[\$__range\]\)$/, "$1");
}
