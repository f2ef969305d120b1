/**
 * Edge: the API over shards: a question goes to all of them, and their answers are put together. While a
 * shard begins again its streams are shown as they were, held; what only it knows is refused for the
 * moment.
 */
import { Exposition } from "../../metrics/exposition.ts";
import { mergePages } from "../../metrics/page.ts";
import type { BookApi } from "../book-api.ts";
import { ApiError } from "../http-error.ts";
import type { RankedBooks } from "../live-api.ts";
import type { StreamJson } from "../live-status.ts";
import { type ServiceMetrics, serviceMetrics } from "../metrics.ts";
import { type BooksSystem, mergeSystems } from "../system.ts";
import { mergeBooks, mergeLists, mergeNamePages, mergeStreams } from "./answers.ts";
import type { ShardEdge } from "./shard-edge.ts";
import { shardJson } from "./shard-json.ts";
import { shardMetrics } from "./shard-metrics.ts";

/** Refusals that only say that another shard may know. */
const ELSEWHERE = ["unknown_feed", "unknown_token", "unknown_stream", "no_certificate"];
const LIST_FALLBACK = 50;

export class ShardedApi implements BookApi {
  private readonly shards: readonly ShardEdge[];
  private readonly quarantined: () => number;
  /** What each shard said of its streams last. */
  private readonly streamsBefore: StreamJson[][];

  constructor(shards: readonly ShardEdge[], quarantined: () => number) {
    this.shards = shards;
    this.quarantined = quarantined;
    this.streamsBefore = shards.map(() => []);
  }

  async streams(): Promise<object> {
    const all = await Promise.all(
      this.shards.map(async (shard, at) => {
        try {
          this.streamsBefore[at] = JSON.parse(await shard.ask("streams", [])) as StreamJson[];
          return this.streamsBefore[at];
        } catch {
          return this.streamsBefore[at].map((row) => ({ ...row, state: "held" as const }));
        }
      }),
    );
    return { streams: mergeStreams(all) };
  }

  async books(search: string, feed: string, limit: string, after?: string): Promise<object> {
    const page = after === undefined ? [] : [after];
    const answers = (await this.all("books", [search, feed, limit, ...page])) as RankedBooks[];
    const most = limit === "" ? LIST_FALLBACK : Number(limit);
    return after === undefined ? mergeBooks(answers, most) : mergeNamePages(answers, most);
  }

  book(feed: string, token: string, depth: string): Promise<object> {
    return this.one("book", [feed, token, depth]);
  }

  trades(feed: string, token: string, limit: string, before = ""): Promise<object> {
    return this.one("trades", [feed, token, limit, before]);
  }

  queue(feed: string, token: string, side: string, price: string): Promise<object> {
    return this.one("queue", [feed, token, side, price]);
  }

  async gaps(): Promise<object> {
    return mergeLists((await this.all("gaps", [])) as Record<string, unknown>[]);
  }

  async system(): Promise<object> {
    const asked = await Promise.allSettled(this.shards.map((shard) => shard.ask("system", [])));
    const systems = asked.flatMap((answer) =>
      answer.status === "fulfilled" ? [JSON.parse(answer.value) as BooksSystem] : [],
    );
    return mergeSystems(systems, this.shards.map(shardJson));
  }

  async certificateDates(): Promise<object> {
    const answers = (await this.all("certificateDates", [])) as { dates: string[] }[];
    return { dates: [...new Set(answers.flatMap(({ dates }) => dates))].sort() };
  }

  async certificate(date: string): Promise<object> {
    const answers = (await this.all("certificate", [date])) as Record<string, unknown>[];
    return { date, ...mergeLists(answers) };
  }

  clear(feed: string, stream: string): Promise<object> {
    return this.one("clear", [feed, stream]);
  }

  async metrics(service: ServiceMetrics): Promise<string> {
    const own = new Exposition();
    serviceMetrics(own, service);
    shardMetrics(own, this.shards, this.quarantined());
    const pages = await Promise.allSettled(this.shards.map((shard) => shard.ask("metrics", [])));
    const texts = pages.flatMap((page) =>
      page.status === "fulfilled" ? [JSON.parse(page.value) as string] : [],
    );
    return mergePages([own.text, ...texts]);
  }

  /** Answers of all shards that have one. */
  private async all(method: string, args: readonly string[]): Promise<object[]> {
    const answers: object[] = [];
    let refusal: unknown;
    const asked = this.shards.map((shard) => shard.ask(method, args));
    for (const answer of await Promise.allSettled(asked)) {
      if (answer.status === "fulfilled") answers.push(JSON.parse(answer.value) as object);
      else if (!isElsewhere(answer.reason)) throw answer.reason;
      else refusal = answer.reason;
    }
    if (answers.length === 0) throw refusal;
    return answers;
  }

  /** The one answer; a shard that is away may be the one that has it. */
  private async one(method: string, args: readonly string[]): Promise<object> {
    let refusal: unknown;
    const asked = this.shards.map((shard) => shard.ask(method, args));
    for (const answer of await Promise.allSettled(asked)) {
      if (answer.status === "fulfilled") return JSON.parse(answer.value) as object;
      if (refusal === undefined || rankOf(answer.reason) > rankOf(refusal)) refusal = answer.reason;
    }
    throw refusal;
  }
}

function isElsewhere(reason: unknown): boolean {
  return reason instanceof ApiError && ELSEWHERE.includes(reason.code);
}

/** Of several refusals the one that says most: an unknown token says more than an unknown feed. */
function rankOf(reason: unknown): number {
  if (!isElsewhere(reason)) return 2;
  return (reason as ApiError).code === "unknown_feed" ? 0 : 1;
}
