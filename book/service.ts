/**
 * Edge: the book service as a process part: sources of chunks, the embedded broker, the listener and
 * the clock around the books, which are in this thread or in shards.
 *
 *   source ─► Centre.push        every 100 ms: Centre.tick
 *                                every 250 ms, or 16 chunks: positions back
 */
import { rmSync } from "node:fs";
import type { DecoderOptions, Feed } from "../feed/feed.ts";
import { type KafkaLag, lagOfAll } from "../frames/kafka-lag.ts";
import { type MqttAccess, withoutPassword } from "../frames/mqtt-access.ts";
import type { CentreLink, ChunkSource } from "../frames/transport.ts";
import { KafkaChunkSource, type KafkaSettings } from "../frames/transport-kafka.ts";
import { openSource } from "../frames/transport-open.ts";
import { openZstd } from "../frames/zstd.ts";
import type { Tell } from "../metrics/events.ts";
import type { SequencerOptions } from "../streams/sequencer.ts";
import type { AsOfDeclaration } from "./asof/live-asof.ts";
import type { BookApi } from "./book-api.ts";
import type { Calendar } from "./calendar/declaration.ts";
import type { Centre } from "./centre.ts";
import { httpApp, type PageFile } from "./http.ts";
import type { EventRows } from "./kafka/event-rows.ts";
import { EventsOut } from "./kafka/events-out.ts";
import { GroupCentre } from "./kafka/group-centre.ts";
import { GroupState } from "./kafka/group-state.ts";
import { Live, type LiveOptions } from "./live.ts";
import type { LiveApi } from "./live-api.ts";
import { LocalCentre } from "./local-centre.ts";
import { type NeighbourOptions, Neighbours } from "./neighbours.ts";
import { PositionTeller } from "./position-teller.ts";
import { type EmbeddedBroker, startBroker } from "./service-broker.ts";
import { type HttpAddress, listenHttp } from "./service-http.ts";
import { openState, type State } from "./service-state.ts";
import { ShardedCentre } from "./shards/sharded-centre.ts";

/** Books in several workers. */
export interface ShardsOptions {
  readonly count: number;
  /** A module that calls `serveShard`. */
  readonly module: URL;
  /** What its `optionsOf` is given: the same options as the service's, as plain values. */
  readonly rest: unknown;
}

export interface ServiceOptions {
  readonly version: string;
  /** `mqtt://…`, `kafka://…` or `dir:PATH`; the embedded broker is listened to besides. */
  readonly from: readonly string[];
  readonly broker?: { readonly host: string; readonly port: number };
  readonly http: HttpAddress;
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
  /** As `LiveOptions.calendar` and `onlyDay`. */
  readonly calendar?: Calendar;
  readonly onlyDay?: number;
  /** Who this service is to brokers of `from`. */
  readonly mqtt?: MqttAccess;
  /** Where rows of events go, `kafka://…`. */
  readonly events?: string | undefined;
  /** How that uses Kafka. */
  readonly kafka?: KafkaSettings;
  /**
   * Names this process within its group of Kafka for good: it has the streams that the group gives it,
   * from `from`, its one source; `state` is shared by all members.
   */
  readonly member?: string | undefined;
  /** Absent: the books are in this thread. */
  readonly shards?: ShardsOptions;
  /**
   * Directory of checkpoints, or `s3://BUCKET/PREFIX`; absent: a life begins with what collectors
   * still have.
   */
  readonly state?: string;
  /** What the books depend on besides the version: a checkpoint of others is not read. */
  readonly stateKey?: string;
  /** Between two checkpoints; 30 s unless told. */
  readonly saveNs?: number;
  /** Other processes that the page shows. */
  readonly neighbours?: NeighbourOptions;
  /** Told of what comes and goes (brokers, clients), in a sentence. */
  readonly onStatus: Tell;
}

export interface BookService {
  /** Where the page is. */
  readonly url: string;
  readonly brokerUrl: string | undefined;
  readonly api: BookApi;
  /** Where the books are in this thread; undefined: in shards. */
  readonly local: LiveApi | undefined;
  /** Resolves when every source has come to its end (directories only), rejects when one breaks. */
  readonly sourcesDone: Promise<void>;
  close(): Promise<void>;
}

const ADVANCE_MS = 100;
const POSITION_MS = 250;
const SAVE_NS = 30e9;

type Source = ChunkSource &
  Partial<CentreLink> & {
    readonly connected?: boolean;
    /** Chunks that wait in the broker, where it says so. */
    readonly lag?: number;
    /** Of a source that has partitions. */
    readonly lags?: readonly KafkaLag[];
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
  const canAsk = broker !== undefined || options.from.some((from) => /^(mqtt|kafka)/.test(from));
  const ask: LiveOptions["ask"] = (collector, request) => {
    // Whichever broker the collector listens to: a question that nobody hears is asked again.
    for (const source of sources) {
      if (source.connected) source.request?.(collector, request).catch(() => {});
    }
  };
  const state = await openState(options);
  const events = openEvents(options);
  const centre = openCentre(options, state, canAsk, ask, events, () => positions.publish());
  const positions = new PositionTeller(() => centre.positions(options.consumer), sources);
  const group = centre instanceof GroupCentre ? centre : undefined;
  const { api } = centre;
  const started = performance.now();
  let ready = false;
  const neighbours = options.neighbours && new Neighbours(options.neighbours);
  const app = httpApp(api, {
    version: options.version,
    readiness: () => {
      const isReady = ready && (group?.isMember ?? true);
      const reason = ready ? "warming up, not yet a member of its group" : "not listening yet";
      return { ready: isReady, reason: isReady ? "" : reason };
    },
    metrics: () => ({
      version: options.version,
      sources: sources.map(({ name, connected, lags }) => ({
        source: withoutPassword(name),
        isThere: connected ?? true,
        lags,
      })),
      events,
      uptimeSeconds: Math.round((performance.now() - started) / 1000),
      memoryBytes: process.memoryUsage.rss(),
      clients: listener.clients,
    }),
    around: async () => ({
      sources: sources.map(sourceJson),
      collectors: (await neighbours?.collectors()) ?? [],
      history: neighbours?.hasHistory ?? false,
    }),
    ...(neighbours && { replay: (search, gone) => neighbours.replay(search, gone) }),
    page: options.page,
    onError: (error) => options.onStatus(`a request failed: ${error.stack ?? error.message}`),
  });
  const listener = listenHttp(
    () => app,
    (port) => centre.connect(port),
    options.http,
    options.neighbours?.history,
  );
  const urls = [...(broker === undefined ? [] : [broker.url]), ...options.from];
  try {
    for (const url of urls) {
      const clientName = options.consumer;
      const access = url === broker?.url ? {} : options.mqtt;
      const { member, onStatus } = options;
      sources.push(openSource(url, { clientName, access, member, onStatus }));
    }
  } catch (error) {
    listener.close();
    throw error;
  }
  const own = broker === undefined ? undefined : sources[0];
  const intakeIsThere = own?.subscribed ?? Promise.resolve();
  // A collector that came before the intake would be told that nobody is there to hear it.
  if (own?.clientId !== undefined) broker?.admitFirst(own.clientId, intakeIsThere);
  const take = (bytes: Uint8Array) => {
    const taken = centre.push(bytes);
    positions.took();
    return taken;
  };
  const [first] = sources;
  const runs =
    group !== undefined && first instanceof KafkaChunkSource
      ? [group.run(first)]
      : sources.map((source) => source.run(take));
  const sourcesDone = Promise.all(runs).then(() => centre.finish());
  // Whoever waits for the sources hears of a broken one, also of one that broke by now.
  sourcesDone.catch(() => {});
  await intakeIsThere;
  centre.begin();
  ready = true;
  const timers = [
    setInterval(() => centre.tick(), ADVANCE_MS),
    setInterval(() => positions.publish(), POSITION_MS),
  ];
  return {
    url: listener.url,
    brokerUrl: broker?.url,
    api,
    local: centre instanceof LocalCentre ? centre.api : undefined,
    sourcesDone,
    async close() {
      for (const timer of timers) clearInterval(timer);
      // Its last checkpoint is fenced by the group, so it is a member until then.
      await group?.close();
      await Promise.all(sources.map((source) => source.close()));
      await (group === undefined ? centre.close() : undefined);
      await events?.close();
      if (state.isScratch) rmSync(state.folder, { recursive: true, force: true });
      await listener.close();
      await broker?.close();
    },
  };
}

/** A place that chunks come from, as `/v1/system` shows it. */
function sourceJson({ name, connected, lag, lags = [] }: Source): object {
  const { records, seconds } = lagOfAll(lags);
  const behind = lags.filter((each) => each.records > 0);
  return {
    source: name,
    connected: connected ?? null,
    lag: lag ?? (lags.length > 0 ? records : null),
    lag_seconds: lags.length > 0 ? seconds : null,
    behind: behind.map(({ seconds: age, ...each }) => ({
      ...each,
      seconds: Number.isNaN(age) ? null : age,
    })),
  };
}

function openEvents(options: ServiceOptions): EventsOut | undefined {
  const { events, kafka, consumer: clientName, onStatus } = options;
  return events === undefined ? undefined : new EventsOut(events, { clientName, kafka, onStatus });
}

function openCentre(
  options: ServiceOptions,
  { folder, copyOf, storage }: State,
  canAsk: boolean,
  ask: LiveOptions["ask"],
  events: EventsOut | undefined,
  onMoved: () => void,
): Centre {
  const { version, shards, onStatus } = options;
  const tool = `edgebook ${version}`;
  const key = `${tool} ${options.stateKey ?? ""}`;
  const saveNs = options.saveNs ?? SAVE_NS;
  if (shards !== undefined) {
    const sharded = { ...shards, state: folder, copyOf, key, tool, saveNs };
    return new ShardedCentre({ ...sharded, canAsk, ask, rows: events, onMoved, onStatus });
  }
  const newLive = (rows: EventRows | undefined) =>
    new Live({
      zstd: openZstd(),
      ...(options.decoderFor === undefined ? {} : { decoderFor: options.decoderFor }),
      ...(options.sequencer === undefined ? {} : { sequencer: options.sequencer }),
      ...(options.midnightSec === undefined ? {} : { midnightSec: options.midnightSec }),
      ...(options.certify === undefined ? {} : { certify: options.certify }),
      ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
      ...(options.calendar === undefined ? {} : { calendar: options.calendar }),
      ...(options.onlyDay === undefined ? {} : { onlyDay: options.onlyDay }),
      ...(rows === undefined ? {} : { rows }),
      intake: { canAsk },
      tell: onStatus,
      clockNs: () => (performance.timeOrigin + performance.now()) * 1e6,
      ask,
    });
  const { member, state } = options;
  if (member !== undefined && state !== undefined) {
    const shared = new GroupState(folder, storage);
    return new GroupCentre({ newLive, tool, state: shared, key, saveNs, events, onStatus });
  }
  const place = { state: folder === "" ? undefined : folder, copy: copyOf?.("") };
  const local = { tool, ...place, key, saveNs, events, onStatus };
  return new LocalCentre({ ...local, newLive: () => newLive(events?.rows) });
}
