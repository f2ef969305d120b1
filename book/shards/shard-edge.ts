/**
 * Edge: one shard as its owner sees it: a supervised worker, the log of what it was sent, questions
 * on their way, and what it said last.
 *
 *   add ─► log ─► pump ─► ring in shared memory ─► worker        written ─► sealed ─► log trimmed
 *           ▲ a new life: from behind its checkpoint again
 */
import type { ActorError } from "../../actors/actor-error.ts";
import { WorkerEdge } from "../../actors/worker-edge.ts";
import type { Dictionary } from "../../frames/dictionary.ts";
import type { Position } from "../../frames/transport.ts";
import type { Tell } from "../../metrics/events.ts";
import { type CheckpointCopy, CheckpointFolder } from "../checkpoint/folder.ts";
import { ApiError } from "../http-error.ts";
import type { EventBatch } from "../kafka/event-rows.ts";
import {
  bodyOf,
  type ClientWord,
  kindOf,
  numberOf,
  type Question,
  RecordKind,
  type Resumption,
  valueRecord,
} from "./record.ts";
import { ShardLog } from "./shard-log.ts";
import type { ShardSetup } from "./shard-thread.ts";
import type { ShardWord } from "./word.ts";

export interface ShardEdgeOptions {
  readonly name: string;
  readonly module: URL;
  readonly setup: Omit<ShardSetup<unknown>, "dictionaries">;
  /** What a life that begins now has to know besides what comes with edgebook. */
  readonly dictionaries: () => readonly Dictionary[];
  /** Where rows of events go: a checkpoint gets its name when all rows up to it are there. */
  readonly rows?: RowsPort | undefined;
  /** Where checkpoints go besides. */
  readonly copy?: CheckpointCopy | undefined;
  /** A worker whose heart stands still so long is ended; ns. */
  readonly hangNs?: number;
}

/** Rows that shards make, on their way out. */
export interface RowsPort {
  add(batch: EventBatch): void;
  /** Resolves when more may be made; undefined: at once. */
  room(): Promise<void> | undefined;
  /** Resolves when all that was added so far has arrived. */
  settled(): Promise<void>;
}

export interface ShardEdgeEvents {
  onWord(word: ShardWord): void;
  /** A chunk killed the shard `tries` times; the record that is to stand for it from now on. */
  onPoisoned(chunk: Uint8Array, tries: number, number: number): Uint8Array;
  /** A new life has what its checkpoint lacked: its clients have to be told of again. */
  onCaughtUp(): void;
  readonly onStatus: Tell;
}

const RING_BYTES = 8 << 20;
/** What lies in the ring becomes rows even when nobody takes any more: some five times as many bytes. */
const RING_BYTES_WITH_ROWS = 4 << 20;
const LOG_BYTES = 128 << 20;
/** Unsent bytes from which on a source waits. */
const UNSENT_BYTES = 32 << 20;
/** The log asks for a checkpoint when it has come so far since the last. */
const SAVE_AT_BYTES = 48 << 20;
const ANSWER_MS = 10_000;
/** How long the end waits for the rows of the last checkpoint. */
const CLOSE_MS = 10_000;
/** A chunk whose worker stood still thrice is set aside: better late than wrong on a crowded host. */
const HANG_NS = 10e9;
const TRIES = 3;

interface Asked {
  readonly resolve: (text: string) => void;
  readonly reject: (error: ApiError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class ShardEdge {
  readonly worker: WorkerEdge;
  readonly log = new ShardLog(LOG_BYTES);
  positions: readonly Position[] = [];
  restarts = 0;
  poisoned = 0;
  checkpoints = 0;
  pauseNs = 0;
  pauseNsMax = 0;
  checkpointBytes = 0;
  stateBytes = 0;
  /** How long the last life took from the failure until it had what was missed, ms; NaN: never. */
  backMs = Number.NaN;
  /** A life of it has begun: it can be asked. Its books say themselves whether they are old. */
  isUp = false;
  readonly finished: Promise<void>;
  private readonly options: ShardEdgeOptions;
  private readonly events: ShardEdgeEvents;
  private readonly folder: CheckpointFolder;
  private readonly questions = new Map<number, Asked>();
  private lastQuestion = 0;
  private mayPump = false;
  private isPumping = false;
  private roomWaiters: (() => void)[] = [];
  private savedBytes = 0;
  private sealing: Promise<void> = Promise.resolve();
  /** Lives begun: what an earlier one left unfinished gets no name. */
  private life = 0;
  private failedMs = performance.now();
  /** The records up to here are what the life in hand missed. */
  private missedUpTo = 0;
  private finish: () => void = () => {};
  private owesCaughtUp = false;
  private isStopping = false;
  /** The newest sealed checkpoints' records: the log keeps what follows the older one. */
  private sealedRecords: number[] = [0];

  constructor(options: ShardEdgeOptions, events: ShardEdgeEvents) {
    this.options = options;
    this.events = events;
    this.folder = new CheckpointFolder(options.setup.folder, options.copy);
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
    this.worker = new WorkerEdge(
      {
        name: options.name,
        module: options.module,
        ringBytes: options.rows === undefined ? RING_BYTES : RING_BYTES_WITH_ROWS,
        policy: "block",
        hangNs: options.hangNs ?? HANG_NS,
        beginNs: 60e9,
        supervision: {
          tries: TRIES,
          restarts: 60,
          withinNs: 60e9,
          backoffNs: 20e6,
          backoffLimitNs: 1e9,
        },
        setup: () => ({ ...options.setup, dictionaries: options.dictionaries() }),
      },
      {
        onFailed: (error) => this.failed(error),
        onPoisoned: (record, tries) => this.poisonedBy(record, tries),
        beforeRestart: (_life, ring) => {
          ring.clear();
        },
        onGivenUp: (error) => this.tellFailed(`is given up: ${error.message}`),
        onSaid: (word) => this.hear(word as ShardWord),
      },
    );
  }

  start(nowNs: number): void {
    this.worker.start(nowNs);
  }

  /** Adds to the log; resolves when the source may go on. */
  add(make: (number: number) => Uint8Array): Promise<void> | void {
    this.log.add(make);
    this.pump();
    if (!this.isUp || this.log.unsentBytes <= UNSENT_BYTES) return;
    return new Promise((resolve) => this.roomWaiters.push(resolve));
  }

  /** @returns the answer's JSON @throws ApiError the shard refuses, or is not there */
  ask(method: string, args: readonly string[]): Promise<string> {
    if (!this.isUp) return Promise.reject(this.absent());
    const id = ++this.lastQuestion;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.settle(id)?.reject(this.absent()), ANSWER_MS);
      this.questions.set(id, { resolve, reject, timer });
      const question: Question = { id, method, args };
      this.send(valueRecord(RecordKind.Question, question));
    });
  }

  tellClient(word: ClientWord): void {
    if (this.isUp) this.send(valueRecord(RecordKind.Client, word));
  }

  tick(nowNs: number): void {
    this.worker.tick(nowNs);
    if (this.log.bytes - this.savedBytes < SAVE_AT_BYTES || !this.isUp) return;
    this.savedBytes = this.log.bytes;
    this.send(valueRecord(RecordKind.Save, null));
  }

  /** Everything that it was sent is done and saved. */
  async stop(nowNs: number): Promise<void> {
    this.isStopping = true;
    await this.drained();
    await this.worker.stop("drain", nowNs, 60e9);
    // Without its rows the last checkpoint stays unfinished: the next life makes them again.
    await Promise.race([this.sealing, Bun.sleep(CLOSE_MS)]);
    for (const id of [...this.questions.keys()]) this.settle(id)?.reject(this.absent());
  }

  /** Lets the worker fail, as if it had crashed. */
  kill(): void {
    this.worker.kill();
  }

  private async drained(): Promise<void> {
    for (
      let tries = 0;
      tries < 600 && this.log.hasUnsent && !this.isHeldUp && this.worker.phase !== "stopped";
      tries++
    ) {
      await Bun.sleep(50);
    }
  }

  /** Kafka takes no more rows: what waits for it is made again in the next life. */
  private get isHeldUp(): boolean {
    return this.options.rows?.room() !== undefined;
  }

  private absent(): ApiError {
    return new ApiError("restarting", `${this.options.name} is beginning again`);
  }

  private settle(id: number): Asked | undefined {
    const asked = this.questions.get(id);
    this.questions.delete(id);
    if (asked !== undefined) clearTimeout(asked.timer);
    return asked;
  }

  /** Past the log: what a later life need not see. */
  private send(record: Uint8Array): void {
    this.worker.sendWhenRoom(record).catch(() => {});
  }

  private async pump(): Promise<void> {
    if (this.isPumping) return;
    this.isPumping = true;
    while (this.mayPump) {
      if (this.owesCaughtUp && this.log.sent >= this.missedUpTo) this.tellCaughtUp();
      const room = this.isStopping ? undefined : this.options.rows?.room();
      if (room !== undefined) {
        await room;
        continue;
      }
      const record = this.log.take();
      if (record === undefined) break;
      const said = this.worker.send(record);
      if (said === "full" && (await this.worker.sendWhenRoom(record)) !== "taken") break;
      if (this.log.unsentBytes <= UNSENT_BYTES) this.letGo();
    }
    this.isPumping = false;
    if (this.log.unsentBytes <= UNSENT_BYTES) this.letGo();
  }

  private tellCaughtUp(): void {
    this.owesCaughtUp = false;
    this.send(valueRecord(RecordKind.CaughtUp, null));
  }

  private letGo(): void {
    for (const wake of this.roomWaiters.splice(0)) wake();
  }

  private failed(error: ActorError): void {
    this.isUp = false;
    this.mayPump = false;
    this.restarts++;
    this.failedMs = performance.now();
    // Others are not to wait for this one.
    this.letGo();
    for (const id of [...this.questions.keys()]) this.settle(id)?.reject(this.absent());
    this.tellFailed(`begins again: ${error.message.split("\n")[0]}`);
  }

  private tellFailed(what: string): void {
    const { name } = this.options;
    this.events.onStatus(`${name} ${what}`, "shard_failed", { shard: name });
  }

  private tellBack(): void {
    const { name } = this.options;
    const seconds = Math.round(this.backMs) / 1000;
    const text = `${name} is back, with all that it missed, after ${seconds} s`;
    this.events.onStatus(text, "shard_back", { shard: name, seconds });
  }

  private poisonedBy(record: Uint8Array, tries: number): void {
    if (kindOf(record) !== RecordKind.Chunk) return;
    this.poisoned++;
    const number = numberOf(record);
    this.log.replace(number, this.events.onPoisoned(bodyOf(record), tries, number));
  }

  private hear(word: ShardWord): void {
    switch (word.say) {
      case "begun":
        this.begun(word);
        return;
      case "positions":
        this.positions = word.positions;
        break;
      case "answer":
        this.settle(word.id)?.resolve(word.text);
        return;
      case "refusal":
        this.settle(word.id)?.reject(new ApiError(word.code, word.message));
        return;
      case "written":
        this.pauseNs = word.pauseNs;
        this.pauseNsMax = Math.max(this.pauseNsMax, word.pauseNs);
        this.checkpointBytes = word.bytes;
        this.stateBytes = word.stateBytes;
        this.sealSoon(word.number, word.record.number);
        return;
      case "events":
        this.options.rows?.add(word.batch);
        return;
      case "save_failed":
        this.send(valueRecord(RecordKind.Sealed, null));
        this.events.onStatus(`${this.options.name} cannot save a checkpoint: ${word.text}`);
        return;
      case "notice":
        this.events.onStatus(`${this.options.name}: ${word.text}`);
        return;
      case "caught_up":
        this.backMs = performance.now() - this.failedMs;
        if (this.restarts > 0) this.tellBack();
        this.events.onCaughtUp();
        return;
      case "finished":
        this.finish();
        return;
    }
    this.events.onWord(word);
  }

  /** A life stands where its checkpoint is: what it lacks is sent again, or asked for. */
  private begun({ record, refused }: Extract<ShardWord, { say: "begun" }>): void {
    this.life++;
    const { session } = this.options.setup;
    for (const why of refused) {
      this.events.onStatus(`${this.options.name}: ${why}; an older one is used`);
    }
    const isWhole = this.log.rewind(record.session === session ? record.number : 0);
    const mustAsk = record.session !== session || !isWhole;
    const resumption: Resumption = { mustAsk, from: this.log.sent + 1 };
    this.send(valueRecord(RecordKind.Resume, resumption));
    this.missedUpTo = this.log.newest;
    this.owesCaughtUp = true;
    this.mayPump = true;
    this.isUp = true;
    this.pump();
  }

  /** Once everything that the checkpoint contains has arrived, rows included. */
  private sealSoon(number: number, record: number): void {
    const { life } = this;
    const rows = this.options.rows?.settled();
    this.sealing = this.sealing
      .then(() => rows)
      .then(() => (life === this.life ? this.seal(number, record) : undefined))
      .then(() => {
        if (life === this.life) this.send(valueRecord(RecordKind.Sealed, null));
      });
  }

  private async seal(number: number, record: number): Promise<void> {
    try {
      await this.folder.seal(number);
    } catch (error) {
      if (!this.isStopping)
        this.events.onStatus(`a checkpoint is lost: ${(error as Error).message}`);
      return;
    }
    this.checkpoints++;
    this.sealedRecords.push(record);
    // A damaged checkpoint leaves the one before: the log goes back as far as that.
    if (this.sealedRecords.length > 2) this.sealedRecords.shift();
    this.log.trim(this.sealedRecords[0]);
    this.savedBytes = this.log.bytes;
  }
}
