/** A book service behind a real listener, with books of a small simulated market: for tests of clients. */
import { httpApp } from "../book/http.ts";
import { Live } from "../book/live.ts";
import { LiveApi } from "../book/live-api.ts";
import { Subscriber } from "../book/live-subscriber.ts";
import { type HttpAddress, type HttpListener, listenHttp } from "../book/service-http.ts";
import { openZstd } from "../frames/zstd.ts";
import { runMarket } from "./live-market.ts";

export interface ApiService {
  readonly url: string;
  readonly listener: HttpListener;
  readonly api: LiveApi;
  /** Of the instrument with the most trades. */
  readonly token: string;
  readonly errors: readonly Error[];
  /** Takes the chunks up to this share of all. */
  push(share: number): void;
  close(): Promise<void>;
}

export function startApi(address: Partial<HttpAddress> = {}, share = 0.6): ApiService {
  const market = runMarket({ seed: 21, milliseconds: 1200 });
  const live = new Live({ zstd: openZstd(), ask: () => {}, intake: { canAsk: false } });
  const api = new LiveApi(live);
  let at = 0;
  const push = (upTo: number) => {
    const end = Math.floor(market.chunks.length * upTo);
    for (; at < end; at++) live.push(market.chunks[at].bytes, 0);
  };
  push(share);
  const errors: Error[] = [];
  const app = httpApp(api, {
    version: "1.2.3",
    readiness: () => ({ ready: true, reason: "" }),
    metrics: () => ({ uptimeSeconds: 5, memoryBytes: 100, clients: 0 }),
    page: new Map([["/", { type: "text/html", text: "<p>page</p>" }]]),
    onError: (error) => void errors.push(error),
  });
  const listener = listenHttp(
    () => app,
    (port) => new Subscriber(api, port),
    { host: "127.0.0.1", port: 0, ...address },
  );
  const { books } = api.books("", "nse-fo", "100") as { books: { token: string }[] };
  const tradesOf = ({ token }: { token: string }) =>
    (api.trades("nse-fo", token, "1000") as { trades: object[] }).trades.length;
  const [{ token }] = books.sort((a, b) => tradesOf(b) - tradesOf(a));
  return { url: listener.url, listener, api, token, errors, push, close: () => listener.close() };
}
