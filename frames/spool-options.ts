/** How a spool keeps what it keeps, and what it counts. */

/** What goes when the limit is reached: the oldest chunks, or, if they are still to be sent, none. */
export type SpoolWhenFull = "oldest" | "stop";

/**
 * When chunks are brought from the kernel's memory to the disk: never by us, in the background every
 * `syncMs`, or before a chunk counts as kept. A killed process loses nothing with any of them; a
 * power cut loses what was not brought.
 */
export type SpoolSync = "none" | "interval" | "always";

export interface SpoolOptions {
  /** All segments together; the disk's room, if that is less. */
  readonly bytesLimit: number;
  readonly segmentBytes: number;
  /** A segment whose last chunk is older goes; ms. */
  readonly ageLimitMs: number;
  readonly whenFull: SpoolWhenFull;
  readonly sync: SpoolSync;
  readonly syncMs: number;
}

export const SPOOL_DEFAULTS: SpoolOptions = {
  bytesLimit: 4 * 2 ** 30,
  segmentBytes: 64 << 20,
  ageLimitMs: Number.POSITIVE_INFINITY,
  whenFull: "oldest",
  sync: "interval",
  syncMs: 1000,
};

/** A spool that has less room than this takes no chunk for sure: one may be 1 MiB. */
export const SPOOL_ROOM_BYTES = 4 << 20;

export class SpoolCounters {
  /** Chunks that the limit of size, the limit of age, or a full disk pushed out. */
  droppedBySize = 0;
  droppedByAge = 0;
  droppedForRoom = 0;
  /** Chunks that were not taken, since everything here is still to be sent (`stop`). */
  refusedFull = 0;
  /** Chunks that were not taken, since the disk has no room, or failed otherwise. */
  refusedNoRoom = 0;
  refusedByError = 0;
  /** Chunks asked for whose bytes were no longer what had been written. */
  damaged = 0;
  /** Bytes of torn chunks cut off, and damaged places found, at the opening. */
  bytesTorn = 0;
  damagedPlaces = 0;
  /** Chunks taken whose dictionary nobody here has: they can be read only where it is. */
  withoutDictionary = 0;
}

export type SpoolFaultCode = "no_room" | "in_use" | "not_writable";

/** The spool cannot be opened; with how to mend it. */
export class SpoolError extends Error {
  readonly code: SpoolFaultCode;
  readonly hint: string;

  constructor(code: SpoolFaultCode, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "SpoolError";
    this.code = code;
    this.hint = hint;
  }
}
