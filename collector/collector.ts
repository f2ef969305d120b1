/**
 * Edge: the collector as it runs on the capture host: frames from sockets or a file through the
 * core into chunks, chunks into the spool, and from there to every sink. Receiving never waits for
 * a sink; reading a file does, since a file can.
 */
import type { PackedChunk } from "../frames/chunk.ts";
import { isStored } from "../frames/chunk-repack.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { hostClockDoubtNs } from "../frames/host-clock.ts";
import type { MulticastReceiver } from "../frames/multicast-port.ts";
import type { Spool } from "../frames/spool.ts";
import type { ChunkSink, EdgeLink, RepairRequest } from "../frames/transport.ts";
import { openZstd } from "../frames/zstd.ts";
import { LatencyHistogram } from "../metrics/histogram.ts";
import { confirmed } from "./confirmation.ts";
import type { CollectorCore } from "./core.ts";
import { DropCauses } from "./drop-causes.ts";
import { formerLife } from "./former.ts";
import { Forwarder } from "./forwarder.ts";
import type { ThreadPacking } from "./packing-edge.ts";
import type { RecoverySockets } from "./recovery-sockets.ts";
import type { SpoolRepack } from "./spool-repack.ts";
import { warmUp } from "./warm-up.ts";
import type { LineWatch } from "./watch.ts";

/** Full batches taken in a row before timers and sockets of the sinks get their turn. */
const BATCHES_IN_A_ROW = 16;
const IDLE_MS = 1;
/** From the signal to end: what came before it is there by then; a wire that never rests is left. */
const ARRIVED_MS = 20;
const LAST_MS = 2000;
/** How often the kernel is asked what it dropped. */
const CAUSES_EVERY_NS = 100e6;
/** How often the host is asked how far its clock may be off. */
const CLOCK_EVERY_NS = 10e9;
/** Chunks that a file may be ahead of its slowest sink. */
const FILE_AHEAD_CHUNKS = 128;
const FILE_PATIENCE_MS = 60_000;
/** For what is on its way at the end. */
const CLOSE_MS = 1000;

/** What the end found. */
export interface Finished {
  /** Chunks that some sink did not get. */
  readonly unsent: number;
  /** Chunks that no centre has said to have, where one could. */
  readonly unconfirmed: number;
  /** Chunks that the spool keeps of this run. */
  readonly spooled: number;
}

export class Collector {
  readonly forwarders: readonly Forwarder[];
  readonly spool: Spool | undefined;
  /** Whom the losses are put down to. */
  readonly causes = new DropCauses();
  /** Of chunks packed while receiving. */
  readonly captureToChunk = new LatencyHistogram();
  readonly boot: number;
  private live = false;
  /** Datagrams that were longer than the receiver takes. */
  private truncated = 0;
  private core: CollectorCore | undefined;
  private watch: LineWatch | undefined;
  private packing: ThreadPacking | undefined;
  private repack: SpoolRepack | undefined;
  /** Told of the time while frames are received. */
  private news: { look(nowNs: number): void } | undefined;
  private readonly recoveries: RecoverySockets[] = [];

  constructor(
    boot: number,
    sinks: readonly (ChunkSink & Partial<EdgeLink>)[],
    spool: Spool | undefined,
  ) {
    this.boot = boot;
    this.spool = spool;
    const onRepair = (request: RepairRequest) => {
      if (request.ask === "clear") {
        this.core?.clear(request.feed, request.stream, request.command);
        return;
      }
      for (const recovery of this.recoveries) recovery.request(request);
    };
    this.forwarders = sinks.map((sink) => new Forwarder(sink, boot, spool, onRepair));
    for (const forwarder of this.forwarders) {
      forwarder.tellMissed((missed) => {
        if (missed.boot === boot) this.causes.noteMissed(missed.number);
      });
    }
  }

  /**
   * The core whose chunks this collector keeps and forwards: pass `takeChunk` to it.
   * @param packing what the core packs with on a thread of its own; absent: the core packs itself
   * @param repack compresses later what was stored in the spool for want of time
   */
  attach(
    core: CollectorCore,
    watch?: LineWatch,
    packing?: ThreadPacking,
    repack?: SpoolRepack,
  ): void {
    this.repack = repack;
    this.core = core;
    if (this.spool !== undefined) core.former = formerLife(this.spool, this.boot);
    this.watch = watch;
    this.packing = packing;
    // Frames will come from a wire, and the first may come at its full rate.
    if (packing !== undefined) warmUp(openZstd());
  }

  /** Looks around some ten times a second, as long as frames are received. */
  attachNews(news: { look(nowNs: number): void }): void {
    this.news = news;
  }

  /** Asks the exchange for what is missing, as long as frames are received. */
  attachRecovery(recovery: RecoverySockets): void {
    this.recoveries.push(recovery);
  }

  readonly takeChunk = (chunk: PackedChunk, isLent = false): void => {
    const { number, firstSequence, lastSequence, kind, lastSec, lastNsec } = chunk.header;
    if (this.live && kind === "live") this.noteDelay(lastSec, lastNsec);
    this.causes.noteChunk(number, lastSequence === 0 ? 0 : lastSequence - firstSequence + 1);
    const isKept = this.spool?.append(chunk) ?? false;
    if (isKept && isStored(chunk.header)) this.repack?.noteStored(number);
    const oldest = this.spool?.oldest(this.boot) ?? 0;
    if (this.core !== undefined && oldest > 0) this.core.oldestKept = oldest;
    for (const forwarder of this.forwarders) forwarder.offer(chunk, isLent);
  };

  /** Receives until the signal, and what had come by then. */
  async receive(receiver: MulticastReceiver, signal: AbortSignal): Promise<void> {
    const core = this.attached();
    this.live = true;
    core.clock = receiver.clock;
    let inARow = 0;
    let causesNs = 0;
    let clockNs = 0;
    let taken = 0;
    const isOver = endOf(signal);
    while (!isOver(taken > 0)) {
      const batch = receiver.receive();
      taken = batch.count;
      const nowNs = performance.now() * 1e6;
      this.turnPacking(receiver.isBehind ?? false, nowNs);
      if (batch.count > 0) {
        core.push(batch, nowNs);
        this.watch?.push(batch);
      } else {
        core.advance(nowNs);
        this.watch?.advance(Date.now() * 1e6);
      }
      for (const recovery of this.recoveries) recovery.turn();
      if (nowNs >= clockNs) {
        // The doubt is of the host's clock: what disciplines the card's is not known here.
        core.clockDoubtNs = core.clock === "hardware" ? undefined : hostClockDoubtNs();
        clockNs = nowNs + CLOCK_EVERY_NS;
      }
      if (nowNs >= causesNs) {
        this.truncated = receiver.truncated ?? 0;
        this.noteCauses(receiver.kernelDrops, nowNs);
        this.news?.look(nowNs);
        causesNs = nowNs + CAUSES_EVERY_NS;
      }
      if (batch.count === 0) {
        inARow = 0;
        await Bun.sleep(IDLE_MS);
      } else if (++inARow % BATCHES_IN_A_ROW === 0) {
        await new Promise((resume) => setImmediate(resume));
      }
    }
    this.noteCauses(receiver.kernelDrops, performance.now() * 1e6);
  }

  /** Reads the batches to their end; chunks age by capture time. The signal ends all waiting. */
  async read(batches: AsyncIterable<FrameBatch>, signal: AbortSignal): Promise<void> {
    const stopped = this.releasedBy(signal);
    // A pipe that says nothing must not hold up the end.
    await Promise.race([this.readAll(batches, signal), stopped]);
  }

  /** From the signal on nobody waits for a broker; resolves then. */
  async releasedBy(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (!signal.aborted) await promise;
    // A directory takes what it is given at once; only brokers keep anybody waiting.
    for (const forwarder of this.forwarders) if (forwarder.hearsCentre) forwarder.release();
  }

  private async readAll(batches: AsyncIterable<FrameBatch>, signal: AbortSignal): Promise<void> {
    const core = this.attached();
    let patienceMs = FILE_PATIENCE_MS;
    for await (const batch of batches) {
      if (signal.aborted) return;
      if (batch.count === 0) continue;
      const last = batch.count - 1;
      core.push(batch, batch.sec[last] * 1e9 + batch.nsec[last]);
      this.watch?.push(batch);
      // A sink that is not there is waited for once; then the spool takes the rest.
      const isInTime = await this.settle(FILE_AHEAD_CHUNKS, patienceMs);
      patienceMs = isInTime ? FILE_PATIENCE_MS : 0;
    }
  }

  /** Chunks that were stored as they were, because there was no time to compress them. */
  get chunksStored(): number {
    return this.packing?.stored ?? 0;
  }

  /** Of these, those that were compressed later, in the spool. */
  get chunksRepacked(): number {
    return this.repack?.chunks ?? 0;
  }

  /** Chunks that are not known to be with the centre, of the sink that is furthest behind. */
  get unconfirmed(): number {
    return Math.max(0, ...this.forwarders.map((forwarder) => forwarder.unconfirmed));
  }

  /**
   * Closes open chunks and waits for the sinks.
   * @param untilConfirmed nothing follows: waits for the centre too, until nothing has moved for
   *   `graceMs`
   */
  async finish(graceMs: number, untilConfirmed = false): Promise<Finished> {
    for (const recovery of this.recoveries) recovery.close();
    this.core?.finish();
    this.packing?.finish();
    this.watch?.finish();
    // What a file lacks has no cause that could be seen here.
    if (this.live) this.noteCauses(this.causes.kernelDatagrams, performance.now() * 1e6);
    await Promise.all(
      this.forwarders.map((forwarder) =>
        untilConfirmed && forwarder.hearsCentre
          ? confirmed(forwarder, graceMs)
          : forwarder.settle(0, untilConfirmed ? FILE_PATIENCE_MS : graceMs),
      ),
    );
    // What a centre has was sent, whatever is on its way once more.
    const unsent = this.forwarders.map(
      ({ behind, unconfirmed, missed }) => Math.min(behind, unconfirmed) + missed,
    );
    const { unconfirmed, spooled } = this;
    await Promise.all(this.forwarders.map((forwarder) => forwarder.close(CLOSE_MS)));
    this.spool?.close();
    return { unsent: Math.max(0, ...unsent), unconfirmed, spooled };
  }

  /** Chunks of this boot that can be read from the spool. */
  private get spooled(): number {
    const oldest = this.spool?.oldest(this.boot) ?? 0;
    return oldest === 0 ? 0 : (this.spool?.newest(this.boot) ?? 0) - oldest + 1;
  }

  private turnPacking(isHurried: boolean, nowNs: number): void {
    if (this.packing === undefined) return;
    this.packing.isHurried = isHurried;
    this.packing.turn(nowNs);
    if (!isHurried) this.repack?.turn(nowNs);
  }

  private noteDelay(lastSec: number, lastNsec: number): void {
    const nowNs = (performance.timeOrigin + performance.now()) * 1e6;
    this.captureToChunk.add(nowNs - lastSec * 1e9 - lastNsec);
  }

  private noteCauses(kernelDatagrams: number, nowNs: number): void {
    const setAside = (this.core?.counters.faulty ?? 0) + this.truncated;
    this.causes.note(kernelDatagrams, setAside, this.watch?.totals().lost ?? 0, nowNs);
  }

  /** False if some sink took longer. */
  private async settle(behind: number, timeoutMs: number): Promise<boolean> {
    const settling = this.forwarders.map((forwarder) => forwarder.settle(behind, timeoutMs));
    return (await Promise.all(settling)).every((isSettled) => isSettled);
  }

  private attached(): CollectorCore {
    if (this.core === undefined) throw new Error("no core attached to this collector");
    return this.core;
  }
}

/** Says whether receiving is over. @returns to be asked with whether the last batch had anything */
function endOf(signal: AbortSignal): (isBusy: boolean) => boolean {
  let signalMs = Number.NaN;
  return (isBusy) => {
    if (!signal.aborted) return false;
    if (Number.isNaN(signalMs)) signalMs = performance.now();
    const sinceMs = performance.now() - signalMs;
    return sinceMs >= LAST_MS || (sinceMs >= ARRIVED_MS && !isBusy);
  };
}
