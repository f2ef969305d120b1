/**
 * One shard's core: the books of a group of streams, fed record by record. It runs in a worker
 * (`shard-thread.ts`), and the same in a test without one.
 *
 * Answers, positions and rows go out by `say`, as text and bytes that are ready for a socket. A
 * question that fails is an answer; a chunk that fails is the supervisor's affair.
 */
import { encode } from "@msgpack/msgpack";
import type { Dictionary } from "../../frames/dictionary.ts";
import type { Position } from "../../frames/transport.ts";
import type { RecordPlace } from "../checkpoint/file.ts";
import type { CheckpointSaver } from "../checkpoint/saver.ts";
import { ApiError } from "../http-error.ts";
import type { LeftOut } from "../intake.ts";
import type { Live } from "../live.ts";
import { LiveApi } from "../live-api.ts";
import { Subscriber } from "../live-subscriber.ts";
import { liveText } from "../metrics.ts";
import { ClientOutbox, type Posted } from "./outbox.ts";
import {
  bodyOf,
  type ClientWord,
  kindOf,
  numberOf,
  type Question,
  RecordKind,
  type Resumption,
  readValue,
} from "./record.ts";
import type { ShardWord } from "./word.ts";

export interface ShardPorts {
  say(word: ShardWord): void;
  /** Rows for Kafka that wait are said. */
  flushRows(): void;
}

export interface ShardOptions {
  readonly tool: string;
  /** Between two checkpoints, ns. */
  readonly saveNs: number;
  /** Of the process that numbers the records. */
  readonly session: number;
}

const ADVANCE_NS = 100e6;
const POSITION_NS = 100e6;
/** Many chunks in a short time are told sooner: collectors wait for it. */
const POSITION_CHUNKS = 8;
const CLIENTS_NS = 50e6;
const RATE_NS = 1e9;

export class Shard {
  readonly live: Live;
  readonly api: LiveApi;
  /** Number of the log's record that was taken last. */
  taken = 0;
  private readonly saver: CheckpointSaver;
  private readonly options: ShardOptions;
  private readonly ports: ShardPorts;
  private readonly clients = new Map<number, { subscriber: Subscriber; outbox: ClientOutbox }>();
  private isRunning = false;
  private nowNs = 0;
  private advancedNs = 0;
  private saidNs = 0;
  private clientsNs = 0;
  private sampledNs = 0;
  private savedNs: number;
  /** A checkpoint is begun and has no name yet. */
  private isUnsealed = false;
  private said = "";
  private unsaid = 0;

  constructor(
    live: Live,
    saver: CheckpointSaver,
    options: ShardOptions,
    ports: ShardPorts,
    nowNs: number,
  ) {
    this.live = live;
    this.saver = saver;
    this.options = options;
    this.ports = ports;
    this.api = new LiveApi(live, options.tool);
    this.savedNs = nowNs;
  }

  /** What a checkpoint is to say that it contains. */
  get place(): RecordPlace {
    return { session: this.options.session, number: this.taken };
  }

  /** A checkpoint is under way, so that `turn` has something to do. */
  get isSaving(): boolean {
    return this.saver.isBusy;
  }

  /** @param record valid during the call */
  take(record: Uint8Array, nowNs: number): void {
    this.nowNs = nowNs;
    const number = numberOf(record);
    // What was on its way to an earlier life comes again, in its place.
    const isStale = number !== 0 && !(this.isRunning && number === this.taken + 1);
    if (!isStale) {
      this.obey(record);
      if (number !== 0) this.taken = number;
    }
    this.turn(nowNs);
  }

  /** Whatever is due by now; called after each record, and 20 times a second without any. */
  turn(nowNs: number): void {
    this.nowNs = nowNs;
    this.saver.step();
    if (!this.isRunning) return;
    if (nowNs - this.advancedNs >= ADVANCE_NS) {
      this.advancedNs = nowNs;
      this.live.advance(nowNs);
      this.ports.flushRows();
      for (const text of this.live.dayNotices.take()) this.ports.say({ say: "notice", text });
    }
    if (nowNs - this.saidNs >= POSITION_NS) {
      this.saidNs = nowNs;
      this.sayPositions();
    }
    if (nowNs - this.clientsNs >= CLIENTS_NS) {
      this.clientsNs = nowNs;
      for (const { subscriber } of this.clients.values()) subscriber.tick();
      this.sayRows();
    }
    if (nowNs - this.sampledNs >= RATE_NS) {
      this.sampledNs = nowNs;
      this.api.rates.sample(this.live, nowNs);
    }
    if (nowNs - this.savedNs >= this.options.saveNs) this.save(nowNs);
  }

  /** The last of it: a checkpoint, so that the next life begins where this one ended. */
  stop(nowNs: number): void {
    this.sayPositions();
    this.saver.saveNow(nowNs);
  }

  private obey(record: Uint8Array): void {
    const { live, nowNs } = this;
    switch (kindOf(record)) {
      case RecordKind.Chunk:
        live.push(bodyOf(record), nowNs);
        if (++this.unsaid >= POSITION_CHUNKS) this.sayPositions();
        return;
      case RecordKind.Elsewhere:
        live.intake.leaveOut(readValue(record) as LeftOut, nowNs);
        return;
      case RecordKind.Quarantined:
        live.intake.leaveOut(readValue(record) as LeftOut, nowNs, true);
        return;
      case RecordKind.Resume:
        this.resume(readValue(record) as Resumption);
        return;
      case RecordKind.CaughtUp:
        live.caughtUp();
        this.ports.say({ say: "caught_up" });
        return;
      case RecordKind.Finish:
        live.finish(nowNs);
        this.ports.flushRows();
        this.sayPositions();
        this.ports.say({ say: "finished" });
        return;
      case RecordKind.Save:
        this.save(nowNs);
        return;
      case RecordKind.Question:
        this.answer(readValue(record) as Question);
        return;
      case RecordKind.Client:
        this.hear(readValue(record) as ClientWord);
        return;
      case RecordKind.Dictionary: {
        const { name, bytes } = readValue(record) as Dictionary;
        live.options.zstd.dictionaries.learn(name, bytes);
        return;
      }
      case RecordKind.Sealed:
        this.isUnsealed = false;
    }
  }

  private resume({ mustAsk, from }: Resumption): void {
    this.taken = from - 1;
    this.isRunning = true;
    this.live.resume(this.nowNs, mustAsk);
  }

  private save(nowNs: number): void {
    // One may wait long for its rows to arrive in Kafka: more of them would only fill the disk.
    if (this.isUnsealed) return;
    this.savedNs = nowNs;
    this.isUnsealed = true;
    this.saver.begin(nowNs);
  }

  private sayPositions(): void {
    this.unsaid = 0;
    const positions: Position[] = this.live.intake.positions("");
    const text = JSON.stringify(positions);
    if (text === this.said) return;
    this.said = text;
    this.ports.say({ say: "positions", positions });
  }

  private answer({ id, method, args }: Question): void {
    const fail = (error: unknown) => {
      const known = error instanceof ApiError ? error : new ApiError("failed", String(error));
      this.ports.say({ say: "refusal", id, code: known.code, message: known.message });
    };
    const tell = (answer: unknown) => {
      this.ports.say({ say: "answer", id, text: JSON.stringify(answer) });
    };
    try {
      const answer = this.ask(method, args);
      if (answer instanceof Promise) answer.then(tell, fail);
      else tell(answer);
    } catch (error) {
      fail(error);
    }
  }

  private ask(method: string, args: readonly string[]): unknown {
    const { api } = this;
    const [a = "", b = "", c = "", d = ""] = args;
    switch (method) {
      case "streams":
        return api.streams().streams;
      case "books":
        return api.rankedBooks(a, b, c, args[3]);
      case "book":
        return api.book(a, b, c);
      case "trades":
        return api.trades(a, b, c, d);
      case "queue":
        return api.queue(a, b, c, d);
      case "gaps":
        return api.gaps();
      case "system":
        return api.system();
      case "certificateDates":
        return api.certificateDates();
      case "certificate":
        return api.certificate(a);
      case "clear":
        return api.clear(a, b);
      case "metrics":
        return liveText(this.live, api.rates);
      case "find":
        return this.live.find(a, b) !== undefined;
      default:
        throw new ApiError("failed", `a shard has no answer to '${method}'`);
    }
  }

  private hear({ client, value, format, isGone, isAgain, waitingBytes }: ClientWord): void {
    const known = this.clients.get(client);
    if (isGone) {
      known?.subscriber.close();
      this.clients.delete(client);
      return;
    }
    const { outbox, subscriber } = known ?? this.welcome(client);
    outbox.waitingBytes = waitingBytes;
    if (value === undefined) return;
    outbox.format = format;
    outbox.keepsAcks = !isAgain;
    subscriber.message(value);
    outbox.keepsAcks = true;
    this.sayRows();
  }

  private welcome(client: number) {
    const outbox = new ClientOutbox();
    const made = { outbox, subscriber: new Subscriber(this.api, outbox) };
    this.clients.set(client, made);
    return made;
  }

  /** What all clients get at this moment, in one message. */
  private sayRows(): void {
    const rows: [number, ...Posted][] = [];
    for (const [client, { outbox }] of this.clients) {
      for (const message of outbox.messages.splice(0)) rows.push([client, ...message]);
    }
    if (rows.length > 0) this.ports.say({ say: "rows", bytes: encode(rows) });
  }
}
