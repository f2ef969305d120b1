/** The API over the books of several streams in this thread: answers are put together as of shards. */
import { Exposition } from "../../metrics/exposition.ts";
import { mergePages } from "../../metrics/page.ts";
import type { BookApi } from "../book-api.ts";
import { ApiError } from "../http-error.ts";
import type { LiveApi } from "../live-api.ts";
import { liveText, type ServiceMetrics, serviceMetrics } from "../metrics.ts";
import { mergeBooks, mergeLists, mergeStreams } from "../shards/answers.ts";
import { mergeSystems } from "../system.ts";

const LIST_FALLBACK = 50;

export class GroupApi implements BookApi {
  private readonly apis: () => readonly LiveApi[];

  /** @param apis of the streams that are this member's now */
  constructor(apis: () => readonly LiveApi[]) {
    this.apis = apis;
  }

  streams(): object {
    return { streams: mergeStreams(this.apis().map((api) => api.streams().streams)) };
  }

  books(search: string, feed: string, limit: string): object {
    const ranked = this.all((api) => api.rankedBooks(search, feed, limit));
    return mergeBooks(ranked, limit === "" ? LIST_FALLBACK : Number(limit));
  }

  book(feed: string, token: string, depth: string): object {
    return this.owner(feed, token).book(feed, token, depth);
  }

  trades(feed: string, token: string, limit: string): object {
    return this.owner(feed, token).trades(feed, token, limit);
  }

  queue(feed: string, token: string, side: string, price: string): object {
    return this.owner(feed, token).queue(feed, token, side, price);
  }

  gaps(): object {
    return mergeLists(this.all((api) => api.gaps() as Record<string, unknown>));
  }

  system(): object {
    return mergeSystems(
      this.apis().map((api) => api.system()),
      [],
    );
  }

  certificateDates(): object {
    const dates = this.apis().flatMap((api) => api.certificateDates().dates);
    return { dates: [...new Set(dates)].sort() };
  }

  certificate(date: string): object {
    const found = this.all((api) => api.certificate(date) as unknown as Record<string, unknown>);
    return { date, ...mergeLists(found) };
  }

  async clear(feed: string, stream: string): Promise<object> {
    let refusal: unknown;
    for (const api of this.apis()) {
      try {
        return await api.clear(feed, stream);
      } catch (error) {
        refusal = error;
      }
    }
    throw refusal ?? nothing();
  }

  metrics(service: ServiceMetrics): string {
    const own = new Exposition();
    serviceMetrics(own, service);
    const pages = this.apis().map((api) => liveText(api.live, api.rates));
    return mergePages([own.text, ...pages]);
  }

  /** Whose instrument it is; the first for one that nobody has. @throws ApiError there are none yet */
  owner(feed: string, token: string): LiveApi {
    const apis = this.apis();
    const found = apis.find(({ live }) => live.find(feed, token) !== undefined) ?? apis[0];
    if (found === undefined) throw nothing();
    return found;
  }

  /** Answers of all that have one. */
  private all<Answer extends object>(ask: (api: LiveApi) => Answer): Answer[] {
    const answers: Answer[] = [];
    let refusal: unknown = nothing();
    for (const api of this.apis()) {
      try {
        answers.push(ask(api));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        refusal = error;
      }
    }
    if (answers.length === 0) throw refusal;
    return answers;
  }
}

const nothing = () => new ApiError("restarting", "no stream is this member's yet");
