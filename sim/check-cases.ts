/**
 * Random cases. Half of them are drawn so that all that goes wrong can be made good: then the books
 * must be whole in the end. In the other half anything may happen, and books must only never lie.
 */
import fc from "fast-check";
import type { LineFaults } from "../faults/line-faults.ts";
import type { ServersCase, WorldCase } from "./world/case.ts";
import {
  type ChunkCommandKind,
  type Command,
  type LineChoice,
  type LineCommandKind,
  SHARD_KILLS,
  type ShardKill,
} from "./world/commands.ts";

/** Messages of a case before bursts, which make them 2,000 on average. */
const MESSAGES = 1_600;
const PERMILLE = 1_000;

const NO_LIMIT = 2 ** 40;
const COMMANDS_MOST = 12;
const KILLS_MOST = 3;

/** Nought first, so that a shrunk case shows what matters only. */
const rate = (most: number) =>
  fc.oneof(
    { withCrossShrink: true },
    fc.constant(0),
    fc.integer({ min: 1, max: PERMILLE }).map((part) => (part / PERMILLE) * most),
  );

interface Ground {
  readonly seed: number;
  readonly segment: WorldCase["segment"];
  readonly streams: number;
  readonly instruments: number;
  readonly messagesPerSecond: number;
  readonly ordersPerStream: number;
  readonly firstSequence: number;
  readonly untilMs: number;
  readonly restartAtMs: readonly number[];
  readonly restartSilenceMs: number;
  readonly lineDelayUs: number;
  readonly keep: WorldCase["keep"];
  readonly codec: WorldCase["codec"];
}

const ground: fc.Arbitrary<Ground> = fc
  .record({
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    segment: fc.constantFrom(
      "nse-fo" as const,
      "nse-fo" as const,
      "nse-cm" as const,
      "nse-cd" as const,
    ),
    streams: fc.constantFrom(3, 3, 2, 1),
    instruments: fc.integer({ min: 3, max: 50 }),
    messagesPerSecond: fc.constantFrom(500, 1_000, 2_000, 4_000),
    ordersPerStream: fc.integer({ min: 20, max: 300 }),
    firstSequence: fc.constantFrom(1, 1, 1, 1, 1, 77, 2 ** 31 - 400, 2 ** 32 - 20_000),
    restarts: fc.constantFrom(0, 0, 0, 1, 1, 2),
    restartAt: fc.tuple(fc.integer({ min: 15, max: 50 }), fc.integer({ min: 55, max: 85 })),
    restartSilenceMs: fc.constantFrom(500, 100, 20, 0),
    lineDelayUs: fc.constantFrom(150, 1_000, 5_000, 0),
    keep: fc.constantFrom("first" as const, "both" as const),
    codec: fc.constantFrom("raw" as const, "raw" as const, "columns" as const),
  })
  .map(({ restarts, restartAt, ...rest }) => {
    const untilMs = Math.round((MESSAGES / rest.messagesPerSecond) * 1_000);
    const restartAtMs = restartAt
      .slice(0, restarts)
      .map((part) => Math.round((untilMs * part) / 100));
    // So that something is sent after it: of an epoch without messages nobody knows.
    const restartSilenceMs = Math.min(rest.restartSilenceMs, Math.floor(untilMs / 20));
    return { ...rest, untilMs, restartAtMs, restartSilenceMs };
  });

const withoutKills: fc.Arbitrary<WorldCase> = ground.chain((own) =>
  fc.oneof(
    { weight: 4, arbitrary: repairable(own) },
    { weight: 4, arbitrary: recoverable(own) },
    { weight: 4, arbitrary: anything(own) },
    { weight: 2, arbitrary: images(own) },
    { weight: own.restartAtMs.length === 0 ? 1 : 0, arbitrary: twins(own) },
  ),
);

/** Kills of the shard are drawn last, so that a seed's other faults stay what they were. */
export const caseArbitrary: fc.Arbitrary<WorldCase> = withoutKills.chain((given) => {
  // Of a boot that is over a new centre never hears, if no checkpoint of it is good.
  if (given.isRepairable && given.collectors > 1) return fc.constant(given);
  const most = given.isRepairable ? 300 : 800;
  const kill = fc
    .constantFrom(...SHARD_KILLS)
    .chain((kind) => processCommand(given, kind, 0, most));
  return fc
    .record({
      kills: fc.oneof(
        { weight: 1, arbitrary: fc.constant<Command[]>([]) },
        { weight: 2, arbitrary: fc.array(kill, { minLength: 1, maxLength: KILLS_MOST }) },
      ),
      part: fc.constantFrom(0.4, 0.2, 0.1),
    })
    .map(({ kills, part }) => {
      if (kills.length === 0) return given;
      const saveMs = Math.round(given.untilMs * part);
      return { ...given, saveMs, commands: [...given.commands, ...kills] };
    });
});

/**
 * Of two collectors one may be an epoch behind the other (a broker that was down, a spool that is
 * asked for late), and numbers alone do not tell: so restarts of the exchange meet one collector.
 */
const howMany = (own: Ground) =>
  own.restartAtMs.length > 0 ? fc.constant(1 as const) : fc.constantFrom(1 as const, 2 as const);

/** One line may do what it likes, the other brings everything; chunks are in the spool. */
function repairable(own: Ground): fc.Arbitrary<WorldCase> {
  return fc
    .record({
      line: fc.constantFrom(0 as const, 1 as const),
      windowMs: fc.constantFrom(100, 300),
      collectors: howMany(own),
      lossy: noisyLine(own, 20),
      chunks: noisyChunks(0.1),
      isNoisy: fc.boolean(),
      canKill: fc.boolean(),
    })
    .chain(({ line, windowMs, collectors, lossy, chunks, isNoisy, canKill }) => {
      const kinds: LineCommandKind[] = [
        "drop",
        "delay",
        "duplicate",
        "truncate",
        "corrupt",
        "foreign",
      ];
      if (own.firstSequence === 1) kinds.push("stale");
      // The later line's bytes are never the first of their number.
      if (line === 1 && own.lineDelayUs >= 1_000) kinds.push("conflict");
      // Of a boot that is over a new centre never hears; a dead collector's frames are gone, and then
      // the other's chunks have to come: that one was lost shows only by the next.
      const mayKill = collectors === 2 && canKill;
      const process = mayKill
        ? processCommand(own, "kill collector", 0, 400)
        : processCommand(own, collectors === 1 ? "restart shard" : "broker down", 0, 300);
      const command = fc.oneof(
        { weight: 6, arbitrary: lineCommand(own, [line], kinds, 40) },
        { weight: 1, arbitrary: outage(own, [line], 400) },
        { weight: 3, arbitrary: chunkCommand(collectors, mayKill ? ["repeat"] : undefined) },
        { weight: 1, arbitrary: processCommand(own, "broker down", 0, 400) },
        { weight: 1, arbitrary: process },
      );
      return fc.array(command, { maxLength: COMMANDS_MOST }).map((commands) => ({
        ...own,
        windowMs,
        collectors,
        spoolBytes: NO_LIMIT,
        holdMs: 3_000,
        noise: {
          lines: isNoisy ? (line === 0 ? [lossy, {}] : [{}, lossy]) : [{}, {}],
          chunks: isNoisy ? { ...chunks, ...(mayKill ? { lossRate: 0, corruptRate: 0 } : {}) } : {},
        } as WorldCase["noise"],
        servers: NO_SERVERS,
        commands,
        isRepairable: true,
      }));
    });
}

function anything(own: Ground): fc.Arbitrary<WorldCase> {
  const kinds: LineCommandKind[] = [
    "drop",
    "drop",
    "delay",
    "duplicate",
    "truncate",
    "corrupt",
    "conflict",
    "foreign",
  ];
  if (own.firstSequence === 1) kinds.push("stale");
  const command = fc.oneof(
    { weight: 6, arbitrary: lineCommand(own, [0, 1, 2, 2], kinds, 250) },
    { weight: 1, arbitrary: outage(own, [0, 1, 2], 600) },
    { weight: 3, arbitrary: chunkCommand(2) },
    { weight: 1, arbitrary: processCommand(own, "broker down", 0, 800) },
    { weight: 1, arbitrary: processCommand(own, "restart shard", 0, 800) },
    { weight: 1, arbitrary: processCommand(own, "kill collector", 0, 800) },
    { weight: 1, arbitrary: processCommand(own, "kill collector", 1, 800) },
  );
  return fc
    .record({
      windowMs: fc.constantFrom(100, 20, 0, 400),
      collectors: howMany(own),
      spoolBytes: fc.constantFrom(NO_LIMIT, NO_LIMIT, 20_000, 4_000),
      holdMs: fc.constantFrom(1_000, 300),
      lines: fc.tuple(noisyLine(own, 150), noisyLine(own, 150)),
      chunks: noisyChunks(0.3),
      isNoisy: fc.boolean(),
      servers: fc.oneof(
        fc.constant(NO_SERVERS),
        servers(own, ["both", "ticks", "snapshots"], 0.3, 0.6, [300, 1_000, 12_000]),
      ),
      commands: fc.array(command, { maxLength: COMMANDS_MOST }),
    })
    .map(({ lines, chunks, isNoisy, ...rest }) => ({
      ...own,
      ...rest,
      noise: { lines: isNoisy ? lines : [{}, {}], chunks: isNoisy ? chunks : {} },
      isRepairable: false,
    }));
}

/** Losses that only images can heal, and a server of images that is bad at it. */
function images(own: Ground): fc.Arbitrary<WorldCase> {
  const command = fc.oneof(
    { weight: 4, arbitrary: lineCommand(own, [2], ["drop"], 1) },
    { weight: 1, arbitrary: processCommand(own, "kill collector", 0, 800) },
    { weight: 1, arbitrary: processCommand(own, "restart shard", 0, 800) },
  );
  return fc
    .record({
      windowMs: fc.constantFrom(20, 100),
      servers: servers(own, ["snapshots"], 0, 0.8, [300, 1_000, 12_000]),
      commands: fc.array(command, { minLength: 2, maxLength: COMMANDS_MOST }),
    })
    .map((rest) => ({
      ...own,
      ...rest,
      collectors: 1,
      spoolBytes: 20_000,
      holdMs: 1_000,
      noise: { lines: [{}, {}], chunks: {} },
      isRepairable: false,
    }));
}

/** Two collectors that see all, and spools that soon forget: what is lost of one only the other has. */
function twins(own: Ground): fc.Arbitrary<WorldCase> {
  return fc
    .record({
      windowMs: fc.constantFrom(100, 400),
      spoolBytes: fc.constantFrom(4_000, 20_000),
      holdMs: fc.constantFrom(1_000, 300),
      commands: fc.array(chunkCommand(2, ["lose", "damage"]), {
        minLength: 1,
        maxLength: COMMANDS_MOST,
      }),
    })
    .map((rest) => ({
      ...own,
      ...rest,
      collectors: 2,
      servers: NO_SERVERS,
      noise: { lines: [{}, {}], chunks: {} },
      isRepairable: false,
    }));
}

/** Both lines may fail, and collectors and chunks too: the exchange's servers are there to be asked. */
function recoverable(own: Ground): fc.Arbitrary<WorldCase> {
  const kinds: LineCommandKind[] = ["drop", "drop", "delay", "duplicate", "truncate", "corrupt"];
  // A restart that nobody sees is a gap, or nothing at all, to whoever has only numbers.
  const isCalm = own.restartAtMs.length === 0;
  const command = fc.oneof(
    { weight: 6, arbitrary: lineCommand(own, isCalm ? [0, 1, 2, 2] : [0], kinds, 150) },
    { weight: 1, arbitrary: outage(own, isCalm ? [0, 1, 2] : [0], 400) },
    { weight: 4, arbitrary: chunkCommand(1, ["lose", "lose", "damage", "damage", ...CHUNK_KINDS]) },
    { weight: 1, arbitrary: processCommand(own, "broker down", 0, 400) },
    { weight: 1, arbitrary: processCommand(own, "restart shard", 0, 400) },
    { weight: isCalm ? 1 : 0, arbitrary: processCommand(own, "kill collector", 0, 400) },
  );
  return fc
    .record({
      windowMs: fc.constantFrom(100, 20, 300),
      spoolBytes: isCalm ? fc.constantFrom(NO_LIMIT, 20_000, 4_000) : fc.constant(NO_LIMIT),
      lines: fc.tuple(noisyLine(own, 20), noisyLine(own, 20)),
      chunks: noisyChunks(0.1),
      servers: servers(own, ["both"], 0.15),
      isNoisy: fc.boolean(),
      commands: fc.array(command, { maxLength: COMMANDS_MOST }),
    })
    .map(({ lines, chunks, isNoisy, ...rest }) => ({
      ...own,
      ...rest,
      collectors: 1,
      holdMs: 3_000,
      noise: { lines: isNoisy ? lines : [{}, {}], chunks: isNoisy ? chunks : {} },
      isRepairable: true,
    }));
}

function noisyLine(own: Ground, jitterMs: number): fc.Arbitrary<Partial<LineFaults>> {
  const stale = own.firstSequence === 1 ? rate(0.01) : fc.constant(0);
  return fc.record({
    lossRate: rate(0.2),
    burstEnterRate: rate(0.01),
    duplicateRate: rate(0.1),
    reorderRate: rate(0.05),
    reorderFrames: fc.integer({ min: 1, max: 8 }),
    jitterNs: fc.constantFrom(0, 0, 1e6, jitterMs * 1e6),
    truncateRate: rate(0.02),
    foreignRate: rate(0.02),
    staleRate: stale,
  });
}

const NO_SERVERS: ServersCase = {
  offer: "nothing",
  lagMs: 0,
  partly: "short",
  periodMs: 1_000,
  limits: { connections: 1, messagesPerRequest: 1, spacingMs: 10 },
  tickFaults: {},
  snapshotFaults: {},
};

/**
 * @param most the highest rate of each fault of the recovery server
 * @param imagesMost of the snapshot server
 * @param periodsMs between its images; beyond a case's length there is only the first
 */
const servers = (
  own: Ground,
  offers: readonly ServersCase["offer"][],
  most: number,
  imagesMost = most,
  periodsMs = [300, 1_000, 2_000],
): fc.Arbitrary<ServersCase> =>
  fc.record({
    offer: fc.constantFrom(...offers),
    lagMs: fc.constantFrom(0, 100, 400),
    partly: fc.constantFrom("short" as const, "error" as const),
    periodMs: fc.constantFrom(...periodsMs),
    limits: fc.record({
      connections: fc.constantFrom(13, 1, 2),
      messagesPerRequest: fc.constantFrom(300_000, 50, 7),
      spacingMs: fc.constantFrom(10, 50),
    }),
    tickFaults: fc.record({
      refuseRate: rate(most),
      errorRate: rate(most),
      shortRate: rate(most),
      cutRate: rate(most),
      wrongRate: rate(most),
      slowRate: rate(most),
      slowNs: fc.constantFrom(100e6, 600e6),
      notYetRate: rate(most),
      notYetNs: fc.constantFrom(200e6, 1e9),
      silenceRate: rate(most),
    }),
    snapshotFaults: fc.record({
      refuseRate: rate(imagesMost),
      errorRate: rate(imagesMost),
      // An image of the epoch before, with numbers that fit this one, cannot be told by anybody who
      // never saw that epoch.
      oldRate: own.restartAtMs.length > 0 ? fc.constant(0) : rate(Math.min(1, 1.5 * imagesMost)),
      // It nearly always heals its stream: only of many is one of no use.
      newerRate: fc.oneof(rate(imagesMost), fc.constant(imagesMost)),
      cutRate: rate(imagesMost),
      shuffleRate: rate(imagesMost),
      slowRate: rate(imagesMost),
      slowNs: fc.constantFrom(100e6, 600e6),
      silenceRate: rate(imagesMost),
    }),
  });

const noisyChunks = (most: number) =>
  fc.record({
    lossRate: rate(most),
    repeatRate: rate(0.2),
    reorderRate: rate(0.2),
    corruptRate: rate(most / 2),
  });

function lineCommand(
  own: Ground,
  lines: readonly LineChoice[],
  kinds: readonly LineCommandKind[],
  delayMs: number,
): fc.Arbitrary<Command> {
  return fc
    .record({
      kind: fc.constantFrom(...kinds),
      line: fc.constantFrom(...lines),
      stream: fc.integer({ min: 1, max: own.streams }),
      epoch: fc.integer({ min: 0, max: own.restartAtMs.length }),
      at: fc.oneof(fc.nat(12), fc.nat(Math.round(MESSAGES / own.streams))),
      count: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 400 })),
      byMs: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: delayMs })),
    })
    .map(({ at, count, ...rest }) => {
      const from = (rest.epoch === 0 ? own.firstSequence : 1) + at;
      return { ...rest, from, to: from + count - 1 };
    });
}

const outage = (own: Ground, lines: readonly LineChoice[], most: number): fc.Arbitrary<Command> =>
  fc.record({
    kind: fc.constant("outage" as const),
    line: fc.constantFrom(...lines),
    atMs: fc.nat(own.untilMs),
    forMs: fc.integer({ min: 1, max: most }),
  });

const CHUNK_KINDS: readonly ChunkCommandKind[] = ["lose", "repeat", "overtake", "damage"];

const chunkCommand = (
  collectors: number,
  kinds: readonly ChunkCommandKind[] = CHUNK_KINDS,
): fc.Arbitrary<Command> =>
  fc
    .record({
      kind: fc.constantFrom(...kinds),
      collector: fc.nat(collectors - 1),
      from: fc.integer({ min: 1, max: 80 }),
      count: fc.integer({ min: 1, max: 6 }),
    })
    .map(({ count, ...rest }) => ({ ...rest, to: rest.from + count - 1 }));

const processCommand = (
  own: Pick<Ground, "untilMs">,
  kind: "broker down" | "kill collector" | "restart shard" | ShardKill,
  which: number,
  most: number,
): fc.Arbitrary<Command> =>
  fc.record({
    kind: fc.constant(kind),
    which: fc.constant(which),
    atMs: fc.nat(own.untilMs),
    forMs: fc.integer({ min: 10, max: most }),
  });
