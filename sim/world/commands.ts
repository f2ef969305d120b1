/**
 * What goes wrong in a world, and when: plain values, so that a case is JSON and shrinks to few, and
 * words for people: `drop(A, 3, 41..44) restart(shard 1, 1.40 s)`.
 */
export type LineCommandKind =
  | "drop"
  | "duplicate"
  | "delay"
  | "truncate"
  | "corrupt"
  | "conflict"
  | "foreign"
  | "stale";
export type ChunkCommandKind = "lose" | "repeat" | "overtake" | "damage";

/** 0 is A, 1 is B, 2 is both. */
export type LineChoice = 0 | 1 | 2;

/** Strikes datagrams of one stream by their numbers. */
export interface LineCommand {
  readonly kind: LineCommandKind;
  readonly line: LineChoice;
  readonly stream: number;
  /** The exchange's restarts before it. */
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  /** Of `delay` and `duplicate`: how much later. */
  readonly byMs: number;
}

/** Nothing arrives on a line. */
export interface OutageCommand {
  readonly kind: "outage";
  readonly line: LineChoice;
  readonly atMs: number;
  readonly forMs: number;
}

/** Strikes chunks on their way to the centre, by how many the collector had sent for the first time. */
export interface ChunkCommand {
  readonly kind: ChunkCommandKind;
  /** From 0. */
  readonly collector: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The shard is killed and begins again from its newest good checkpoint: that of the last moment, or
 * the one before where the newest was damaged, or cut short.
 */
export type ShardKill = "kill shard" | "damage checkpoint" | "tear checkpoint";
export const SHARD_KILLS: readonly ShardKill[] = [
  "kill shard",
  "damage checkpoint",
  "tear checkpoint",
];
export const isShardKill = (kind: string): kind is ShardKill =>
  (SHARD_KILLS as readonly string[]).includes(kind);

/** A process, or the broker, is gone for a while. */
export interface ProcessCommand {
  readonly kind: "broker down" | "kill collector" | "restart shard" | ShardKill;
  /** From 0; 0 where there is only one. */
  readonly which: number;
  readonly atMs: number;
  readonly forMs: number;
}

export type Command = LineCommand | OutageCommand | ChunkCommand | ProcessCommand;

const LINE_KINDS = new Set<string>([
  "drop",
  "duplicate",
  "delay",
  "truncate",
  "corrupt",
  "conflict",
  "foreign",
  "stale",
]);
const CHUNK_KINDS = new Set<string>(["lose", "repeat", "overtake", "damage"]);

export const isLineCommand = (command: Command): command is LineCommand =>
  LINE_KINDS.has(command.kind);
export const isChunkCommand = (command: Command): command is ChunkCommand =>
  CHUNK_KINDS.has(command.kind);

export function commandText(command: Command): string {
  if (isLineCommand(command)) {
    const { kind, line, stream, epoch, from, to, byMs } = command;
    const of = epoch === 0 ? `${stream}` : `${stream} after restart ${epoch}`;
    const by = kind === "delay" || kind === "duplicate" ? `, by ${byMs} ms` : "";
    return `${kind}(${lineText(line)}, ${of}, ${span(from, to)}${by})`;
  }
  if (isChunkCommand(command)) {
    const { kind, collector, from, to } = command;
    return `${kind}(chunk ${span(from, to)} of collector ${collector + 1})`;
  }
  const time = `${seconds(command.atMs)}..${seconds(command.atMs + command.forMs)} s`;
  switch (command.kind) {
    case "outage":
      return `outage(${lineText(command.line)}, ${time})`;
    case "broker down":
      return `down(broker, ${time})`;
    case "kill collector":
      return `kill(collector ${command.which + 1}, ${time})`;
    case "restart shard":
      return `restart(shard ${command.which + 1}, ${time})`;
    case "kill shard":
      return `kill(shard ${command.which + 1}, ${time})`;
    case "damage checkpoint":
      return `kill(shard ${command.which + 1}, its newest checkpoint damaged, ${time})`;
    case "tear checkpoint":
      return `kill(shard ${command.which + 1}, its newest checkpoint cut short, ${time})`;
  }
}

const lineText = (line: LineChoice) => ["A", "B", "A+B"][line];
const span = (from: number, to: number) => (from === to ? `${from}` : `${from}..${to}`);
const seconds = (ms: number) => (ms / 1000).toFixed(2);
