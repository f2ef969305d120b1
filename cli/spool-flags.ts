/** The flags that say how the collector's spool keeps what it keeps. */
import type { SpoolOptions, SpoolSync, SpoolWhenFull } from "../frames/spool-options.ts";
import type { FlagSpec } from "./command.ts";
import type { FlagValues } from "./flag-values.ts";

export const SPOOL_FLAGS: readonly FlagSpec[] = [
  {
    name: "spool",
    kind: "text",
    placeholder: "DIR",
    doc: "Where chunks are kept to be sent again; else in the state folder of the user.",
  },
  { name: "spool-gib", kind: "integer", placeholder: "N", doc: "Its size; 4 unless said." },
  {
    name: "spool-age",
    kind: "duration",
    placeholder: "TIME",
    doc: "Chunks that are older go, whatever the size; else none does.",
  },
  {
    name: "spool-full",
    kind: "text",
    values: ["oldest", "stop"],
    doc:
      "What happens when it is full: the oldest chunks go (the usual), or it takes no more until " +
      "every destination has the oldest.",
  },
  {
    name: "spool-sync",
    kind: "text",
    values: ["none", "interval", "always"],
    doc:
      "When chunks are brought to the disk, so that a power cut takes none: never, every second " +
      "in the background (the usual), or before each counts as kept. A kill takes none anyway.",
  },
];

/** Fields of `[spool]` in a config file. */
export interface SpoolFields {
  readonly directory?: string | undefined;
  readonly gib?: number | undefined;
  readonly age_hours?: number | undefined;
  readonly full?: SpoolWhenFull | undefined;
  readonly sync?: SpoolSync | undefined;
  readonly sync_ms?: number | undefined;
}

const HOUR_MS = 3_600_000;

/** What is not said stays as it usually is. */
export function spoolOptions(flags: FlagValues, fields: SpoolFields = {}): Partial<SpoolOptions> {
  const gib = flags.integer("spool-gib") ?? fields.gib;
  const ageNs = flags.durationNs("spool-age");
  const ageMs = ageNs === undefined ? (fields.age_hours ?? 0) * HOUR_MS : ageNs / 1e6;
  const whenFull = (flags.text("spool-full") as SpoolWhenFull | undefined) ?? fields.full;
  const sync = (flags.text("spool-sync") as SpoolSync | undefined) ?? fields.sync;
  return {
    ...(gib === undefined ? {} : { bytesLimit: gib * 2 ** 30 }),
    ...(ageMs === 0 ? {} : { ageLimitMs: ageMs }),
    ...(whenFull === undefined ? {} : { whenFull }),
    ...(sync === undefined ? {} : { sync }),
    ...(fields.sync_ms === undefined ? {} : { syncMs: fields.sync_ms }),
  };
}
