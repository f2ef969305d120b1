/**
 * Edge: the channel table that `--channels` names, a TOML file (parsed by the runtime):
 *
 * ```toml
 * [[channel]]
 * group = "224.0.31.11"
 * port = 14320
 * feed = "sequenced"
 * stream = 1
 * line = "A"
 * offset = 0            # these four: sequenced feeds only
 * width = 4
 * endianness = "little"
 * count = { offset = 8, width = 2 }
 * ```
 */
import { channelOf, EntryError } from "./channel-file-entry.ts";
import type { Channel } from "./channels.ts";
import { InputError } from "./input-error.ts";

export interface ChannelFileOptions {
  /** For errors. */
  readonly path?: string;
  /** The feed ids there are; without them any is taken. */
  readonly feeds?: readonly string[];
}

/**
 * The channels of a table, in its order. Throws `InputError` with `bad_channel_file`, which names
 * the line, the entry and the field.
 */
export function parseChannelFile(text: string, options: ChannelFileOptions = {}): Channel[] {
  const path = options.path ?? "the channel file";
  const { key, entries } = entriesOf(text, path);
  const channels: Channel[] = [];
  const taken = new Map<string, number>();
  entries.forEach((entry, index) => {
    try {
      if (typeof entry !== "object" || entry === null) throw new EntryError(key, "is no table");
      const channel = channelOf(entry as Record<string, unknown>, options.feeds);
      const address = `${channel.group}:${channel.port}`;
      const first = taken.get(address);
      if (first !== undefined) {
        throw new EntryError("port", `gives ${address} again, as entry ${first + 1} does`);
      }
      taken.set(address, index);
      channels.push(channel);
    } catch (cause) {
      if (!(cause instanceof EntryError)) throw cause;
      const line = lineNumber(text, key, index, cause.field);
      const place = `${path}${line > 0 ? `, line ${line}` : ""}: [[${key}]] entry ${index + 1}`;
      throw bad(path, `${place}: ${cause.field} ${cause.message}`);
    }
  });
  return channels;
}

function entriesOf(text: string, path: string): { key: string; entries: unknown[] } {
  const tables = parsed(text, path);
  for (const key of ["channel", "channels"]) {
    const entries = tables[key];
    if (Array.isArray(entries) && entries.length > 0) return { key, entries };
  }
  throw bad(path, `${path} has no [[channel]] entry`);
}

function parsed(text: string, path: string): Record<string, unknown> {
  try {
    return Bun.TOML.parse(text) as Record<string, unknown>;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw bad(path, `${path}, line ${brokenLine(text)}: ${message}`);
  }
}

/** The runtime's parser does not say where it failed: the line behind all that does parse. */
function brokenLine(text: string): number {
  const lines = text.split("\n");
  // A table of more lines than this would take long to search from its end.
  const first = Math.min(lines.length, 5000);
  for (let count = first; count > 0; count--) {
    try {
      Bun.TOML.parse(lines.slice(0, count).join("\n"));
      return count + 1;
    } catch {
      // Still broken: the fault lies further up.
    }
  }
  return 1;
}

/** Line (from 1) of a field of the entry, or of the entry; 0 where the text has none such. */
function lineNumber(text: string, key: string, index: number, field: string): number {
  let entry = -1;
  let start = 0;
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i].trim();
    if (line.startsWith("[[") && line.replaceAll(/\s/g, "").startsWith(`[[${key}]]`)) {
      if (++entry === index) start = i + 1;
      if (entry > index) break;
    } else if (entry === index && line.split("=")[0].trim() === field) return i + 1;
  }
  return start;
}

function bad(path: string, message: string): InputError {
  return new InputError("bad_channel_file", path, message, "mend that line of the channel file");
}
