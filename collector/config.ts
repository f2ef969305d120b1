/**
 * Edge: `collector.toml`, checked field by field: an error names the line and the field. Relative
 * paths in it are taken from where the collector is started.
 */
import { z } from "zod";

const address = z.string().min(1);

const schema = z.strictObject({
  edgebook: z
    .string()
    .regex(/^\d+\.\d+(\.\d+)?$/, 'must be a version of edgebook, as "0.1"')
    .optional(),
  name: z
    .string()
    .regex(/^[\w.-]{1,64}$/, "must be 1 to 64 letters, digits, dots, dashes or underscores")
    .optional(),
  feed: z.string().optional(),
  spec: z.string().optional(),
  channels: z.string().optional(),
  channel: z.array(z.unknown()).optional(),
  join: z.array(address).optional(),
  interface: z.string().optional(),
  capture: z.enum(["ring", "socket"]).optional(),
  mirror: z.boolean().optional(),
  pcap: z.array(z.string()).optional(),
  to: z.array(address).optional(),
  keep: z.enum(["first", "both"]).optional(),
  codec: z.enum(["raw", "columns"]).optional(),
  dictionary: z.array(z.string().min(1)).optional(),
  receive_buffer_mib: z.int().min(1).max(2047).optional(),
  recovery: address.optional(),
  snapshot: address.optional(),
  http: address.optional(),
  chunk_age_ms: z.number().min(1).max(60_000).optional(),
  spool: z
    .strictObject({
      directory: z.string().optional(),
      gib: z.number().min(0.01).max(100_000).optional(),
      age_hours: z.number().min(0.001).max(100_000).optional(),
      full: z.enum(["oldest", "stop"]).optional(),
      sync: z.enum(["none", "interval", "always"]).optional(),
      sync_ms: z.int().min(1).max(3_600_000).optional(),
    })
    .optional(),
  kafka: z
    .strictObject({
      memory_mib: z.int().min(1).max(65_536).optional(),
      partitions: z.int().min(1).max(10_000).optional(),
      map: z.array(z.string().regex(/^\d{1,5}=\d{1,5}$/, "must be STREAM=PARTITION")).optional(),
    })
    .optional(),
  mqtt: z
    .strictObject({
      ca: z.string().optional(),
      cert: z.string().optional(),
      key: z.string().optional(),
      user: z.string().optional(),
      // A password is in a file of its own or in the environment: this file is shown around.
      password_file: z.string().optional(),
    })
    .optional(),
});

export type CollectorConfig = z.infer<typeof schema>;

export class ConfigError extends Error {
  readonly code = "bad_config";
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = "ConfigError";
    this.hint = hint;
  }
}

const FIELDS = Object.keys(schema.shape).join(", ");

/**
 * @param version of this edgebook, `0.1.0`
 * @throws ConfigError that names the line and the field
 */
export function parseCollectorConfig(text: string, path: string, version = ""): CollectorConfig {
  let table: unknown;
  try {
    table = Bun.TOML.parse(text);
  } catch (cause) {
    const { message, line } = tomlFault(cause, text);
    const place = line === undefined ? path : `${path}, line ${line}`;
    throw new ConfigError(
      `${place}: this is no TOML: ${message}`,
      "Write key = value, one a line.",
    );
  }
  demandVersion(table, path, version);
  const checked = schema.safeParse(table);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const field = [...issue.path, ...(unknown === undefined ? [] : [unknown])].map(String);
  const line = lineOf(text, field);
  const place = `${path}${line === undefined ? "" : `, line ${line}`}, field ${field.join(".")}`;
  throw new ConfigError(
    unknown === undefined ? `${place}: ${issue.message}` : `${place}: there is no such field`,
    `The fields are ${FIELDS}.`,
  );
}

/** Settings for a later edgebook may mean what this one cannot do: better said than guessed. */
function demandVersion(table: unknown, path: string, version: string): void {
  const wanted = (table as { edgebook?: unknown } | null)?.edgebook;
  if (typeof wanted !== "string" || version === "") return;
  const [major, minor] = wanted.split(".").map(Number);
  const [ownMajor, ownMinor] = version.split(".").map(Number);
  if (major < ownMajor || (major === ownMajor && minor <= ownMinor)) return;
  throw new ConfigError(
    `${path} was written for edgebook ${wanted}; this is ${version}`,
    "Run the version it was written for, or set 'edgebook' to this one and look at each field.",
  );
}

/** The parser's word, and the line where it stopped: the first that does not parse with those before. */
function tomlFault(cause: unknown, text: string): { message: string; line: number | undefined } {
  const message = cause instanceof Error ? cause.message : String(cause);
  const lines = text.split("\n");
  for (let count = 1; count <= Math.min(lines.length, 2000); count++) {
    try {
      Bun.TOML.parse(lines.slice(0, count).join("\n"));
    } catch {
      // A list or text over several lines is whole only later.
      if (restParses(lines, count)) continue;
      return { message, line: count };
    }
  }
  return { message, line: undefined };
}

function restParses(lines: readonly string[], from: number): boolean {
  for (let count = from + 1; count <= Math.min(lines.length, from + 50); count++) {
    try {
      Bun.TOML.parse(lines.slice(0, count).join("\n"));
      return true;
    } catch {}
  }
  return false;
}

/** The line, from 1, where a field is set; tables are found by their header. */
function lineOf(text: string, field: readonly string[]): number | undefined {
  const names = field.filter((part) => !/^\d+$/.test(part));
  const key = names.at(-1);
  const table = names.slice(0, -1).join(".");
  let current = "";
  let headerLine: number | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]\]?/.exec(line);
    if (header !== null) {
      current = header[1];
      if (current === names.join(".")) headerLine ??= index + 1;
    } else if (current === table && new RegExp(`^\\s*"?${key}"?\\s*=`).test(line)) {
      return index + 1;
    }
  }
  return headerLine;
}
