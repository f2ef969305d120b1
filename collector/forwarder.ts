/**
 * Edge: brings every chunk to one sink, in order, from memory while it is fresh and from the spool
 * when the sink was slow. A slow or absent sink fills the disk, never the memory, and never waits
 * in the way of receiving: the spool is read a few chunks at a time.
 */
import type { PackedChunk } from "../frames/chunk.ts";
import type { SpoolCore } from "../frames/spool-core.ts";
import type { ChunkSink, EdgeLink, RepairRequest } from "../frames/transport.ts";
import { ForwardCore, type Outgoing } from "./forward-core.ts";
import type { SendWindow, ToSend } from "./send-window.ts";

/** How often the window is looked at again when nothing else does: consumers fall silent. */
const TICK_MS = 250;
/** Before a chunk that the sink gave back is sent again. */
const TRY_AGAIN_MS = 500;
/** Under way at most, whatever the window allows in chunks. */
const UNDER_WAY_BYTES = 16 << 20;
/** Chunks handed to the sink before the receiver gets its turn. */
const TURN_CHUNKS = 4;
/**
 * A chunk costs its sender time on the receiving thread, one out of the spool most. So many times as
 * long nothing is sent: on a busy host a backlog goes slower, and nothing that arrives is lost.
 */
const REST_TIMES = 3;
const REST_MS_LIMIT = 200;

/**
 * Chunks with memory of their own are garbage once they are sent, and nobody collects it in time: the
 * collection has other measures. After so much of it, it is told to: some 15 ms.
 */
const GARBAGE_BYTES = 64 << 20;

const nowNs = () => performance.now() * 1e6;

export class Forwarder {
  readonly sink: ChunkSink & Partial<EdgeLink>;
  readonly window: SendWindow;
  sent = 0;
  /** Bytes sent, those sent again included. */
  sentBytes = 0;
  /** What went wrong with the sink, in its words; sending goes on. */
  lastError = "";
  private readonly core: ForwardCore;
  private readonly boot: number;
  private bytesUnderWay = 0;
  /** `bytesMade` of the core at the last collection. */
  private collectedAt = 0;
  private isResting = false;
  /** Rest that is still to be taken. */
  private owedMs = 0;
  /** Somebody receives on this thread, and must not wait. */
  private isGentle = true;
  private readonly timer: ReturnType<typeof setInterval>;
  private idle: (() => void)[] = [];
  private closed = false;
  private released = false;

  /** @param onRepair takes what the centre wants of the exchange */
  constructor(
    sink: ChunkSink & Partial<EdgeLink>,
    boot: number,
    spool: SpoolCore | undefined,
    onRepair: (request: RepairRequest) => void = () => {},
  ) {
    this.sink = sink;
    this.boot = boot;
    this.core = new ForwardCore(sink.name, boot, spool, this.hearsCentre, nowNs());
    this.window = this.core.window;
    sink.onRequest?.((request) => {
      this.window.request(request, (asked) => spool?.newest(asked) ?? 0);
      this.pump();
    });
    sink.onRepair?.(onRepair);
    sink.onPosition?.((position, isRetained) => {
      this.core.hear(position, nowNs(), isRetained);
      this.pump();
    });
    sink.onDeparture?.((consumer) => {
      this.window.forget(consumer);
      this.pump();
    });
    this.timer = setInterval(() => this.pump(), TICK_MS);
  }

  get isConnected(): boolean {
    return this.sink.connected ?? true;
  }

  /** Chunks that had left memory and spool before the sink took them. */
  get missed(): number {
    return this.core.missed;
  }

  /** @param onMissed told of each chunk that had left memory and spool */
  tellMissed(onMissed: (missed: ToSend) => void): void {
    this.core.onMissed = onMissed;
  }

  /** Bytes of chunks that are in no spool and not yet sent. */
  get bytesUnkept(): number {
    return this.core.bytesUnkept;
  }

  /**
   * The chunk is in the spool, if there is one and it took it.
   * @param isLent its bytes are valid during the call only
   */
  offer(chunk: PackedChunk, isLent = false): void {
    this.core.offer(chunk, isLent);
    this.pump();
  }

  /** Chunks that are not yet with the sink. */
  get behind(): number {
    return this.window.waiting + this.window.underWay;
  }

  /** Can a centre say how far it is? Where it cannot, what the sink took is where it shall be. */
  get hearsCentre(): boolean {
    return this.sink.onPosition !== undefined;
  }

  /** Chunks that no centre has said to have; where none can, those that the sink does not have. */
  get unconfirmed(): number {
    return this.hearsCentre ? this.window.unconfirmed : this.behind + this.missed;
  }

  /** Sends the newest chunk once more: whoever comes late learns from it what there is to ask for. */
  announce(): void {
    const { newest } = this.window;
    const request = { ask: "resend", boot: this.boot, from: newest, to: newest } as const;
    this.window.request(request, () => 0);
    this.pump();
  }

  /** Whoever waits here waits no longer, now and later. */
  release(): void {
    this.released = true;
    for (const wake of this.idle.splice(0)) wake();
  }

  get isReleased(): boolean {
    return this.released;
  }

  /** Resolves when at most `behind` chunks are not yet with the sink, or after the time. */
  async settle(behind: number, timeoutMs: number): Promise<boolean> {
    // Who waits here does not receive meanwhile.
    this.isGentle = false;
    for (const end = performance.now() + timeoutMs; this.behind > behind; ) {
      const left = end - performance.now();
      if (left <= 0 || this.closed || this.released) return false;
      await Promise.race([new Promise<void>((wake) => this.idle.push(wake)), Bun.sleep(left)]);
    }
    return true;
  }

  async close(graceMs: number): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.sink.close(graceMs);
  }

  private pump(): void {
    if (this.isResting) return;
    const beganMs = performance.now();
    let turn = 0;
    for (; turn < TURN_CHUNKS; turn++) {
      if (this.closed || this.bytesUnderWay >= UNDER_WAY_BYTES) break;
      const next = this.core.next(nowNs());
      if (next === undefined) break;
      this.send(next);
    }
    this.wake();
    if (this.closed) return;
    this.collect();
    this.owedMs += (performance.now() - beganMs) * (this.isGentle ? REST_TIMES : 0);
    if (this.owedMs >= 1) this.rest(this.owedMs);
    else if (turn === TURN_CHUNKS) this.rest(0);
  }

  private collect(): void {
    const { bytesMade } = this.core;
    if (bytesMade - this.collectedAt < GARBAGE_BYTES) return;
    this.collectedAt = bytesMade;
    Bun.gc(true);
  }

  /** The receiver, and everybody else on this thread, goes on first. */
  private rest(ms: number): void {
    this.isResting = true;
    this.owedMs = 0;
    const goOn = () => {
      this.isResting = false;
      this.pump();
    };
    if (ms === 0) setImmediate(goOn);
    else setTimeout(goOn, Math.min(ms, REST_MS_LIMIT));
  }

  private send(next: Outgoing): void {
    this.bytesUnderWay += next.chunk.bytes.length;
    this.attempt(next);
  }

  /** A sink that gives a chunk back is given it again: it stays under way until it is taken. */
  private attempt(next: Outgoing): void {
    this.sink.send(next.chunk).then(
      () => this.taken(next),
      (error) => {
        this.lastError = String(error instanceof Error ? error.message : error);
        if (!this.closed) setTimeout(() => this.closed || this.attempt(next), TRY_AGAIN_MS);
      },
    );
  }

  private taken({ sent, chunk }: Outgoing): void {
    this.sent++;
    this.sentBytes += chunk.bytes.length;
    this.bytesUnderWay -= chunk.bytes.length;
    this.core.taken(sent, nowNs());
    this.wake();
    this.pump();
  }

  private wake(): void {
    for (const wake of this.idle.splice(0)) wake();
  }
}
