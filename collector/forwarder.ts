/**
 * Edge: brings every chunk to one sink, in order, from memory while it is fresh and from the spool
 * when the sink was slow. A slow or absent sink fills the disk, never the memory, and never waits
 * in the way of receiving.
 */
import { ChunkFault, type PackedChunk, readChunkHeader } from "../frames/chunk.ts";
import type { Spool } from "../frames/spool.ts";
import type { ChunkSink, EdgeLink, RepairRequest } from "../frames/transport.ts";
import { SendWindow, type ToSend } from "./send-window.ts";

/** Fresh chunks kept in memory, so that the usual way reads no disk. */
const FRESH_LIMIT = 256;
const FRESH_BYTES_LIMIT = 32 << 20;
/** How often the window is looked at again when nothing else does: consumers fall silent. */
const TICK_MS = 250;

const nowNs = () => performance.now() * 1e6;

export class Forwarder {
  readonly sink: ChunkSink & Partial<EdgeLink>;
  readonly window: SendWindow;
  sent = 0;
  /** Chunks that had left memory and spool before the sink took them. */
  missed = 0;
  /** What went wrong with the sink, in its words; sending goes on. */
  lastError = "";
  private readonly boot: number;
  private readonly spool: Spool | undefined;
  private readonly fresh = new Map<number, PackedChunk>();
  private freshBytes = 0;
  private readonly timer: ReturnType<typeof setInterval>;
  private idle: (() => void)[] = [];
  private closed = false;
  private released = false;

  /** @param onRepair takes what the centre wants of the exchange */
  constructor(
    sink: ChunkSink & Partial<EdgeLink>,
    boot: number,
    spool: Spool | undefined,
    onRepair: (request: RepairRequest) => void = () => {},
  ) {
    this.sink = sink;
    this.boot = boot;
    this.spool = spool;
    this.window = new SendWindow(boot);
    sink.onRequest?.((request) => {
      this.window.request(request, (asked) => spool?.newest(asked) ?? 0);
      this.pump();
    });
    sink.onRepair?.(onRepair);
    sink.onPosition?.((position) => {
      this.window.hear(position, nowNs());
      this.pump();
    });
    this.timer = setInterval(() => this.pump(), TICK_MS);
  }

  /** The chunk is in the spool, if there is one. */
  offer(chunk: PackedChunk): void {
    this.fresh.set(chunk.header.number, chunk);
    this.freshBytes += chunk.bytes.length;
    for (const [number, { bytes }] of this.fresh) {
      if (this.fresh.size <= FRESH_LIMIT && this.freshBytes <= FRESH_BYTES_LIMIT) break;
      this.freshBytes -= bytes.length;
      this.fresh.delete(number);
    }
    this.window.offer(chunk.header.number);
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
    for (;;) {
      if (this.closed) return;
      const next = this.window.take(nowNs());
      if (next === undefined) return;
      const chunk = this.find(next);
      if (chunk === undefined) {
        if (!next.again) this.missed++;
        this.window.gone(next);
        this.wake();
      } else {
        this.sink.send(chunk).then(
          () => {
            this.sent++;
            this.finished();
            this.pump();
          },
          (error) => {
            this.lastError = String(error instanceof Error ? error.message : error);
            this.missed++;
            this.finished();
          },
        );
      }
    }
  }

  private finished(): void {
    this.window.done();
    this.wake();
  }

  private wake(): void {
    for (const wake of this.idle.splice(0)) wake();
  }

  private find({ boot, number }: ToSend): PackedChunk | undefined {
    const fresh = boot === this.boot ? this.fresh.get(number) : undefined;
    if (fresh !== undefined) return fresh;
    const bytes = this.spool?.read(boot, number);
    const found = bytes === undefined ? undefined : readChunkHeader(bytes);
    if (bytes === undefined || found === undefined || found instanceof ChunkFault) return undefined;
    return { header: found.header, bytes };
  }
}
