/** The messages around a gap, out of the recorded day: a bounded look, whatever the day holds. */
import type { Gap } from "./api.ts";

export interface AroundRow {
  readonly ts_recv: string;
  readonly stream: number;
  readonly sequence: string;
  readonly token: string | null;
  readonly action: string;
  readonly side: string;
  readonly price: string | null;
  readonly size: number | null;
}

export interface Around {
  readonly rows: readonly AroundRow[];
  readonly state: "loading" | "found" | "none" | "failed";
}

/** Messages of the stream that are shown before and behind the gap. */
const BESIDE = 5n;
const ROWS_LIMIT = 60;
const EARLIER_NS = 1_000_000_000n;
const LATER_NS = 2_000_000_000n;
const READ_MS = 30_000;

export async function messagesAround(gap: Gap, gone: AbortSignal): Promise<Around> {
  if (gap.detected === null) return { rows: [], state: "none" };
  const from = BigInt(gap.detected) - EARLIER_NS;
  const until = BigInt(gap.closed ?? gap.detected) + LATER_NS;
  const query = new URLSearchParams({
    ...{ feed: gap.feed, schema: "mbo", clock: "recv", speed: "max" },
    ...{ from: String(from), until: String(until) },
  });
  const first = BigInt(gap.from) - BESIDE;
  const last = BigInt(gap.to) + BESIDE;
  const rows: AroundRow[] = [];
  try {
    const abort = AbortSignal.any([gone, AbortSignal.timeout(READ_MS)]);
    const answer = await fetch(`/v1/replay?${query}`, { signal: abort });
    if (!answer.ok || answer.body === null) return { rows: [], state: "failed" };
    for await (const line of linesOf(answer.body)) {
      const row = JSON.parse(line) as AroundRow;
      if (row.stream !== gap.stream) continue;
      const sequence = BigInt(row.sequence);
      if (sequence > last) break;
      if (sequence >= first) rows.push(row);
      if (rows.length >= ROWS_LIMIT) break;
    }
  } catch {
    if (rows.length === 0) return { rows, state: "failed" };
  }
  return { rows, state: rows.length === 0 ? "none" : "found" };
}

/** Lines of an NDJSON body; the rest is not read when the reader stops. */
async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines.filter((line) => line !== "" && !line.startsWith('{"gap"'));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
