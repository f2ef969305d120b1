/**
 * How chunks travel: ports that `transport-mqtt.ts` and `transport-dir.ts` implement. The edge
 * holds a `ChunkSink` and listens to what the centre asks; the centre holds a `ChunkSource` and a
 * `CentreLink`.
 */
import type { PackedChunk } from "./chunk.ts";

/** Where chunks go. */
export interface ChunkSink {
  /** For status lines: `mqtt://127.0.0.1:1883`. */
  readonly name: string;
  /** Is the other side there? Absent where it always is (a directory). */
  readonly connected?: boolean;
  /**
   * Resolves when the other side has the chunk (the broker's acknowledgement, the file's write).
   * It waits as long as the other side is not there; it rejects only after `close`.
   */
  send(chunk: PackedChunk): Promise<void>;
  /** Gives up what is on its way after `graceMs` at most. */
  close(graceMs?: number): Promise<void>;
}

/** Where chunks come from. */
export interface ChunkSource {
  readonly name: string;
  /**
   * Hands over each chunk's bytes, one at a time: the next comes when the promise resolves. The
   * bytes are not checked yet. Resolves at the end (a directory that was read) or after `close`.
   */
  run(onChunk: (bytes: Uint8Array) => Promise<void> | void): Promise<void>;
  close(): Promise<void>;
}

/** Chunk numbers `from` to `to`, both included, of one boot of a collector. */
export interface ResendRequest {
  readonly ask: "resend";
  readonly boot: number;
  readonly from: number;
  readonly to: number;
}

/** Everything from chunk `from` of that boot on, as far as the spool has it; boot 0: the present. */
export interface SendFromRequest {
  readonly ask: "from";
  readonly boot: number;
  readonly from: number;
}

export type ControlRequest = ResendRequest | SendFromRequest;

/** Numbers of a stream that the centre lacks: only the edge can reach the exchange. */
export interface RangeRequest {
  readonly ask: "range";
  readonly feed: string;
  readonly stream: number;
  readonly from: number;
  readonly to: number;
}

/** A snapshot of a stream that contains at least everything up to a number. */
export interface SnapshotRequest {
  readonly ask: "snapshot";
  readonly feed: string;
  readonly stream: number;
  readonly atLeast: number;
}

/**
 * The operator's `clear stream`: it gets a place among the chunks of the stream. Asked again with the
 * same `command` until its chunk has come, and done once.
 */
export interface ClearRequest {
  readonly ask: "clear";
  readonly feed: string;
  readonly stream: number;
  readonly command: string;
}

export type RepairRequest = RangeRequest | SnapshotRequest | ClearRequest;

/** How far a consumer has come with the chunks of one collector. */
export interface Position {
  readonly consumer: string;
  readonly collector: string;
  readonly boot: number;
  /** Every chunk up to this number was taken, or given up as lost. */
  readonly chunk: number;
}

/** A consumer that ended, or that the broker lost: nobody waits for its position. */
export interface Departure {
  readonly gone: string;
}

/** What the centre says back. Only transports that carry it (MQTT) have one. */
export interface CentreLink {
  request(collector: string, request: ControlRequest | RepairRequest): Promise<void>;
  publishPosition(position: Position): Promise<void>;
}

/** What the edge hears. */
export interface EdgeLink {
  onRequest(listener: (request: ControlRequest) => void): void;
  onRepair(listener: (request: RepairRequest) => void): void;
  /** `isRetained`: the broker kept it, and whoever said it may be long gone. */
  onPosition(listener: (position: Position, isRetained?: boolean) => void): void;
  onDeparture?(listener: (consumer: string) => void): void;
}

export const TOPIC_ROOT = "edgebook";

/** `edgebook/frames/{feed}/{stream}` */
export function framesTopic(feed: string, stream: number): string {
  return `${TOPIC_ROOT}/frames/${feed}/${stream}`;
}

/** `edgebook/control/{collector}` */
export function controlTopic(collector: string): string {
  return `${TOPIC_ROOT}/control/${collector}`;
}

/** `edgebook/position/{consumer}`; `+` as consumer subscribes to all. */
export function positionTopic(consumer: string): string {
  return `${TOPIC_ROOT}/position/${consumer}`;
}

/** `edgebook/dictionary/{name}`, retained; `+` as name subscribes to all. */
export function dictionaryTopic(name: string): string {
  return `${TOPIC_ROOT}/dictionary/${name}`;
}

/** As a chunk's header takes it. */
const COMMAND_CHARS = 64;

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** A request as it came over the wire, or `undefined` if it is none. */
export function parseRequest(text: string): ControlRequest | undefined {
  const value = parseObject(text);
  if (value === undefined || !isCount(value.boot) || !isCount(value.from)) return undefined;
  const { boot, from } = value;
  if (value.ask === "from") return { ask: "from", boot, from };
  if (value.ask !== "resend" || !isCount(value.to) || value.to < from) return undefined;
  return { ask: "resend", boot, from, to: value.to };
}

/** A question for the exchange as it came over the wire, or `undefined` if it is none. */
export function parseRepair(text: string): RepairRequest | undefined {
  const value = parseObject(text);
  if (value === undefined || typeof value.feed !== "string" || !isCount(value.stream)) {
    return undefined;
  }
  const { ask, feed, stream, from, to, atLeast, command } = value;
  if (ask === "clear" && typeof command === "string" && command.length <= COMMAND_CHARS) {
    return { ask, feed, stream, command };
  }
  if (ask === "snapshot" && isCount(atLeast)) return { ask, feed, stream, atLeast };
  if (ask !== "range" || !isCount(from) || !isCount(to) || to < from) return undefined;
  return { ask, feed, stream, from, to };
}

/** A position as it came over the wire, or `undefined` if it is none. */
export function parsePosition(text: string): Position | undefined {
  const value = parseObject(text);
  if (value === undefined) return undefined;
  const { consumer, collector, boot, chunk } = value;
  if (typeof consumer !== "string" || typeof collector !== "string") return undefined;
  return isCount(boot) && isCount(chunk) ? { consumer, collector, boot, chunk } : undefined;
}

/** The consumer that is gone, or `undefined` if the text says no such thing. */
export function parseDeparture(text: string): string | undefined {
  const gone = parseObject(text)?.gone;
  return typeof gone === "string" ? gone : undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  if (text.length > 4096) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
