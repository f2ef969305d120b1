/**
 * The collector's disk spool: every chunk of every boot, in segment files `{boot}-{first}.ebch`, so
 * that it can be sent again when the centre asks, and after the collector was killed.
 *
 * Kept by size and age. Acknowledgement frees nothing, but that with `stop` what is still to be sent
 * is never pushed out. Every byte of a chunk is under one of its two checksums: a chunk torn by a
 * kill or a power cut is found and cut off when the spool is opened, one that changed on the disk
 * when it is read. Worst case on disk: the limit and one segment.
 */
import { bodyChecksum } from "./body-checksum.ts";
import { type PackedChunk, readChunkHeader } from "./chunk.ts";
import { ChunkFault, type ChunkHeader } from "./chunk-header.ts";
import type { Dictionaries } from "./dictionary.ts";
import { SpoolDictionaries } from "./spool-dictionaries.ts";
import { isNoRoom, type SpoolFiles } from "./spool-files.ts";
import {
  SPOOL_DEFAULTS,
  SPOOL_ROOM_BYTES,
  SpoolCounters,
  SpoolError,
  type SpoolOptions,
} from "./spool-options.ts";
import { isBehind, type Place, SpoolPlaces } from "./spool-places.ts";
import { Segment } from "./spool-segment.ts";

/** A limit is cut into so many segments at least, so that the oldest is a small part of it. */
const SEGMENTS_LEAST = 16;
const SEGMENT_BYTES_LEAST = 256 << 10;
/** What nobody syncs the kernel writes within 30 s or so. */
const KERNEL_WRITES_MS = 60_000;
/** A sync that was begun is over by then, on any disk that keeps up at all. */
const SYNC_TAKES_MS = 10_000;
/** Names of dictionaries that are remembered as missing. */
const MISSING_LIMIT = 64;

export class SpoolCore {
  readonly counters = new SpoolCounters();
  readonly places: SpoolPlaces;
  /** In all segments. */
  bytes = 0;
  /** The options' limit, or what the disk had room for at the opening. */
  readonly bytesLimit: number;
  private readonly options: SpoolOptions;
  private readonly segmentBytes: number;
  private readonly files: SpoolFiles;
  private readonly dictionaries: SpoolDictionaries | undefined;
  private segments: Segment[] = [];
  private readonly missing = new Set<string>();
  /** The segment that is written to. */
  private open: Segment | undefined;
  private isDirty = false;
  private syncedMs = 0;

  /**
   * @param dictionaries what chunks may need besides themselves; absent: they need nothing
   * @throws SpoolError if there is no room for it
   */
  constructor(files: SpoolFiles, options: Partial<SpoolOptions> = {}, dictionaries?: Dictionaries) {
    this.options = { ...SPOOL_DEFAULTS, ...options };
    this.files = files;
    this.dictionaries = dictionaries && new SpoolDictionaries(files, dictionaries);
    this.places = new SpoolPlaces(files);
    this.findSegments();
    const room = files.freeBytes() + this.bytes;
    if (room < Math.min(SPOOL_ROOM_BYTES, this.options.bytesLimit)) {
      throw new SpoolError(
        "no_room",
        `the disk has room for ${room} bytes, and ${SPOOL_ROOM_BYTES} are the least`,
        "Free some space, or name a folder on another disk.",
      );
    }
    this.bytesLimit = Math.min(this.options.bytesLimit, room);
    const least = Math.min(SEGMENT_BYTES_LEAST, Math.floor(this.bytesLimit / 4));
    const part = Math.max(least, Math.floor(this.bytesLimit / SEGMENTS_LEAST));
    this.segmentBytes = Math.min(this.options.segmentBytes, part);
  }

  /** Chunks that size, age or a full disk pushed out, as far as this process knows their count. */
  get chunksDropped(): number {
    const { droppedBySize, droppedByAge, droppedForRoom } = this.counters;
    return droppedBySize + droppedByAge + droppedForRoom;
  }

  /** Chunks that were not taken. */
  get appendsFailed(): number {
    const { refusedFull, refusedNoRoom, refusedByError } = this.counters;
    return refusedFull + refusedNoRoom + refusedByError;
  }

  get bytesTorn(): number {
    return this.counters.bytesTorn;
  }

  /** Boots of which there are chunks, the earliest first. */
  get boots(): readonly number[] {
    return [...new Set(this.segments.map(({ boot }) => boot))];
  }

  /** The oldest number of this boot that can be read; 0 if there is none. */
  oldest(boot: number): number {
    return this.segments.find((segment) => segment.boot === boot)?.first ?? 0;
  }

  /** The newest number of this boot that can be read; 0 if there is none. */
  newest(boot: number): number {
    const last = this.segments.findLast((segment) => segment.boot === boot);
    return last === undefined ? 0 : this.indexed(last).last;
  }

  /**
   * False if it was not kept: the chunk is then only where it was sent.
   * @param nowMs since 1970 UTC
   */
  appendAt({ header, bytes }: PackedChunk, nowMs: number): boolean {
    const { counters } = this;
    if (!this.makeRoom(bytes.length)) {
      counters.refusedFull++;
      return false;
    }
    for (let tries = 0; ; tries++) {
      try {
        this.write(header, bytes, nowMs);
        return true;
      } catch (thrown) {
        this.cutHalfWritten();
        const noRoom = isNoRoom(thrown);
        // Others may have filled the disk: the oldest segment makes room once.
        if (noRoom && tries === 0 && this.dropOldest("droppedForRoom")) continue;
        if (noRoom) counters.refusedNoRoom++;
        else counters.refusedByError++;
        return false;
      }
    }
  }

  /** The bytes of a chunk, or `undefined` if it is not here (any more) or is damaged. */
  read(boot: number, number: number): Uint8Array | undefined {
    const segment = this.segments.findLast((one) => one.boot === boot && one.first <= number);
    if (segment === undefined) return undefined;
    try {
      const place = this.indexed(segment).place(number);
      if (place === undefined) return undefined;
      const bytes = new Uint8Array(place.bytes);
      const length = this.files.read(segment.name, bytes, place.at);
      const header = length === bytes.length ? headerOf(bytes, boot, number) : undefined;
      if (header !== undefined) {
        this.dictionaries?.learn(header.dictionary);
        return bytes;
      }
    } catch {
      // A disk that does not read any more: as good as a damaged chunk.
    }
    this.counters.damaged++;
    return undefined;
  }

  /** Whether it can be read, as far as is known without reading. */
  holds(boot: number, number: number): boolean {
    const segment = this.segments.findLast((one) => one.boot === boot && one.first <= number);
    return segment !== undefined && this.indexed(segment).place(number) !== undefined;
  }

  /**
   * What small chunks of these feeds will need is here before the first of them: receiving must not wait
   * for the disk.
   */
  keepDictionaries(feeds: readonly string[]): void {
    for (const feed of feeds) {
      const name = this.dictionaries?.nameFor(feed);
      // Without room for it the first chunk that needs it is refused, and counted.
      if (name !== undefined) this.keepDictionary(name);
    }
  }

  /** To be called before chunks that need it come by another way than `appendAt`. @returns false if it is not here then */
  keepDictionary(name: string): boolean {
    try {
      return this.dictionaries?.keep(name, this.options.sync !== "none") === true;
    } catch {
      return false;
    }
  }

  /** Dictionaries of chunks that were taken, and that nobody here has. */
  get missingDictionaries(): ReadonlySet<string> {
    return this.missing;
  }

  /** Time goes on: syncs, forgets what is too old, writes down how far each destination is. */
  tend(nowMs: number): void {
    const { sync, syncMs, ageLimitMs } = this.options;
    if (sync === "interval" && this.isDirty && nowMs - this.syncedMs >= syncMs) {
      this.syncSoon(nowMs);
    }
    while (this.segments.length > 0 && nowMs - this.segments[0].changedMs > ageLimitMs) {
      if (!this.dropOldest("droppedByAge")) break;
    }
    this.places.write();
  }

  /**
   * The file of a segment was replaced by another with the same chunks.
   * @param places of each chunk of the new file, one behind the other: its number, and its bytes;
   *   absent: the file is read
   */
  renew(boot: number, first: number, bytes: number, places?: readonly number[]): void {
    const segment = this.segments.find((one) => one.boot === boot && one.first === first);
    if (segment === undefined || segment === this.open) return;
    this.bytes += bytes - segment.bytes;
    segment.bytes = bytes;
    this.files.close(segment.name);
    if (places === undefined) segment.index(this.files);
    else segment.replaced(places);
  }

  /** Segments that nothing is written to any more, the oldest first; `last` once it was read. */
  get closedSegments(): readonly Pick<Segment, "name" | "boot" | "first" | "last" | "bytes">[] {
    return this.segments.filter((segment) => segment !== this.open);
  }

  close(): void {
    this.closeOpen();
    this.places.write();
  }

  private findSegments(): void {
    for (const { name, bytes, changedMs } of this.files.list()) {
      const segment = Segment.ofFile(name, bytes, changedMs);
      if (segment !== undefined) this.segments.push(segment);
    }
    this.segments.sort((a, b) => a.boot - b.boot || a.first - b.first);
    for (const boot of this.boots) if (boot > this.places.checkedBoot) this.check(boot);
    this.segments = this.segments.filter(({ bytes }) => bytes > 0);
    this.bytes = this.segments.reduce((sum, segment) => sum + segment.bytes, 0);
    const newest = this.boots.at(-1);
    if (newest !== undefined) this.places.checked(newest);
  }

  /**
   * Cuts what a kill or a power cut tore: the end of what was written last, and of what had not been
   * synced for sure. Older segments are checked chunk by chunk when they are read: a start must not
   * wait until a whole day has been.
   */
  private check(boot: number): void {
    const own = this.segments.filter((segment) => segment.boot === boot);
    const { sync, syncMs } = this.options;
    const spanMs =
      sync === "none" ? KERNEL_WRITES_MS : sync === "interval" ? syncMs + SYNC_TAKES_MS : 0;
    const sinceMs = Math.max(...own.map(({ changedMs }) => changedMs)) - spanMs;
    for (const [at, segment] of own.entries()) {
      if (at >= own.length - 2 || segment.changedMs >= sinceMs) this.checkSegment(segment);
    }
  }

  private checkSegment(segment: Segment): void {
    segment.index(this.files, true);
    this.counters.damagedPlaces += segment.damages;
    const torn = segment.bytes - segment.soundBytes;
    if (torn === 0) return;
    this.counters.bytesTorn += torn;
    segment.bytes = segment.soundBytes;
    if (segment.bytes > 0) this.files.truncate(segment.name, segment.bytes);
    else this.files.remove(segment.name);
  }

  private write(header: ChunkHeader, bytes: Uint8Array, nowMs: number): void {
    const { boot, number, dictionary } = header;
    const { sync } = this.options;
    const isMissing =
      dictionary !== "" && this.dictionaries?.keep(dictionary, sync !== "none") === false;
    const segment = this.writable(boot, number, nowMs);
    this.files.write(segment.name, bytes, segment.bytes);
    if (sync === "always") this.files.sync(segment.name);
    else this.isDirty = true;
    segment.added(bytes.length, nowMs);
    this.bytes += bytes.length;
    if (isMissing) this.withoutDictionary(dictionary);
  }

  private withoutDictionary(name: string): void {
    this.counters.withoutDictionary++;
    if (this.missing.size < MISSING_LIMIT) this.missing.add(name);
  }

  /** The open segment, or a new one when it is full, of another boot, or its numbers have a hole. */
  private writable(boot: number, number: number, nowMs: number): Segment {
    const { open } = this;
    if (open?.boot === boot && open.last + 1 === number && open.bytes < this.segmentBytes) {
      return open;
    }
    this.closeOpen();
    const segment = Segment.begun(boot, number, nowMs);
    this.files.create(segment.name);
    this.segments.push(segment);
    this.open = segment;
    return segment;
  }

  /** Makes room within the limit. @returns false if what is here must not go */
  private makeRoom(bytes: number): boolean {
    while (this.bytes + bytes > this.bytesLimit && this.segments.length > 0) {
      if (!this.dropOldest("droppedBySize")) return this.options.whenFull !== "stop";
    }
    return true;
  }

  /** @returns false if nothing may go: the segment is written to, or is still to be sent */
  private dropOldest(why: "droppedBySize" | "droppedByAge" | "droppedForRoom"): boolean {
    const [oldest] = this.segments;
    if (oldest === undefined) return false;
    if (oldest === this.open && why !== "droppedByAge") return false;
    if (this.options.whenFull === "stop" && !this.isSent(oldest)) return false;
    if (oldest === this.open) this.closeOpen();
    try {
      this.files.remove(oldest.name);
    } catch {
      return false;
    }
    this.segments.shift();
    this.bytes -= oldest.bytes;
    const next = this.segments[0];
    if (oldest.isIndexed) this.counters[why] += oldest.count;
    else if (next?.boot === oldest.boot) this.counters[why] += next.first - oldest.first;
    return true;
  }

  /** Every destination has all of it. */
  private isSent(segment: Segment): boolean {
    const end: Place = { boot: segment.boot, number: this.indexed(segment).last };
    return this.places.inUse.every((place) => !isBehind(place, end));
  }

  /** After a failed write: the file ends where its last whole chunk ends. */
  private cutHalfWritten(): void {
    const { open } = this;
    if (open === undefined) return;
    try {
      this.files.truncate(open.name, open.bytes);
      if (open.bytes > 0) return;
      this.files.remove(open.name);
      this.segments = this.segments.filter((segment) => segment !== open);
    } catch {
      // The next chunk begins a file of its own.
    }
    this.closeOpen();
  }

  private closeOpen(): void {
    const { open } = this;
    this.open = undefined;
    if (open === undefined) return;
    try {
      this.files.close(open.name);
      if (this.options.sync !== "none" && this.isDirty) this.files.syncSoon(open.name);
    } catch {
      // What cannot be synced is still in the kernel's memory.
    }
    this.isDirty = false;
  }

  private syncSoon(nowMs: number): void {
    this.syncedMs = nowMs;
    this.isDirty = false;
    try {
      if (this.open !== undefined) this.files.syncSoon(this.open.name);
    } catch {
      this.isDirty = true;
    }
  }

  private indexed(segment: Segment): Segment {
    if (segment.isIndexed) return segment;
    try {
      segment.index(this.files);
    } catch {
      // A disk that does not read any more: whoever captures must not end for that.
      segment.giveUp();
      this.counters.damagedPlaces++;
    }
    return segment;
  }
}

/** Of the whole chunk of that number; undefined: the bytes are not it. */
function headerOf(bytes: Uint8Array, boot: number, number: number): ChunkHeader | undefined {
  const found = readChunkHeader(bytes);
  if (found instanceof ChunkFault) return undefined;
  const { header, bodyAt, end } = found;
  if (header.boot !== boot || header.number !== number || end !== bytes.length) return undefined;
  const checksum = bodyChecksum(header.version, bytes.subarray(bodyAt, end));
  return checksum === header.checksum ? header : undefined;
}
