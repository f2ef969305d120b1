/**
 * What must hold of a world, each as a function of its own that gives what does not, in words. The
 * simulator's vocabulary is that of the house: held, flagged, lost, repaired.
 */

import type { Books } from "../book/books.ts";
import type { StreamJson } from "../book/live-status.ts";
import type { PipelineStream } from "../book/pipeline.ts";
import { RowFlag } from "../feed/message-batch.ts";
import { CHUNK_BYTES_LIMIT } from "../frames/chunk-header.ts";
import type { GapRow } from "../streams/ledger.ts";
import { DEFAULT_OPTIONS } from "../streams/options.ts";
import { differingBook } from "./world/book-compare.ts";
import { Broker } from "./world/broker.ts";
import { HOLD_BYTES } from "./world/centre.ts";
import type { Command } from "./world/commands.ts";
import type { Skipped, WatchedEpoch, WatchedStream } from "./world/delivery-watch.ts";
import { QUEUE } from "./world/wire.ts";
import type { World } from "./world/world.ts";

/** A book that is not flagged is the auditor's at the number it stands at, held or not. */
export function booksAreRight(world: World): string[] {
  const { watch, feed } = world.centre;
  if (watch === null || feed === undefined) return [];
  const problems: string[] = [];
  for (const [index, stream] of watch.streams.entries()) {
    const target = feed.pipeline.streams[index];
    if (stream === undefined || target?.books == null || Number.isNaN(stream.last)) continue;
    if (stream.isUndecidable) continue;
    // One that joined where the exchange began has missed nothing.
    if (stream.isGap || !Number.isNaN(stream.lostFrom)) continue;
    const isWhole = stream.first === stream.truth.epochs[stream.epoch]?.first;
    if (!isWhole && !stream.isSpliced) continue;
    const where = `stream ${target.id} at ${stream.last}`;
    const text = differsFromTruth(stream, target, target.books);
    if (text !== undefined) problems.push(`${where}: ${text}`);
  }
  return problems;
}

function differsFromTruth(
  stream: WatchedStream,
  target: PipelineStream,
  books: Books,
): string | undefined {
  const latest = stream.isEpochOpen ? stream.truth.epochs.length - 1 : stream.epoch;
  let first: string | undefined;
  for (let epoch = stream.epoch; epoch <= latest; epoch++) {
    const text = differsInEpoch(stream, target, books, epoch);
    if (text === undefined) return undefined;
    first ??= text;
  }
  return first;
}

function differsInEpoch(
  stream: WatchedStream,
  target: PipelineStream,
  books: Books,
  epoch: number,
): string | undefined {
  const expected = stream.audited.booksAt(epoch, stream.last);
  if (expected === undefined) return "that was never sent";
  const { liveOrders } = stream.audited;
  if (books.liveOrders !== liveOrders) return `${books.liveOrders} orders, not ${liveOrders}`;
  const mode = stream.isSpliced ? "members" : "places";
  return differingBook(target, books, expected, mode);
}

/**
 * What the service says of a stream follows from what it applied: flagged `G` if and only if numbers
 * are left out, `J` if and only if its first is not 1, and right where it says neither.
 */
export function flaggedExactlyWhenDoubtful(world: World, said: readonly StreamJson[]): string[] {
  const problems: string[] = [];
  for (const { stream: id, flags, state, position } of said) {
    const stream = world.centre.watch?.streams.find((own) => own?.truth.id === id);
    if (stream?.isUndecidable) continue;
    const where = `stream ${id} says ${state} with the flags '${flags}' at ${position}`;
    if (stream === undefined || Number.isNaN(stream.first)) {
      const stands = Number(position ?? 0);
      const lost = stream !== undefined && !Number.isNaN(stream.lostFrom);
      if (state === "live" && stands > 0 && !lost && flags === "") {
        problems.push(`${where}, and has applied nothing`);
      }
      continue;
    }
    const isGap = (stream.flags & RowFlag.Gap) !== 0;
    const isLate = (stream.flags & RowFlag.JoinedLate) !== 0;
    if (flags.includes("G") !== isGap) {
      problems.push(`${where}, and ${isGap ? "has lost numbers" : "has lost nothing"}`);
    }
    if (flags.includes("J") !== isLate) problems.push(`${where}, and began at ${stream.first}`);
    if (state === "live" && (isGap || isLate)) problems.push(`${where}, and is doubtful`);
  }
  return problems;
}

/** Each number is applied once, in order, in its epoch, in bytes that arrived. */
export function eachNumberOnce(world: World): readonly string[] {
  return world.centre.watch?.problems ?? [];
}

/** Every number that was left out is in the ledger as lost, once, and no other is. */
export function ledgerAccounts(world: World): string[] {
  const { watch, feed } = world.centre;
  if (watch === null || feed === undefined) return [];
  const { sequencer } = feed.pipeline;
  sequencer.stats();
  const problems: string[] = [];
  for (const stream of watch.streams) {
    if (stream === undefined) continue;
    stream.epochs.forEach((own, epoch) => {
      const mine = (row: { stream: number; epoch: number }) =>
        row.stream === stream.truth.id && row.epoch === epoch;
      const byImage = sequencer.ledger.repaired
        .list()
        .filter((row) => mine(row) && row.repairedBy === "snapshot");
      // A snapshot covers numbers whose messages nobody has: left out, and made good.
      const missing = merged([...sequencer.ledger.lost.list().filter(mine), ...byImage]);
      const expected = expectedMissing(own, missing);
      if (textOf(missing) !== textOf(expected)) {
        problems.push(
          `stream ${stream.truth.id}, epoch ${epoch}: the ledger has ${textOf(missing)} lost or ` +
            `covered by snapshots, left out were ${textOf(expected)}`,
        );
      }
      const row = sequencer.ledger.epochs.list().find(mine);
      if (row !== undefined && row.delivered !== own.applied) {
        problems.push(
          `stream ${stream.truth.id}, epoch ${epoch}: the ledger has ${row.delivered} delivered, ` +
            `${own.applied} were applied`,
        );
      }
      problems.push(...repairsAreTrue(stream, own, sequencer.ledger.repaired.list().filter(mine)));
    });
  }
  return problems;
}

/** What was repaired was applied, and stands in one row only. */
function repairsAreTrue(
  stream: WatchedStream,
  own: WatchedEpoch,
  rows: readonly GapRow[],
): string[] {
  const sorted = [...rows].sort((a, b) => a.from - b.from);
  const problems: string[] = [];
  for (const [at, { from, to, repairedBy }] of sorted.entries()) {
    const before = sorted[at - 1];
    const where = `stream ${stream.truth.id}: the row of repaired ${from}..${to}`;
    if (before !== undefined && before.to >= from) problems.push(`${where} overlaps another`);
    const isLost =
      repairedBy !== "snapshot" && own.skipped.some((gap) => gap.from <= to && gap.to >= from);
    if (isLost) problems.push(`${where} names numbers that were left out`);
  }
  return problems;
}

function expectedMissing(own: WatchedEpoch, missing: readonly Skipped[]): Skipped[] {
  // Lost at the end, nobody behind it says how far: the ledger does.
  const tail = Number.isNaN(own.lostFrom)
    ? []
    : [{ from: own.lostFrom, to: missing.at(-1)?.to ?? 0 }];
  return merged([...own.skipped, ...own.covered, ...tail]);
}

/** Neighbours joined, lowest first. */
function merged(ranges: readonly Skipped[]): Skipped[] {
  const out: { from: number; to: number }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = out.at(-1);
    if (last !== undefined && from <= last.to + 1 && from > last.to) last.to = to;
    else out.push({ from, to });
  }
  return out;
}

const textOf = (ranges: readonly Skipped[]) =>
  ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}..${to}`)).join(" ") || "nothing";

/**
 * The first copy of a number is used, and nobody can know that it is the false one: but where another
 * came, the ledger says so. Looked at where everything captured reaches the centre in the end.
 */
export function conflictsAreCounted(world: World): string[] {
  const { isRepairable, servers, commands } = world.given;
  const mayMiss = servers.offer !== "nothing" || commands.some(isKill);
  const stats = world.centre.feed?.pipeline.sequencer.stats();
  if (!isRepairable || mayMiss || stats === undefined) return [];
  const problems: string[] = [];
  for (const { id, conflicts } of world.truth.streams.values()) {
    const own = stats.streams.find(({ stream }) => stream === id);
    // The other copy may come when its epoch is over: then it is late.
    const counted = own === undefined ? 0 : own.conflicts + own.late;
    if (counted < conflicts) {
      problems.push(
        `stream ${id}: ${conflicts} numbers came with two sets of bytes, ${counted} are counted`,
      );
    }
  }
  return problems;
}

const isKill = ({ kind }: Command) => kind === "kill collector";

/** No queue is ever longer than it may be. */
export function queuesStayBounded(world: World): string[] {
  const { centre, broker, edges, wire } = world;
  const problems: string[] = [];
  const heldMost = HOLD_BYTES + CHUNK_BYTES_LIMIT;
  if (centre.heldBytesMax > heldMost) problems.push(`the intake held ${centre.heldBytesMax} bytes`);
  if (broker.waitingMax > Broker.bound(edges.length)) {
    problems.push(`${broker.waitingMax} chunks waited for the broker`);
  }
  const memory = centre.feed?.pipeline.sequencer.stats().heldMemoryBytes ?? 0;
  if (memory > DEFAULT_OPTIONS.windowBytes) problems.push(`the windows took ${memory} bytes`);
  for (const faults of wire.faults) {
    if (faults.waiting > QUEUE) problems.push(`${faults.waiting} datagrams are on their way`);
  }
  return problems;
}

/** The exchange's rules for those who ask are kept. */
export function recoveryKeepsLimits(world: World): string[] {
  const { ticks, snapshot } = world.servers;
  return [...ticks.violations.records, ...snapshot.violations.records];
}

/** Chunks give back every frame byte for byte. */
export function chunksGiveBack(world: World): string[] {
  return world.edges.flatMap((edge) => [...edge.problems, ...edge.missing()]);
}

/** When every fault can be made good: after quiet every book is valid and complete, nothing lost. */
export function whatCanBeRepairedIs(world: World, said: readonly StreamJson[]): string[] {
  if (!world.given.isRepairable) return [];
  const problems: string[] = [];
  for (const { id, epochs } of world.truth.streams.values()) {
    const epoch = epochs.length - 1;
    if (epoch < 0) continue;
    const own = world.centre.watch?.streams.find((stream) => stream?.truth.id === id);
    const json = said.find(({ stream }) => stream === id);
    const where = `stream ${id}`;
    if (own === undefined || json === undefined) {
      problems.push(`${where} never reached the books`);
      continue;
    }
    const last = world.truth.streams.get(id)?.lastOf(epoch);
    if (own.epoch !== epoch || own.last !== last) {
      problems.push(
        `${where} stands at ${own.last} of epoch ${own.epoch}, not ${last} of ${epoch}`,
      );
    }
    if (json.position !== `${last}`) {
      problems.push(`${where} says that it stands at ${json.position}, not ${last}`);
    }
    const canHeal = world.given.servers.offer !== "nothing";
    const doubt = json.flags.replace(epochs[epoch].first === 1 || canHeal ? "" : "J", "");
    if (doubt !== "" || json.state === "held") {
      problems.push(`${where} is ${json.state}, flagged '${json.flags}' after quiet`);
    }
    if (own.first !== epochs[epoch].first && !own.isSpliced) {
      problems.push(`${where} lacks what came before ${own.first}`);
    }
  }
  return problems;
}
