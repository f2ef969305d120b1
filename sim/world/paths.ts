/**
 * By which path each fault was made good, counted: the proof that a check has tried what it is for.
 * A number, a chunk or a process that was struck is looked up where the last life of the centre left
 * it.
 */
import type { GapRow } from "../../streams/ledger.ts";
import type { Skipped, WatchedEpoch, WatchedStream } from "./delivery-watch.ts";
import type { StruckChunk, StruckNumber } from "./strikes.ts";
import type { World } from "./world.ts";

/** In the order of the table's columns. */
export const PATHS = [
  "not missed",
  "other line",
  "same line, late",
  "resend",
  "other collector",
  "tick recovery",
  "snapshot",
  "new epoch",
  "flagged",
] as const;
export type Path = (typeof PATHS)[number];

/** How often each pair of fault and path was taken. */
export type PathCounts = Map<string, number>;

export const pairOf = (fault: string, path: Path) => `${fault}|${path}`;

export function countPaths(world: World): PathCounts {
  const counts: PathCounts = new Map();
  const add = (fault: string, path: Path | undefined) => {
    if (path === undefined) return;
    const pair = pairOf(fault, path);
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  };
  const finder = new PathFinder(world);
  for (const struck of world.strikes.numbers) add(struck.fault, finder.ofNumber(struck));
  for (const struck of noiseNumbers(world)) add(struck.fault, finder.ofNumber(struck));
  for (const struck of world.strikes.chunks) add(`chunk ${struck.fault}`, finder.ofChunk(struck));
  for (const process of world.strikes.processes) {
    for (const path of finder.ofProcess(process)) add(process, path);
  }
  for (const restart of world.given.restartAtMs) {
    if (restart > 0) for (const path of finder.ofRestart()) add("exchange restart", path);
  }
  for (const [fault, path] of finder.ofServers()) add(fault, path);
  return counts;
}

/** What chance struck, as far as the faults wrote it down; of the first epoch where there are more. */
function* noiseNumbers(world: World): Generator<StruckNumber> {
  for (const { log } of world.wire.faults) {
    for (const { fault, where, stream, first, last } of log.records) {
      if (fault === "outage" || Number.isNaN(stream)) continue;
      for (let number = first; number <= last; number++) {
        const line = where === "A" ? 0 : 1;
        yield { fault, stream, epoch: world.given.restartAtMs.length > 0 ? -1 : 0, number, line };
      }
    }
  }
}

class PathFinder {
  private readonly world: World;
  private readonly repaired: readonly GapRow[];
  /** By stream: ranges of numbers that came in chunks that were sent again. */
  private readonly resent = new Map<number, Skipped[]>();

  constructor(world: World) {
    this.world = world;
    this.repaired = world.centre.feed?.pipeline.sequencer.ledger.repaired.list() ?? [];
    for (const chunk of world.broker.resentChunks) {
      const ranges = this.resent.get(chunk.stream) ?? [];
      this.resent.set(chunk.stream, ranges);
      ranges.push({ from: chunk.firstSequence, to: chunk.lastSequence });
    }
  }

  ofNumber({ stream, epoch, number, line }: StruckNumber): Path | undefined {
    const watched = this.world.centre.watch?.streams.find((one) => one?.truth.id === stream);
    if (watched === undefined || epoch < 0) return undefined;
    const index = watched.epochs.findIndex((own) => own.epoch === epoch);
    const own = watched.epochs[index];
    if (own === undefined) return undefined;
    if (own.recovered.some(holds(number))) return "tick recovery";
    if (own.covered.some(holds(number))) return "snapshot";
    const row = this.repaired.find(
      (gap) => gap.stream === stream && gap.epoch === index && holds(number)(gap),
    );
    if (row?.repairedBy === "snapshot") return "snapshot";
    if (row?.repairedBy === "recovery") return "tick recovery";
    if (isMissing(own, number)) {
      if (index < watched.former.length) return "new epoch";
      return own.isSpliced && !watched.isGap ? "snapshot" : "flagged";
    }
    if (row !== undefined) {
      const name = ["line A", "line B"][line];
      return row.repairedBy === name ? "same line, late" : "other line";
    }
    return this.resent.get(stream)?.some(holds(number)) ? "resend" : "not missed";
  }

  ofChunk({ fault, collector, boot, chunk, stream }: StruckChunk): Path | undefined {
    const { centre, broker } = this.world;
    if (centre.live === null) return undefined;
    if (fault === "repeat" || fault === "overtake") return "not missed";
    if (broker.resent.has(`${collector}/${boot}/${chunk}`)) return "resend";
    const watched = centre.watch?.streams.find((one) => one?.truth.id === stream);
    return watched === undefined ? undefined : this.ofStream(watched);
  }

  /** How each stream stands after a process was gone. */
  ofProcess(fault: string): Path[] {
    const { centre, given } = this.world;
    const hasTwin = fault === "kill collector" && given.collectors > 1;
    return (centre.watch?.streams ?? []).flatMap((stream) => {
      if (stream === undefined) return [];
      const path = this.ofStream(stream);
      return hasTwin && (path === "resend" || path === "not missed") ? "other collector" : path;
    });
  }

  /** What a stream owes its state to, the last resort first. */
  private ofStream(stream: WatchedStream): Path {
    const isWhole = stream.first === stream.truth.epochs[stream.epoch]?.first;
    if (stream.isGap || !Number.isNaN(stream.lostFrom)) return "flagged";
    if (stream.isSpliced) return "snapshot";
    if (!isWhole) return "flagged";
    if (stream.recovered.length > 0) return "tick recovery";
    return this.resent.has(stream.truth.id) ? "resend" : "not missed";
  }

  ofRestart(): Path[] {
    const found: Path[] = [];
    for (const stream of this.world.centre.watch?.streams ?? []) {
      if (stream !== undefined && stream.former.length > 0) found.push("new epoch");
    }
    return found;
  }

  /** A fault of a server, and how what it was asked for came in the end. */
  *ofServers(): Generator<[fault: string, path: Path | undefined]> {
    const { servers, centre, given } = this.world;
    const epoch = given.restartAtMs.length > 0 ? -1 : 0;
    for (const { fault, stream, first, last } of servers.tickFaults.log.records) {
      for (let number = first; number <= last && !Number.isNaN(stream); number++) {
        yield [`recovery ${fault}`, this.ofNumber({ fault, stream, epoch, number, line: -1 })];
      }
    }
    for (const { fault, stream } of servers.snapshotFaults.log.records) {
      const watched = centre.watch?.streams.find((one) => one?.truth.id === stream);
      if (watched !== undefined) yield [`snapshot ${fault}`, needed(this.ofStream(watched))];
    }
    // Who is turned away has not said yet what for.
    const worst = this.worst();
    const { tickFaults, snapshotFaults } = servers;
    for (let at = tickFaults.log.counts.get("refuse") ?? 0; at > 0; at--) {
      yield ["recovery refuse", worst];
    }
    for (let at = snapshotFaults.log.counts.get("refuse") ?? 0; at > 0; at--) {
      yield ["snapshot refuse", worst === undefined ? worst : needed(worst)];
    }
  }

  /** Of the stream that needed the most. */
  private worst(): Path | undefined {
    const all = (this.world.centre.watch?.streams ?? []).map((stream) =>
      stream === undefined ? -1 : PATHS.indexOf(this.ofStream(stream)),
    );
    const path = PATHS[Math.max(-1, ...all)];
    return path === "resend" ? "not missed" : path;
  }
}

/** Who asked for an image got one, never did, or did without: all came by other ways. */
const needed = (path: Path): Path =>
  path === "snapshot" || path === "flagged" ? path : "not missed";

function isMissing(own: WatchedEpoch, number: number): boolean {
  if (own.skipped.some(holds(number)) || number < own.first) return true;
  return Number.isNaN(own.last) || number > own.last;
}

const holds =
  (number: number) =>
  ({ from, to }: Skipped): boolean =>
    number >= from && number <= to;
