/**
 * One answer in the form that a client asked for: JSON, MessagePack, or the rows of its list as NDJSON.
 */
import { encode } from "@msgpack/msgpack";
import type { Context } from "hono";

const MSGPACK = "application/msgpack";
const NDJSON = "application/x-ndjson";

/** @param rows name of the list in the answer, where it has one */
export function answered(c: Context, value: object, rows?: string): Response {
  const accept = c.req.header("accept") ?? "";
  if (accept.includes(MSGPACK)) {
    return c.body(encode(value).slice().buffer, 200, { "Content-Type": MSGPACK });
  }
  const list = rows === undefined ? undefined : (value as Record<string, unknown>)[rows];
  if (!accept.includes(NDJSON) || !Array.isArray(list)) return c.json(value);
  const text = list.map((row) => `${JSON.stringify(row)}\n`).join("");
  return c.body(text, 200, { "Content-Type": NDJSON });
}

const STATES = ["held", "lost", "repaired"];

interface LedgerGap {
  readonly state: string;
  readonly detected: string | null;
}

/** A page of the gap ledger: what is open, then what is lost, then the rest, each newest first. */
export function gapsPage(all: object, limit: number, offset: number): object {
  const { gaps, ...rest } = all as { gaps: readonly LedgerGap[] };
  const sorted = [...gaps].sort(
    (a, b) =>
      STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
      (a.detected === b.detected ? 0 : Number(b.detected) - Number(a.detected)),
  );
  return { total: gaps.length, gaps: sorted.slice(offset, offset + limit), ...rest };
}
