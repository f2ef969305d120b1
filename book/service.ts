/**
 * Edge: the book service as a process part: sources of chunks, the embedded broker, the listener and
 * the clock around the core in `live.ts`.
 *
 *   source ─► Live.push        every 100 ms: Live.advance        every 250 ms: positions back
 */
import type { DecoderOptions, Feed } from "../feed/feed.ts";
import type { MqttAccess } from "../frames/mqtt-access.ts";
import type { CentreLink, ChunkSource } from "../frames/transport.ts";
import { openSource } from "../frames/transport-open.ts";
import { openZstd } from "../frames/zstd.ts";
import type { SequencerOptions } from "../streams/sequencer.ts";
import type { AsOfDeclaration } from "./asof/live-asof.ts";
import { httpApp, type PageFile } from "./http.ts";
import { Live } from "./live.ts";
import { LiveApi } from "./live-api.ts";
import { type EmbeddedBroker, startBroker } from "./service-broker.ts";
import { listenHttp } from "./service-http.ts";

export interface ServiceOptions {
  readonly version: string;
  /** `mqtt://…` or `dir:PATH`; the embedded broker is listened to besides. */
  readonly from: readonly string[];
  readonly broker?: { readonly host: string; readonly port: number };
  readonly http: { readonly host: string; readonly port: number };
  readonly page: ReadonlyMap<string, PageFile>;
  /** Names the position topic: two centres with one name would share a position. */
  readonly consumer: string;
  readonly decoderFor?: (feed: Feed) => DecoderOptions;
  readonly sequencer?: Partial<SequencerOptions>;
  readonly midnightSec?: (captureSec: number) => number;
  /** As `LiveOptions.certify`. */
  readonly certify?: boolean;
  /** As `LiveOptions.asOf`. */
  readonly asOf?: AsOfDeclaration;
  /** Who this service is to brokers of `from`. */
  readonly mqtt?: MqttAccess;
  /** Told of what comes and goes (brokers, clients), in a sentence. */
  readonly onStatus: (text: string) => void;
}

export interface BookService {
  /** Where the page is. */
  readonly url: string;
  readonly brokerUrl: string | undefined;
  readonly api: LiveApi;
  /** Resolves when every source has come to its end (directories only), rejects when one breaks. */
  readonly sourcesDone: Promise<void>;
  close(): Promise<void>;
}

const ADVANCE_MS = 100;
const POSITION_MS = 250;
const RATE_MS = 1000;

type Source = ChunkSource &
  Partial<CentreLink> & {
    readonly connected?: boolean;
    readonly clientId?: string;
    readonly subscribed?: Promise<void>;
  };

/** @throws ServiceError an address is taken; TransportError a source cannot be */
export async function startService(options: ServiceOptions): Promise<BookService> {
  const broker = options.broker && (await startBroker(options.broker.host, options.broker.port));
  try {
    return await listenAndRun(options, broker);
  } catch (error) {
    await broker?.close();
    throw error;
  }
}

async function listenAndRun(
  options: ServiceOptions,
  broker: EmbeddedBroker | undefined,
): Promise<BookService> {
  const sources: Source[] = [];
  const canAsk = broker !== undefined || options.from.some((from) => from.startsWith("mqtt"));
  const live = new Live({
    zstd: openZstd(),
    ...(options.decoderFor === undefined ? {} : { decoderFor: options.decoderFor }),
    ...(options.sequencer === undefined ? {} : { sequencer: options.sequencer }),
    ...(options.midnightSec === undefined ? {} : { midnightSec: options.midnightSec }),
    ...(options.certify === undefined ? {} : { certify: options.certify }),
    ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
    intake: { canAsk },
    ask(collector, request) {
      // Whichever broker the collector listens to: a question that nobody hears is asked again.
      for (const source of sources) {
        if (source.connected) source.request?.(collector, request).catch(() => {});
      }
    },
  });
  const api = new LiveApi(live, `edgebook ${options.version}`);
  const started = performance.now();
  let ready = false;
  const app = httpApp(api, {
    version: options.version,
    readiness: () => ({ ready, reason: ready ? "" : "not listening for chunks yet" }),
    metrics: () => ({
      uptimeSeconds: Math.round((performance.now() - started) / 1000),
      memoryBytes: process.memoryUsage.rss(),
      clients: listener.clients,
    }),
    page: options.page,
    onError: (error) => options.onStatus(`a request failed: ${error.stack ?? error.message}`),
  });
  const listener = listenHttp(() => app, api, options.http.host, options.http.port);
  const urls = [...(broker === undefined ? [] : [broker.url]), ...options.from];
  try {
    for (const url of urls) {
      const clientName = options.consumer;
      const access = url === broker?.url ? {} : options.mqtt;
      sources.push(openSource(url, { clientName, access, onStatus: options.onStatus }));
    }
  } catch (error) {
    listener.close();
    throw error;
  }
  const own = broker === undefined ? undefined : sources[0];
  const intakeIsThere = own?.subscribed ?? Promise.resolve();
  // A collector that came before the intake would be told that nobody is there to hear it.
  if (own?.clientId !== undefined) broker?.admitFirst(own.clientId, intakeIsThere);
  const take = (bytes: Uint8Array) => live.push(bytes, clockNs());
  const sourcesDone = Promise.all(sources.map((source) => source.run(take))).then(() => {
    live.finish(clockNs());
  });
  // Whoever waits for the sources hears of a broken one, also of one that broke by now.
  sourcesDone.catch(() => {});
  await intakeIsThere;
  ready = true;
  const positions = new PositionTeller(options.consumer);
  const told = new Set<string>();
  const timers = [
    setInterval(() => {
      live.advance(clockNs());
      tellValid(live, told, options.onStatus);
    }, ADVANCE_MS),
    setInterval(() => api.rates.sample(live, clockNs()), RATE_MS),
    setInterval(() => positions.publish(live, sources), POSITION_MS),
  ];
  return {
    url: listener.url,
    brokerUrl: broker?.url,
    api,
    sourcesDone,
    async close() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(sources.map((source) => source.close()));
      await listener.close();
      await broker?.close();
    },
  };
}

/** Says once for each feed how long it took until every book of it could be trusted. */
function tellValid(live: Live, told: Set<string>, onStatus: (text: string) => void): void {
  for (const [id, { repairs }] of live.feeds) {
    if (told.has(id) || Number.isNaN(repairs.validAfterNs)) continue;
    told.add(id);
    const seconds = (repairs.validAfterNs / 1e9).toFixed(1);
    onStatus(`every book of ${id} is valid, ${seconds} s after its first chunk`);
  }
}

/** Tells collectors how far the books are, when they have moved; nothing queues for a lost broker. */
class PositionTeller {
  private readonly consumer: string;
  private readonly told = new Map<string, string>();

  constructor(consumer: string) {
    this.consumer = consumer;
  }

  publish(live: Live, sources: readonly Source[]): void {
    for (const position of live.intake.positions(this.consumer)) {
      for (const source of sources) {
        const key = `${source.name} ${position.collector}`;
        const place = `${position.boot}/${position.chunk}`;
        if (!source.connected || this.told.get(key) === place) continue;
        this.told.set(key, place);
        source.publishPosition?.(position).catch(() => this.told.delete(key));
      }
    }
  }
}

/** Nanoseconds since 1970 as a double: exact enough for time-outs. */
function clockNs(): number {
  return (performance.timeOrigin + performance.now()) * 1e6;
}
