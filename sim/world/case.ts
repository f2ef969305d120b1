/** One case of the check: an exchange, the processes between it and the books, and what goes wrong. */
import type { ChunkFaultOptions } from "../../faults/chunks.ts";
import type { LineFaults } from "../../faults/line-faults.ts";
import type { RecoveryFaults } from "../../faults/recovery.ts";
import type { SnapshotFaults } from "../../faults/snapshots.ts";
import type { ChunkCodec } from "../../frames/chunk-header.ts";
import { type Command, commandText } from "./commands.ts";

/** The exchange's servers, small enough that a case reaches their limits. */
export interface ServersCase {
  /** What of them a collector may ask. */
  readonly offer: "nothing" | "ticks" | "snapshots" | "both";
  readonly lagMs: number;
  readonly partly: "short" | "error";
  readonly periodMs: number;
  readonly limits: {
    readonly connections: number;
    readonly messagesPerRequest: number;
    readonly spacingMs: number;
  };
  readonly tickFaults: Partial<RecoveryFaults>;
  readonly snapshotFaults: Partial<SnapshotFaults>;
}

export interface WorldCase {
  /** Of the exchange, and of all noise. */
  readonly seed: number;
  readonly segment: "nse-fo" | "nse-cm" | "nse-cd";
  readonly streams: number;
  readonly instruments: number;
  readonly messagesPerSecond: number;
  readonly ordersPerStream: number;
  readonly firstSequence: number;
  /** Trading ends; heartbeats go on. */
  readonly untilMs: number;
  /** The exchange moves to its recovery site. */
  readonly restartAtMs: readonly number[];
  readonly restartSilenceMs: number;
  readonly lineDelayUs: number;
  readonly windowMs: number;
  readonly keep: "first" | "both";
  /** How chunks are laid out. */
  readonly codec: ChunkCodec;
  readonly collectors: 1 | 2;
  /** What a collector's spool keeps. */
  readonly spoolBytes: number;
  /** How long the centre waits for a lost chunk. */
  readonly holdMs: number;
  readonly noise: {
    readonly lines: readonly [Partial<LineFaults>, Partial<LineFaults>];
    readonly chunks: Partial<ChunkFaultOptions>;
  };
  readonly servers: ServersCase;
  readonly commands: readonly Command[];
  /** Between two checkpoints of the centre; absent or 0: it takes none. */
  readonly saveMs?: number;
  /** Drawn so that everything that goes wrong can be made good. */
  readonly isRepairable: boolean;
}

/** The case in words, what goes wrong last. */
export function caseText(world: WorldCase): string {
  const { seed, segment, streams, instruments, untilMs, firstSequence, collectors } = world;
  const parts = [
    `${segment}, seed ${seed}, ${streams} streams, ${instruments} instruments, ` +
      `${world.messagesPerSecond} messages/s for ${untilMs} ms from number ${firstSequence}`,
    `line B ${world.lineDelayUs} us behind, window ${world.windowMs} ms, keep ${world.keep}, ${world.codec}, ` +
      `${collectors} collector${collectors > 1 ? "s" : ""}, spool ${world.spoolBytes} B`,
  ];
  for (const atMs of world.restartAtMs) {
    parts.push(`the exchange restarts at ${atMs} ms, silent for ${world.restartSilenceMs} ms`);
  }
  const noises = [
    noiseText("line A", world.noise.lines[0]),
    noiseText("line B", world.noise.lines[1]),
  ];
  noises.push(noiseText("chunks", world.noise.chunks));
  const { offer, lagMs, partly, periodMs, limits, tickFaults, snapshotFaults } = world.servers;
  if (offer !== "nothing") {
    parts.push(
      `recovery by ${offer}: ${lagMs} ms behind, ${partly}, a snapshot every ${periodMs} ms, ` +
        `${limits.connections} connections, ${limits.messagesPerRequest} messages a request`,
    );
    noises.push(noiseText("tick recovery", tickFaults), noiseText("snapshots", snapshotFaults));
  }
  if (world.saveMs) parts.push(`a checkpoint every ${world.saveMs} ms`);
  const noise = noises.filter((text) => text !== "");
  if (noise.length > 0) parts.push(`noise: ${noise.join("; ")}`);
  parts.push(scheduleText(world));
  return parts.join("\n");
}

export function scheduleText({ commands }: WorldCase): string {
  return commands.length === 0 ? "no scheduled fault" : commands.map(commandText).join(" ");
}

function noiseText(where: string, rates: object): string {
  const given = Object.entries(rates).filter(([, rate]) => typeof rate === "number" && rate > 0);
  return given.length === 0 ? "" : `${where} ${given.map((pair) => pair.join(" ")).join(", ")}`;
}
