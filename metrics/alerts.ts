/**
 * When somebody is to be called, and what they are to do. Each alert has a scene: series as Prometheus
 * would have scraped them every 15 s, and the labels that it fires with five minutes in; promtool
 * plays it. The scene's second half, where there is one, shows the alert's silence.
 */
import type { EventCode } from "./events.ts";

export interface AlertScene {
  /** Series, and their values in promtool's notation: `0x4 7x16` is five times 0, then 17 times 7. */
  readonly series: readonly (readonly [series: string, values: string])[];
  /** What tells the alert from others of its name; `severity` comes by itself. */
  readonly fires: Readonly<Record<string, string>>;
}

export interface AlertSpec {
  readonly name: string;
  readonly severity: "critical" | "warning";
  readonly when: string;
  /** How long it must hold. */
  readonly holds?: string;
  readonly says: string;
  readonly mend: string;
  /** The line of the log that goes with it. */
  readonly event?: EventCode;
  readonly scene: AlertScene;
}

const AT = 'instance="host:9"';
const BOOK_STREAM = `${AT},feed="nse-fo",stream="3"`;
const OF_STREAM = { instance: "host:9", feed: "nse-fo", stream: "3" };
const LINE_RATE = "rate(edgebook_collector_line_packets_total[1m])";
const LATE =
  "histogram_quantile(0.99, sum by (instance, feed, le) " +
  "(rate(edgebook_capture_to_book_seconds_bucket[5m])))";

export const ALERTS: readonly AlertSpec[] = [
  {
    name: "EdgebookNumbersLost",
    severity: "critical",
    when:
      "increase(edgebook_stream_lost_total[5m]) > 0 or " +
      "increase(edgebook_collector_stream_lost_total[5m]) > 0",
    says: "Stream {{ $labels.stream }} of {{ $labels.feed }} lost numbers for good.",
    mend: "See /v1/gaps for which, and edgebook_collector_lost_total for whose fault it was.",
    event: "gap_closed",
    scene: {
      series: [[`edgebook_stream_lost_total{${BOOK_STREAM}}`, "0x10 7x10"]],
      fires: OF_STREAM,
    },
  },
  {
    name: "EdgebookGapOpen",
    severity: "warning",
    when: "edgebook_stream_open_gaps > 0 or edgebook_collector_stream_open_gaps > 0",
    holds: "30s",
    says: "Stream {{ $labels.stream }} of {{ $labels.feed }} is held by a gap.",
    mend: "Nothing yet: the other line, a recovery or a snapshot may fill it. Its books stand.",
    event: "gap_opened",
    scene: {
      series: [[`edgebook_stream_open_gaps{${BOOK_STREAM}}`, "0x10 1x10"]],
      fires: OF_STREAM,
    },
  },
  {
    name: "EdgebookBooksDoubtful",
    severity: "critical",
    when: "edgebook_stream_doubtful == 1",
    holds: "1m",
    says: "Books of stream {{ $labels.stream }} of {{ $labels.feed }} cannot be trusted.",
    mend: "A snapshot or a new epoch heals them; --snapshot tells the collector where to ask.",
    event: "gap_closed",
    scene: {
      series: [[`edgebook_stream_doubtful{${BOOK_STREAM}}`, "0x5 1x15"]],
      fires: OF_STREAM,
    },
  },
  {
    name: "EdgebookLineDead",
    severity: "critical",
    when:
      `${LINE_RATE} == 0 and on (instance, feed, stream) ` +
      `(max by (instance, feed, stream) (${LINE_RATE}) > 0)`,
    holds: "30s",
    says:
      "Line {{ $labels.line }} of stream {{ $labels.stream }} of {{ $labels.feed }} is silent, " +
      "another goes on.",
    mend: "Look at the switch port, the IGMP join and the cable: a loss on the other line is final.",
    event: "line_silent",
    scene: {
      series: [
        [`edgebook_collector_line_packets_total{${BOOK_STREAM},line="A"}`, "0+500x20"],
        [`edgebook_collector_line_packets_total{${BOOK_STREAM},line="B"}`, "0+500x5 2500x15"],
      ],
      fires: { ...OF_STREAM, line: "B" },
    },
  },
  {
    name: "EdgebookSpoolFull",
    severity: "critical",
    when:
      "increase(edgebook_collector_spool_refused_total[5m]) > 0 or " +
      "increase(edgebook_collector_sink_missed_total[5m]) > 0",
    says: "The collector's spool cannot keep what is still to be sent: chunks are being lost.",
    mend: "Bring the broker back, or give the spool room (--spool-gib).",
    event: "spool_full",
    scene: {
      series: [
        [`edgebook_collector_spool_refused_total{${AT},cause="full"}`, "0x10 4+4x10"],
        [`edgebook_collector_sink_missed_total{${AT},sink="mqtt://b:1883"}`, "0x20"],
      ],
      fires: { instance: "host:9", cause: "full" },
    },
  },
  {
    name: "EdgebookSpoolFilling",
    severity: "warning",
    when: "edgebook_collector_spool_unsent_ratio > 0.5",
    holds: "1m",
    says: "More than half of the spool is chunks that a sink still lacks.",
    mend: "Is the broker there, is the centre behind? Then it empties by itself.",
    scene: {
      series: [[`edgebook_collector_spool_unsent_ratio{${AT}}`, "0x5 0.7x15"]],
      fires: { instance: "host:9" },
    },
  },
  {
    name: "EdgebookBrokerGone",
    severity: "critical",
    when: "edgebook_collector_sink_connected == 0 or edgebook_source_connected == 0",
    holds: "30s",
    says: "The broker {{ $labels.sink }}{{ $labels.source }} is not there.",
    mend: "Start it. Collectors keep everything in their spools and send it then.",
    event: "broker_gone",
    scene: {
      series: [[`edgebook_collector_sink_connected{${AT},sink="mqtt://b:1883"}`, "1x10 0x10"]],
      fires: { instance: "host:9", sink: "mqtt://b:1883" },
    },
  },
  {
    name: "EdgebookKafkaBehind",
    severity: "warning",
    when: "edgebook_source_lag_seconds > 60 or edgebook_lake_topic_lag_seconds > 900",
    holds: "2m",
    says: "The reader of {{ $labels.topic }}/{{ $labels.partition }} is behind.",
    mend: "More members of the group, or more partitions: docs/KAFKA.md. Does the reader stand still?",
    scene: {
      series: [[`edgebook_source_lag_seconds{${AT},topic="f",partition="0"}`, "0x4 90x16"]],
      fires: { instance: "host:9", topic: "f", partition: "0" },
    },
  },
  {
    name: "EdgebookShardDown",
    severity: "critical",
    when: "edgebook_shard_up == 0",
    holds: "30s",
    says: "Shard {{ $labels.shard }} of the book service cannot be asked.",
    mend: "Its log says why it failed; the other shards go on.",
    event: "shard_failed",
    scene: {
      series: [[`edgebook_shard_up{${AT},shard="2"}`, "1x10 0x10"]],
      fires: { instance: "host:9", shard: "2" },
    },
  },
  {
    name: "EdgebookShardFailed",
    severity: "warning",
    when: "increase(edgebook_shard_restarts_total[5m]) > 0",
    says: "Shard {{ $labels.shard }} of the book service failed and began again.",
    mend: "Look for shard_failed in the log: the same chunk three times is set aside.",
    event: "shard_failed",
    scene: {
      series: [[`edgebook_shard_restarts_total{${AT},shard="1"}`, "0x10 1x10"]],
      fires: { instance: "host:9", shard: "1" },
    },
  },
  {
    name: "EdgebookChunksLost",
    severity: "critical",
    when: "increase(edgebook_chunks_lost_total[5m]) > 0",
    says: "Chunks were lost between a collector and the books.",
    mend: "Their collector could not send them again: its spool was too small or is gone, or nobody brought their dictionary.",
    scene: {
      series: [[`edgebook_chunks_lost_total{${AT}}`, "0x10 2x10"]],
      fires: { instance: "host:9" },
    },
  },
  {
    name: "EdgebookChunkSetAside",
    severity: "critical",
    when: "increase(edgebook_chunks_quarantined_total[5m]) > 0",
    says: "A chunk broke a shard three times and was set aside.",
    mend: "It lies in quarantine/ of the service's --state: a bug of ours. Send it to us.",
    event: "chunk_set_aside",
    scene: {
      series: [[`edgebook_chunks_quarantined_total{${AT}}`, "0x10 1x10"]],
      fires: { instance: "host:9" },
    },
  },
  {
    name: "EdgebookKernelDrops",
    severity: "warning",
    when: "increase(edgebook_collector_kernel_dropped_total[5m]) > 0",
    says: "The kernel drops datagrams before the collector has them.",
    mend: "More room (net.core.rmem_max), a core of its own, or --capture ring.",
    scene: {
      series: [[`edgebook_collector_kernel_dropped_total{${AT}}`, "0x10 90x10"]],
      fires: { instance: "host:9" },
    },
  },
  {
    name: "EdgebookLinesDisagree",
    severity: "warning",
    when: "increase(edgebook_collector_line_conflicts_total[5m]) > 0",
    says: "Lines of stream {{ $labels.stream }} of {{ $labels.feed }} brought different bytes.",
    mend: "Compare the copies in /v1/gaps: one of the two is wrong and nobody can say which.",
    scene: {
      series: [[`edgebook_collector_line_conflicts_total{${BOOK_STREAM},line="B"}`, "0x10 1x10"]],
      fires: { ...OF_STREAM, line: "B" },
    },
  },
  {
    name: "EdgebookClockUnknown",
    severity: "warning",
    when: "edgebook_collector_clock_disciplined == 0",
    holds: "2m",
    says: "Nothing keeps the clock of the capture times right.",
    mend: "Run chrony or ptp4l on the capture host; latencies are guesses until then.",
    scene: {
      series: [[`edgebook_collector_clock_disciplined{${AT}}`, "0x20"]],
      fires: { instance: "host:9" },
    },
  },
  {
    name: "EdgebookBooksLate",
    severity: "warning",
    when: `${LATE} > 1`,
    holds: "1m",
    says: "Books of {{ $labels.feed }} are more than a second behind the capture.",
    mend: "Which stage? The books' dashboard shows arrival and books apart; then more --shards.",
    scene: {
      series: [
        [`edgebook_capture_to_book_seconds_bucket{${AT},feed="nse-fo",le="1"}`, "0x20"],
        [`edgebook_capture_to_book_seconds_bucket{${AT},feed="nse-fo",le="2.5"}`, "0+9x20"],
        [`edgebook_capture_to_book_seconds_bucket{${AT},feed="nse-fo",le="+Inf"}`, "0+9x20"],
      ],
      fires: { instance: "host:9", feed: "nse-fo" },
    },
  },
  {
    name: "EdgebookProcessGone",
    severity: "critical",
    when: 'up{job=~"edgebook.*"} == 0',
    holds: "1m",
    says: "{{ $labels.instance }} of {{ $labels.job }} does not answer.",
    mend: "Start it again; a collector's spool and the books' checkpoints bring back what was.",
    scene: {
      series: [[`up{${AT},job="edgebook-book"}`, "1x5 0x15"]],
      fires: { instance: "host:9", job: "edgebook-book" },
    },
  },
  {
    name: "EdgebookLakeIncomplete",
    severity: "warning",
    when: "edgebook_lake_stream_lost > 0",
    says: "The lake lacks numbers of stream {{ $labels.stream }} of {{ $labels.feed }}.",
    mend: "The table `gaps` says which; ingest the day again from another capture with --replace.",
    scene: {
      series: [[`edgebook_lake_stream_lost{${BOOK_STREAM}}`, "12x20"]],
      fires: OF_STREAM,
    },
  },
];
