/**
 * Puts the shards' answers to one question together. A shard that knows nothing of a feed or a day
 * refuses; only when all of them refuse is that the answer.
 */
import type { LeftOut } from "../intake.ts";
import type { ListedJson, RankedBooks } from "../live-api.ts";
import type { StreamJson } from "../live-status.ts";

export function mergeStreams(answers: readonly (readonly StreamJson[])[]): StreamJson[] {
  return answers.flat().sort((a, b) => a.feed.localeCompare(b.feed) || a.stream - b.stream);
}

/** @param limit as the client gave it; each shard has checked it */
export function mergeBooks(answers: readonly RankedBooks[], limit: number): object {
  const ranked = answers.flatMap((answer) => answer.ranked).sort((a, b) => b.count - a.count);
  return {
    total: answers.reduce((sum, { total }) => sum + total, 0),
    books: ranked.slice(0, limit).map(({ book }) => book),
  };
}

/** Pages by name: the first `limit` of all of them. */
export function mergeNamePages(answers: readonly RankedBooks[], limit: number): object {
  const nameOf = ({ feed, token }: ListedJson) => `${feed}/${token}`;
  const books = answers
    .flatMap(({ ranked }) => ranked.map(({ book }) => book))
    .map((book) => [nameOf(book), book] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const isMore = books.length > limit || answers.some(({ next }) => next !== null);
  const page = books.slice(0, limit);
  return {
    total: answers.reduce((sum, { total }) => sum + total, 0),
    books: page.map(([, book]) => book),
    next: isMore ? (page.at(-1)?.[0] ?? null) : null,
  };
}

/** Lists under the same names, one behind the other; chunks that every shard gave up count once. */
export function mergeLists(answers: readonly Readonly<Record<string, unknown>>[]): object {
  const merged: Record<string, unknown[]> = {};
  for (const answer of answers) {
    for (const [name, value] of Object.entries(answer)) {
      if (!Array.isArray(value)) continue;
      merged[name] ??= [];
      merged[name].push(...value);
    }
  }
  if (merged.lost_chunks !== undefined) merged.lost_chunks = distinct(merged.lost_chunks);
  return merged;
}

function distinct(rows: readonly unknown[]): unknown[] {
  return [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
}

/** Numbers that went to other shards, put together until somebody is told. */
export class ElsewhereNotes {
  private readonly notes: { -readonly [Name in keyof LeftOut]: LeftOut[Name] }[] = [];

  add(collector: string, boot: number, oldest: number, number: number): void {
    const last = this.notes.at(-1);
    const follows = last?.collector === collector && last.boot === boot && last.to === number - 1;
    if (last !== undefined && follows) last.to = number;
    else this.notes.push({ collector, boot, oldest, from: number, to: number });
  }

  take(): readonly LeftOut[] {
    return this.notes.splice(0);
  }
}
