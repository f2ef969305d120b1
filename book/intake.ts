/**
 * Puts the chunks of every collector back into their order before they reach the books.
 *
 *   chunk ──► seen before? ──► its predecessor taken? ──► out, in order
 *                 │ yes: dropped       │ no: held, the missing numbers asked for
 *
 * Owns one lane for each stream of each boot of a collector: a chunk names its predecessor in the
 * stream (`previous`), so a lost chunk stops its own stream only. What is missing is asked for again
 * every `askAgainNs`, until nothing of it has come for `holdNs` or the held bytes reach
 * `holdBytes`; then the chunks are given up as lost, counted and listed, and the stream goes on: the
 * sequencer behind will find the gap in the exchange's own numbers.
 *
 * A centre that starts in the middle of a boot asks for all that the collector's spool still has, and
 * one to which a collector says nothing for `silentNs` whether there is more. A chunk that came and cannot
 * be used is missing like any other; once its dictionary was waited for in vain, it is lost.
 * Two collectors never wait for each other.
 */
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { ControlRequest, Position } from "../frames/transport.ts";
import {
  type Boot,
  type Lane,
  laneOf,
  lastOf,
  lowestHeld,
  newBoot,
  newestBoots,
  waitsSinceNs,
} from "./intake-boot.ts";
import { forgive, waitFor } from "./intake-dictionaries.ts";

export interface IntakeOptions {
  /** How long a stream waits for a missing chunk, in ns. */
  readonly holdNs: number;
  readonly askAgainNs: number;
  /** A collector of which nothing came for so long is asked for what is behind, in ns. */
  readonly silentNs: number;
  /** How far one collector's chunks may be behind another's, in ns. */
  readonly skewNs: number;
  /** Bytes of held chunks, all collectors together. */
  readonly holdBytes: number;
  /** Can anybody be asked? A directory cannot: then nothing is held. */
  readonly canAsk: boolean;
}

export const INTAKE_DEFAULTS: IntakeOptions = {
  holdNs: 5e9,
  askAgainNs: 500e6,
  silentNs: 2e9,
  skewNs: 1e9,
  holdBytes: 64 << 20,
  canAsk: true,
};

/** What became of a chunk; `no_dictionary`: it is whole, and what it needs besides is not here. */
export type Taken = "taken" | "damaged" | "no_dictionary";

/** Where the intake's effects go. */
export interface IntakePorts {
  /** The next chunk of its stream; `bytes` valid during the call. */
  take(header: ChunkHeader, bytes: Uint8Array): Taken;
  /** The chunk's dictionary is waited for no longer: this one and all that need it are lost. */
  gaveUpDictionary(header: ChunkHeader): void;
  ask(collector: string, request: ControlRequest): void;
}

/** Chunk numbers `from` to `to` of one boot. */
export interface LeftOut {
  readonly collector: string;
  readonly boot: number;
  /** As in a chunk's header. */
  readonly oldest: number;
  readonly from: number;
  readonly to: number;
}

export interface LostChunks {
  readonly collector: string;
  readonly boot: number;
  /** Empty, and `stream` 0, where the collector never said whose the chunks were. */
  readonly feed: string;
  readonly stream: number;
  readonly from: number;
  readonly to: number;
  readonly closedNs: number;
}

/** Boots remembered: a collector that restarts without end must not fill the memory. */
const BOOTS_LIMIT = 64;
const LOST_ROWS_LIMIT = 1000;
/** Heartbeats alone make a chunk more often than this. */
const COLLECTOR_LIFE_NS = 10e9;
/** Time goes on in steps of 100 ms; what a step takes beyond this is nobody's delay but ours. */
const LATE_NS = 250e6;
/** Ranges in one question; the rest is asked for the next time. */
const ASK_LIMIT = 32;

export class Intake {
  chunks = 0;
  /** Chunks that had arrived before. */
  repeated = 0;
  /** Chunks whose body was damaged, each time: asked for again where that is possible. */
  damaged = 0;
  asked = 0;
  /** Numbers given up. */
  lost = 0;
  heldBytes = 0;
  heldBytesMax = 0;
  /** The latest losses. */
  readonly lostRows: LostChunks[] = [];
  private readonly boots = new Map<string, Boot>();
  private advancedNs = 0;
  /** Since when time has gone on without a jump. */
  private awakeNs = 0;
  private readonly options: IntakeOptions;
  private readonly ports: IntakePorts;

  constructor(ports: IntakePorts, options: Partial<IntakeOptions> = {}) {
    this.ports = ports;
    this.options = { ...INTAKE_DEFAULTS, ...options };
  }

  /** A chunk as it came; its header has been read. */
  push(header: ChunkHeader, bytes: Uint8Array, nowNs: number): void {
    this.chunks++;
    const boot = this.bootOf(header, nowNs);
    boot.lastNs = nowNs;
    boot.resumedNs = Number.NaN;
    this.hearOfFormer(header, nowNs);
    const lane = laneOf(boot, header);
    if (boot.seen.has(header.number)) {
      this.repeated++;
      return;
    }
    boot.seen.add(header.number);
    boot.oldest = Math.max(boot.oldest, header.oldest);
    if (boot.askedNs < 0 && boot.isNew) this.askMissing(boot, nowNs);
    boot.isNew = false;
    const isNext = header.previous <= lane.taken;
    // What is held already and comes before it goes first, whatever can be had.
    const isFirst = lane.held.size === 0 || lowestHeld(lane).header.number > header.number;
    if (isNext || (isFirst && !this.canBeHad(header, lane))) {
      if (!isNext) this.loseBefore(lane, header, nowNs);
      if (!this.takeNow(lane, header, bytes, nowNs)) return;
      lane.broughtNs = nowNs;
      this.takeHeld(lane, nowNs);
      return;
    }
    lane.held.set(header.number, { header, bytes: bytes.slice(), sinceNs: nowNs });
    this.heldBytes += bytes.length;
    this.heldBytesMax = Math.max(this.heldBytesMax, this.heldBytes);
    if (boot.askedNs < 0) this.askMissing(boot, nowNs);
    while (this.heldBytes > this.options.holdBytes && this.giveUpLongest(nowNs));
  }

  /** Time goes on: asks again, and gives up what nobody brings. */
  advance(nowNs: number): void {
    const newest = newestBoots(this.boots.values());
    this.noteJump(nowNs);
    for (const boot of this.boots.values()) {
      for (const lane of boot.lanes.values()) {
        while (lane.held.size > 0 && nowNs - waitsSinceNs(lane) >= this.options.holdNs) {
          this.giveUp(lane, nowNs);
        }
      }
      this.loseForgotten(boot, nowNs);
      this.goOnward(boot, nowNs);
      if (newest.get(boot.collector) === boot) this.wakeSilent(boot, nowNs);
      if (boot.askedNs >= 0 && nowNs - boot.askedNs >= this.options.askAgainNs) {
        this.askMissing(boot, nowNs);
      }
    }
  }

  /**
   * A saved state was put in: collectors are asked for everything behind it, and what waited then
   * waits from now on. Only a collector's newest boot is waited for.
   * @param ask false: what is behind it comes by itself
   */
  resume(nowNs: number, ask = this.options.canAsk): void {
    const newest = newestBoots(this.boots.values());
    this.advancedNs = this.awakeNs = nowNs;
    for (const boot of this.boots.values()) {
      for (const lane of boot.lanes.values()) {
        lane.broughtNs = nowNs;
        for (const [number, chunk] of lane.held)
          lane.held.set(number, { ...chunk, sinceNs: nowNs });
      }
      boot.awaited.clear();
      boot.positionNs = nowNs;
      if (!ask) continue;
      if (newest.get(boot.collector) === boot) boot.resumedNs = nowNs;
      this.askOnward(boot, nowNs);
      this.askMissing(boot, nowNs);
    }
  }

  /**
   * Numbers that are somebody else's to take (another shard's), or nobody's: a chunk that is set aside
   * for good, `isLost`. Nothing waits for them.
   */
  leaveOut(chunks: LeftOut, nowNs: number, isLost = false): void {
    const { from, to } = chunks;
    const boot = this.bootOf({ ...chunks, number: from }, nowNs);
    if (isLost) {
      for (const hole of boot.seen.missing(from, to)) this.lose(boot, hole, "", 0, nowNs);
    }
    boot.seen.add(from, to);
    boot.done.add(from, to);
  }

  /**
   * Has everything come that a collector was asked for after `resume`? A collector of which nothing
   * comes within `holdNs` has nothing more, or is not there.
   */
  isCatchingUp(feed: string): boolean {
    for (const boot of this.boots.values()) {
      if (!Number.isNaN(boot.resumedNs)) return true;
      if (boot.askedNs >= 0 && this.isWaiting(feed)) return true;
    }
    return false;
  }

  /** The input is over: what is held is handed on. */
  finish(nowNs: number): void {
    for (const boot of this.boots.values()) {
      for (const lane of boot.lanes.values()) while (lane.held.size > 0) this.giveUp(lane, nowNs);
    }
  }

  /** Is a stream of this feed waiting for a chunk? Then its capture time stands still. */
  isWaiting(feed: string): boolean {
    for (const boot of this.boots.values()) {
      if (!Number.isNaN(boot.resumedNs)) return true;
      for (const [key, lane] of boot.lanes) {
        if (lane.held.size > 0 && key.startsWith(`${feed}/`)) return true;
      }
    }
    return false;
  }

  /**
   * How long a number that is missing behind the intake may still be in a chunk on its way, ns:
   * `holdNs` while a chunk is missing that may be the stream's, `skewNs` where several collectors
   * bring it.
   */
  patienceNs(feed: string, stream: number): number {
    const key = `${feed}/${stream}`;
    let collector: string | undefined;
    let isShared = false;
    for (const boot of this.boots.values()) {
      const lane = boot.lanes.get(key);
      if (lane === undefined) {
        // A life of which nothing has come yet may have chunks of any stream.
        const isUnheard = boot.lanes.size === 0 && boot.seen.contiguousFrom(1) < lastOf(boot);
        if (this.options.canAsk && isUnheard) return this.options.holdNs;
        continue;
      }
      // A hole in the running numbers may be of any stream: only the next chunk of it will tell.
      const { seen } = boot;
      const isAwaited = lane.held.size > 0 || !Number.isNaN(boot.resumedNs);
      const hasHole = this.options.canAsk && seen.contiguousFrom(1) < lastOf(boot);
      if (isAwaited || hasHole) return this.options.holdNs;
      isShared ||= collector !== undefined && collector !== boot.collector;
      collector = boot.collector;
    }
    return isShared ? this.options.skewNs : 0;
  }

  /** How far each collector's chunks were taken: the newest boot of each. */
  positions(consumer: string): Position[] {
    return [...newestBoots(this.boots.values()).values()].map(({ collector, boot, done }) => {
      return { consumer, collector, boot, chunk: done.contiguousFrom(1) };
    });
  }

  /** Who brought the newest chunk of a stream and can be asked; undefined where nobody is there. */
  collectorOf(feed: string, stream: number, nowNs: number): string | undefined {
    if (!this.options.canAsk) return undefined;
    let latest: Boot | undefined;
    for (const boot of this.boots.values()) {
      if (nowNs - boot.lastNs > COLLECTOR_LIFE_NS || !boot.lanes.has(`${feed}/${stream}`)) continue;
      if (latest === undefined || boot.lastNs > latest.lastNs) latest = boot;
    }
    return latest?.collector;
  }

  private canBeHad(header: ChunkHeader, lane: Lane): boolean {
    return this.options.canAsk && header.previous >= lane.boot.oldest;
  }

  /** Hands a chunk on. False: it cannot be used as it came and can be had again, so it has not arrived. */
  private takeNow(lane: Lane, header: ChunkHeader, bytes: Uint8Array, nowNs: number): boolean {
    const { boot } = lane;
    const { number, dictionary, feed, stream } = header;
    const taken = this.ports.take(header, bytes);
    if (taken === "damaged") this.damaged++;
    if (taken === "taken") boot.awaited.delete(dictionary);
    else if (this.mayComeAgain(taken, lane, header, nowNs)) {
      // It is known to be there, though it was the last one.
      boot.newest = Math.max(boot.newest, number);
      boot.seen.remove(number);
      // It may come back at once, and no better: then nobody is asked before it is time.
      const isDue = boot.askedNs < 0 || nowNs - boot.askedNs >= this.options.askAgainNs;
      if (isDue) this.askMissing(boot, nowNs);
      return false;
    }
    lane.taken = Math.max(lane.taken, number);
    if (taken !== "no_dictionary") boot.done.add(number);
    else this.lose(boot, { from: number, to: number }, feed, stream, nowNs);
    return true;
  }

  /** A dictionary is asked for by asking for its chunk: who brings that brings both. */
  private mayComeAgain(taken: Taken, lane: Lane, header: ChunkHeader, nowNs: number): boolean {
    const { boot } = lane;
    if (!this.options.canAsk || header.number < boot.oldest) return false;
    if (taken !== "no_dictionary") return true;
    const { dictionary } = header;
    const wait = waitFor(boot.awaited, dictionary, nowNs, this.options.holdNs);
    if (wait === "ends") this.ports.gaveUpDictionary(header);
    if (wait !== "waits") return false;
    // What is held behind it needs the same one, mostly: it waits as long.
    lane.broughtNs = Math.max(lane.broughtNs, boot.awaited.get(dictionary) ?? nowNs);
    return true;
  }

  private takeHeld(lane: Lane, nowNs: number): void {
    while (lane.held.size > 0) {
      const next = lowestHeld(lane);
      if (next.header.previous > lane.taken) return;
      lane.held.delete(next.header.number);
      this.heldBytes -= next.bytes.length;
      if (!this.takeNow(lane, next.header, next.bytes, nowNs)) return;
    }
  }

  /** Goes on behind the lowest hole of a lane. */
  private giveUp(lane: Lane, nowNs: number): void {
    this.loseBefore(lane, lowestHeld(lane).header, nowNs);
    this.takeHeld(lane, nowNs);
  }

  /** What is missing between the lane's last chunk and this one is lost. */
  private loseBefore(lane: Lane, { feed, stream, previous }: ChunkHeader, nowNs: number): void {
    const { boot } = lane;
    const { canAsk } = this.options;
    // Where nobody can be asked, the numbers between may be other streams', and still come; and
    // before the first of a lane nothing is known to have been.
    const first = canAsk ? Math.max(1, lane.taken + 1) : previous;
    const isFirst = !canAsk && lane.taken === 0;
    for (const hole of isFirst ? [] : boot.seen.missing(first, previous)) {
      this.lose(boot, hole, feed, stream, nowNs);
    }
    lane.taken = Math.max(lane.taken, previous);
  }

  /**
   * A hole that no lane waits for: its stream fell silent after it. Left alone it would keep the
   * position where it is, and with it a collector from sending anything more.
   */
  private loseForgotten(boot: Boot, nowNs: number): void {
    if (!this.options.canAsk) return;
    const position = boot.done.contiguousFrom(1);
    if (position !== boot.position || position >= lastOf(boot)) {
      boot.position = position;
      boot.positionNs = nowNs;
    }
    const stuckNs = nowNs - boot.positionNs;
    if (stuckNs >= this.options.askAgainNs && boot.askedNs < 0) this.askMissing(boot, nowNs);
    if (stuckNs < this.options.holdNs) return;
    for (const { held } of boot.lanes.values()) if (held.size > 0) return;
    for (const hole of boot.seen.missing(1, lastOf(boot))) {
      this.lose(boot, hole, "", 0, nowNs);
    }
  }

  /** @param feed empty, and `stream` 0, where nobody knows whose the chunks were */
  private lose(
    { collector, boot, seen, done }: Boot,
    hole: { readonly from: number; readonly to: number },
    feed: string,
    stream: number,
    nowNs: number,
  ): void {
    this.lost += hole.to - hole.from + 1;
    seen.add(hole.from, hole.to);
    done.add(hole.from, hole.to);
    this.lostRows.push({ collector, boot, feed, stream, ...hole, closedNs: nowNs });
    if (this.lostRows.length > LOST_ROWS_LIMIT) this.lostRows.splice(0, LOST_ROWS_LIMIT / 10);
  }

  private giveUpLongest(nowNs: number): boolean {
    let longest: Lane | undefined;
    let longestNs = Number.POSITIVE_INFINITY;
    for (const boot of this.boots.values()) {
      for (const lane of boot.lanes.values()) {
        const sinceNs = lane.held.size > 0 ? lowestHeld(lane).sinceNs : longestNs;
        if (sinceNs >= longestNs) continue;
        longest = lane;
        longestNs = sinceNs;
      }
    }
    if (longest === undefined) return false;
    this.giveUp(longest, nowNs);
    return true;
  }

  /**
   * Who did not come to look for a while, since the host is crowded or a chunk took long, has what was
   * sent meanwhile still before it: that time is not held against what is missing, nor against silence.
   */
  private noteJump(nowNs: number): void {
    const jumpNs = nowNs - this.advancedNs;
    this.advancedNs = nowNs;
    if (jumpNs >= this.options.silentNs / 2) this.awakeNs = nowNs;
    const lateNs = jumpNs - LATE_NS;
    if (lateNs <= 0) return;
    for (const boot of this.boots.values()) {
      boot.positionNs = Math.min(nowNs, boot.positionNs + lateNs);
      boot.resumedNs = Math.min(nowNs, boot.resumedNs + lateNs);
      forgive(boot.awaited, lateNs, nowNs);
      for (const lane of boot.lanes.values()) {
        if (lane.held.size > 0) lane.broughtNs = Math.min(nowNs, waitsSinceNs(lane) + lateNs);
      }
    }
  }

  /** After `resume`: asks again for what is behind, until something of the boot comes. */
  private goOnward(boot: Boot, nowNs: number): void {
    if (Number.isNaN(boot.resumedNs)) return;
    if (nowNs - boot.resumedNs >= this.options.holdNs) boot.resumedNs = Number.NaN;
    else if (nowNs - boot.onwardNs >= this.options.askAgainNs) this.askOnward(boot, nowNs);
  }

  /**
   * A broker that was away, and came back before we were heard there again, has given to nobody what a
   * collector brought it; and that sends no more until it hears that we have it. Asked for less and less
   * often: most silent collectors have nothing.
   */
  private wakeSilent(boot: Boot, nowNs: number): void {
    if (!this.options.canAsk || !Number.isNaN(boot.resumedNs)) return;
    const heardNs = Math.max(boot.lastNs, this.awakeNs);
    const askedNs = Math.max(boot.onwardNs, heardNs);
    const waitNs = Math.max(this.options.silentNs, askedNs - heardNs);
    if (nowNs - askedNs >= waitNs) this.askOnward(boot, nowNs);
  }

  private askOnward(boot: Boot, nowNs: number): void {
    boot.onwardNs = nowNs;
    this.asked++;
    const from = boot.seen.highest + 1;
    this.ports.ask(boot.collector, { ask: "from", boot: boot.boot, from });
  }

  /**
   * A collector was killed: what its former life had spooled, and the broker had nobody to give to,
   * nobody would ask for. Who has heard of no earlier life begins with this one.
   */
  private hearOfFormer(header: ChunkHeader, nowNs: number): void {
    const { collector, former } = header;
    if (former === undefined || !this.hasHeardBefore(collector, header.boot)) return;
    const { boot: life, oldest, newest } = former;
    const boot = this.bootOf({ ...header, boot: life, oldest, number: oldest }, nowNs);
    if (newest <= boot.newest) return;
    boot.newest = newest;
    if (boot.askedNs < 0) this.askMissing(boot, nowNs);
  }

  private hasHeardBefore(collector: string, life: number): boolean {
    for (const boot of this.boots.values()) {
      if (boot.collector === collector && boot.boot < life) return true;
    }
    return false;
  }

  private askMissing(boot: Boot, nowNs: number): void {
    if (!this.options.canAsk) return;
    const holes = boot.seen.missing(1, lastOf(boot));
    boot.askedNs = holes.length > 0 ? nowNs : -1;
    for (const { from, to } of holes.slice(0, ASK_LIMIT)) {
      this.asked++;
      this.ports.ask(boot.collector, { ask: "resend", boot: boot.boot, from, to });
    }
  }

  private bootOf(
    header: Pick<ChunkHeader, "collector" | "boot" | "oldest" | "number">,
    nowNs: number,
  ): Boot {
    const key = `${header.collector}/${header.boot}`;
    const known = this.boots.get(key);
    if (known !== undefined) return known;
    if (this.boots.size >= BOOTS_LIMIT) this.forgetOldest(nowNs);
    const boot = newBoot(header, nowNs);
    // What the spool no longer has cannot be asked for: the stream joins late, nothing is lost.
    // Where nobody can be asked, an earlier number of another stream may still come.
    if (this.options.canAsk) {
      boot.seen.add(1, header.oldest - 1);
      boot.done.add(1, header.oldest - 1);
    }
    this.boots.set(key, boot);
    return boot;
  }

  private forgetOldest(nowNs: number): void {
    let oldest: [string, Boot] | undefined;
    for (const entry of this.boots) {
      if (oldest === undefined || entry[1].lastNs < oldest[1].lastNs) oldest = entry;
    }
    if (oldest === undefined) return;
    for (const lane of oldest[1].lanes.values()) {
      while (lane.held.size > 0) this.giveUp(lane, nowNs);
    }
    this.boots.delete(oldest[0]);
  }
}
