/**
 * The whole state of a book service's core, `Live`, as a graph: intake, sequencers, decoders, books,
 * ledgers, certificates, the join. Whatever is restored goes on exactly as if nothing had been.
 *
 * Not part of it: options, ports, what a decoder reads from contract files, and scratch that is
 * filled anew with every chunk.
 */
import { FEEDS } from "../../feed/registry.ts";
import { Runs } from "../../streams/certificate-runs.ts";
import { EpochTally } from "../../streams/certificate-tally.ts";
import { SequenceDigest } from "../../streams/digest.ts";
import { OpenGaps } from "../../streams/gaps.ts";
import { Held } from "../../streams/held.ts";
import { Line } from "../../streams/line.ts";
import { Ranges } from "../../streams/ranges.ts";
import { Recent } from "../../streams/recent.ts";
import { SnapshotImage } from "../../streams/splice-image.ts";
import { Stream } from "../../streams/stream.ts";
import { Suspect } from "../../streams/suspect.ts";
import { GapMarks } from "../asof/gap-marks.ts";
import { StreamClock } from "../asof/stream-clock.ts";
import type { Live } from "../live.ts";
import { PLAIN_MEMORY } from "../memory.ts";
import { NumberRanges } from "../number-ranges.ts";
import { RowRing } from "../row-ring.ts";
import type { Graph, GraphRules } from "./graph.ts";
import { captureGraph, writeLists } from "./graph-capture.ts";
import { restoreGraph, type StoredGraph } from "./graph-restore.ts";

/** What has to be opened before a graph can be put in: feeds, and their streams by index. */
export interface Outline {
  readonly id: string;
  /** The exchange's stream ids; null where the stream has delivered nothing yet. */
  readonly streams: readonly (number | null)[];
}

export interface LiveState {
  readonly outline: readonly Outline[];
  readonly graph: Graph;
}

export interface StoredLive {
  readonly outline: readonly Outline[];
  readonly graph: StoredGraph;
}

const RULES: GraphRules = {
  classes: [
    EpochTally,
    GapMarks,
    Held,
    Line,
    NumberRanges,
    OpenGaps,
    Ranges,
    Recent,
    RowRing,
    Runs,
    SequenceDigest,
    SnapshotImage,
    Stream,
    StreamClock,
    Suspect,
  ],
  keeps: {
    Arrival: "*",
    BestRows: ["head", "columns"],
    BookPipeline: ["options", "ops"],
    ChunkUnpacker: "*",
    // What it was made with; the day and the counts are state.
    DayGate: ["sessions", "channels", "framing", "packets", "part", "epochSec", "pinned", "span"],
    Epochs: ["view"],
    // Made again of the names: a hundred thousand entries would be walked in every stop.
    Instruments: ["masters", "byName"],
    Intake: ["ports", "options"],
    Latencies: "*",
    Live: ["options", "clears", "dayNotices", "news"],
    MboRows: "*",
    MessageBatch: "*",
    NseDecoder: ["masters"],
    OpBatch: "*",
    PacketBatch: "*",
    Securities: ["masters"],
    Symbols: ["masters"],
    TradeRows: "*",
  },
  besides: { OrderBooks: ["anomalies"], LevelBooks: ["anomalies"] },
  shared: new Map<string, object>([
    ...FEEDS.map((feed): [string, object] => [`feed ${feed.id}`, feed]),
    ...FEEDS.flatMap((feed): [string, object][] =>
      feed.recovery === undefined ? [] : [[`recovery of ${feed.id}`, feed.recovery]],
    ),
    ["memory", PLAIN_MEMORY],
  ]),
};

/**
 * What cannot wait of it: `writeLists` is to follow before the graph is read.
 * @param room see `captureGraph`
 * @throws GraphError the core holds something that is no state: a mistake in the program
 */
export function captureLive(live: Live, room?: unknown[][]): LiveState {
  const outline = [...live.feeds].map(([id, { pipeline }]) => ({
    id,
    streams: pipeline.streams.map((stream) => stream?.id ?? null),
  }));
  return { outline, graph: captureGraph(rootOf(live), RULES, room) };
}

/** The whole state at once. Buffers are the live ones: copy them before the core goes on. */
export function wholeState(live: Live): LiveState {
  const state = captureLive(live);
  for (const _ of writeLists(state.graph));
  return state;
}

/**
 * @param live made with the same options and nothing pushed yet; of no use after an error
 * @throws GraphError the state is not one of this version and these options
 */
export function restoreLive(live: Live, { outline, graph }: StoredLive): void {
  for (const { id, streams } of outline) live.reopen(id, streams);
  restoreGraph(graph, rootOf(live), RULES);
  for (const { feed, pipeline } of live.feeds.values()) {
    // Contract files are read anew at every start: what they say may have changed.
    const masters = live.options.decoderFor?.(feed).masters;
    for (const stream of pipeline.streams) {
      stream?.decoder.instruments.readAgain((name) => masters?.get(name));
    }
  }
}

/** Streams first: whatever else refers to one of them then finds the one that was opened. */
function rootOf(live: Live): object {
  const opened = [...live.feeds.values()].map(({ pipeline, streams }) => [
    pipeline.streams,
    streams,
  ]);
  return { opened, live };
}
