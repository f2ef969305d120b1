/** Metrics of a collector: the wire, its lines, the spool, where chunks go, the capture's clock. */
import type { MetricSpec } from "./metric-spec.ts";

const room = "collector";
const STREAM = ["feed", "stream"] as const;
const LINE = ["feed", "stream", "line"] as const;
const SINK = ["sink"] as const;

const counter = { type: "counter", room } as const;
const gauge = { type: "gauge", room } as const;

export const COLLECTOR_METRICS = {
  collector_info: {
    ...gauge,
    unit: "1",
    labels: ["collector", "version", "clock"],
    help: "Which collector runs, and whose clock gives the capture times.",
  },
  collector_uptime_seconds: {
    ...gauge,
    unit: "seconds",
    labels: [],
    help: "Since the collector began.",
  },
  collector_memory_bytes: {
    ...gauge,
    unit: "bytes",
    labels: [],
    help: "Resident memory of this collector.",
  },
  collector_frames_total: {
    ...counter,
    unit: "datagrams",
    labels: [],
    help: "Datagrams received.",
  },
  collector_frames_forwarded_total: {
    ...counter,
    unit: "datagrams",
    labels: [],
    help: "Datagrams put into chunks.",
  },
  collector_copies_total: {
    ...counter,
    unit: "datagrams",
    labels: [],
    help: "Datagrams left out since they only repeated.",
  },
  collector_received_bytes_total: {
    ...counter,
    unit: "bytes",
    labels: [],
    help: "Payload received.",
  },
  collector_kernel_dropped_total: {
    ...counter,
    unit: "datagrams",
    labels: [],
    help: "Datagrams that the kernel dropped: its ring or buffer was full.",
  },
  collector_lost_total: {
    ...counter,
    unit: "sequence numbers",
    labels: ["cause"],
    help: "Numbers lost, by whom: wire, kernel, process, or transport (left the spool unsent).",
  },
  collector_chunks_total: {
    ...counter,
    unit: "chunks",
    labels: [],
    help: "Chunks packed.",
  },
  collector_chunk_bytes_total: {
    ...counter,
    unit: "bytes",
    labels: [],
    help: "What the chunks weigh.",
  },
  collector_capture_to_chunk_seconds: {
    type: "histogram",
    room,
    unit: "seconds",
    labels: [],
    help: "From a chunk's last capture until it was packed and on its way.",
  },
  collector_clock_doubt_seconds: {
    ...gauge,
    unit: "seconds",
    labels: [],
    help: "The most that the clock of the capture times may be off; absent: nobody knows.",
  },
  collector_clock_disciplined: {
    ...gauge,
    unit: "1",
    labels: [],
    help: "1: something keeps the clock of the capture times right and says how well.",
  },
  collector_stream_messages_total: {
    ...counter,
    unit: "messages",
    labels: STREAM,
    help: "Messages seen, each number once.",
  },
  collector_stream_lost_total: {
    ...counter,
    unit: "sequence numbers",
    labels: STREAM,
    help: "Numbers that no line brought, nor a request.",
  },
  collector_stream_open_gaps: {
    ...gauge,
    unit: "gaps",
    labels: STREAM,
    help: "Gaps that are waited for.",
  },
  collector_stream_epoch: {
    ...gauge,
    unit: "epochs",
    labels: STREAM,
    help: "How often the stream's numbers began again.",
  },
  collector_line_packets_total: {
    ...counter,
    unit: "packets",
    labels: LINE,
    help: "Packets that a line brought; 0 for a line that is joined and has brought none.",
  },
  collector_line_first_arrivals_total: {
    ...counter,
    unit: "sequence numbers",
    labels: LINE,
    help: "Numbers that a line brought first.",
  },
  collector_line_missed_numbers: {
    ...gauge,
    unit: "sequence numbers",
    labels: LINE,
    help: "Numbers that a line passed over; one that comes late takes its hole back.",
  },
  collector_line_conflicts_total: {
    ...counter,
    unit: "messages",
    labels: LINE,
    help: "Messages of a line whose bytes were not those of the first copy.",
  },
  collector_line_late_total: {
    ...counter,
    unit: "messages",
    labels: LINE,
    help: "Messages that a line brought when their gap had been lost already.",
  },
  collector_line_lead_seconds: {
    ...gauge,
    unit: "seconds",
    labels: LINE,
    help: "How much earlier a line is where it is first, the mean.",
  },
  collector_line_lead_seconds_max: {
    ...gauge,
    unit: "seconds",
    labels: LINE,
    help: "How much earlier a line was at most.",
  },
  collector_spool_bytes: {
    ...gauge,
    unit: "bytes",
    labels: [],
    help: "Chunks on the disk.",
  },
  collector_spool_limit_bytes: {
    ...gauge,
    unit: "bytes",
    labels: [],
    help: "What the spool may take: its limit or the disk's room.",
  },
  collector_spool_unsent_ratio: {
    ...gauge,
    unit: "ratio",
    labels: [],
    help: "Share of the spool's limit that chunks take which some sink still lacks.",
  },
  collector_spool_dropped_total: {
    ...counter,
    unit: "chunks",
    labels: ["cause"],
    help: "Chunks that left the spool, by what pushed them out: size, age, room.",
  },
  collector_spool_refused_total: {
    ...counter,
    unit: "chunks",
    labels: ["cause"],
    help: "Chunks that the spool did not take, by why: full, no_room, error.",
  },
  collector_sink_connected: {
    ...gauge,
    unit: "1",
    labels: SINK,
    help: "1: the broker that chunks go to is there.",
  },
  collector_sink_sent_total: {
    ...counter,
    unit: "chunks",
    labels: SINK,
    help: "Chunks that a sink took.",
  },
  collector_sink_sent_bytes_total: {
    ...counter,
    unit: "bytes",
    labels: SINK,
    help: "Bytes that a sink took, those sent again included.",
  },
  collector_sink_resent_total: {
    ...counter,
    unit: "chunks",
    labels: SINK,
    help: "Chunks sent again since a centre asked.",
  },
  collector_sink_behind_chunks: {
    ...gauge,
    unit: "chunks",
    labels: SINK,
    help: "Chunks that a sink has not taken yet.",
  },
  collector_sink_unconfirmed_chunks: {
    ...gauge,
    unit: "chunks",
    labels: SINK,
    help: "Chunks that no centre has said to have.",
  },
  collector_sink_missed_total: {
    ...counter,
    unit: "chunks",
    labels: SINK,
    help: "Chunks that had left memory and spool before a sink took them.",
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;
