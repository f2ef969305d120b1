/**
 * The core of forwarding to one destination: which chunk goes next, where it is found, and how far
 * the destination is. Its place is kept in the spool, so that a collector that was killed goes on
 * where it was: what earlier boots left unsent is sent first, once.
 *
 * With a centre that says its position the place is that of the slowest one; without, what the
 * destination acknowledged.
 */
import { ChunkFault, type PackedChunk, readChunkHeader } from "../frames/chunk.ts";
import type { SpoolCore } from "../frames/spool-core.ts";
import type { Place } from "../frames/spool-places.ts";
import type { Position } from "../frames/transport.ts";
import { FreshChunks } from "./fresh-chunks.ts";
import { type LeftOver, SendWindow, type ToSend } from "./send-window.ts";

/** A centre that lives tells its position by then: until then acknowledgements say nothing. */
const CENTRE_WAIT_NS = 10e9;

export interface Outgoing {
  readonly sent: ToSend;
  readonly chunk: PackedChunk;
}

export class ForwardCore {
  readonly window: SendWindow;
  /** Chunks that had left memory and spool before the destination took them. */
  missed = 0;
  /** Of chunks that were given memory of their own so far, read from the spool or copied. */
  bytesMade = 0;
  /** Told of each of them. */
  onMissed: (missed: ToSend) => void = () => {};
  private readonly name: string;
  private readonly boot: number;
  private readonly spool: SpoolCore | undefined;
  private readonly hearsCentre: boolean;
  private readonly fresh = new FreshChunks();
  private readonly startNs: number;

  /**
   * @param name of the destination, as its place is kept under
   * @param hearsCentre a centre can say its position
   * @param nowNs any clock that does not step back
   */
  constructor(
    name: string,
    boot: number,
    spool: SpoolCore | undefined,
    hearsCentre: boolean,
    nowNs: number,
  ) {
    this.name = name;
    this.boot = boot;
    this.spool = spool;
    this.hearsCentre = hearsCentre;
    this.startNs = nowNs;
    this.window = new SendWindow(boot);
    this.window.resume(this.leftOver(spool?.places.use(name, boot)));
  }

  /** Bytes of chunks that are in no spool and not yet sent. */
  get bytesUnkept(): number {
    return this.fresh.bytesUnkept;
  }

  /**
   * The chunk is in the spool, if that took it.
   * @param isLent its bytes are valid during the call only
   */
  offer(chunk: PackedChunk, isLent = false): void {
    const { boot, number } = chunk.header;
    const isKept = this.spool?.holds(boot, number) ?? false;
    if (!isLent) this.fresh.add(chunk, isKept);
    // What will wait is read from the spool when its turn comes, rather than copied now.
    else if (!isKept || this.window.waiting === 0) {
      this.bytesMade += chunk.bytes.length;
      this.fresh.add(ownChunk(chunk), isKept);
    }
    this.window.offer(number);
  }

  /** The next chunk to send; undefined: none for now. */
  next(nowNs: number): Outgoing | undefined {
    for (;;) {
      const sent = this.window.take(nowNs);
      if (sent === undefined) return undefined;
      const chunk = this.find(sent);
      if (chunk !== undefined) return { sent, chunk };
      if (!sent.again) {
        this.missed++;
        this.onMissed(sent);
      }
      this.window.gone(sent);
    }
  }

  /** The destination has it. */
  taken(sent: ToSend, nowNs: number): void {
    this.window.done(sent);
    if (sent.boot === this.boot) this.fresh.sent(sent.number);
    this.movePlace(nowNs);
  }

  hear(position: Position, nowNs: number, isRetained = false): void {
    this.window.hear(position, nowNs, isRetained);
    this.movePlace(nowNs);
  }

  private movePlace(nowNs: number): void {
    const { window } = this;
    const { settled } = window;
    let place: Place | undefined;
    if (!this.hearsCentre) place = settled;
    else if (window.hasHeard) place = window.slowestPlace(nowNs);
    else if (nowNs - this.startNs > CENTRE_WAIT_NS) place = settled;
    if (place !== undefined) this.spool?.places.move(this.name, place);
  }

  private leftOver(place: Place | undefined): LeftOver[] {
    const { spool } = this;
    if (spool === undefined || place === undefined) return [];
    const left: LeftOver[] = [];
    for (const boot of spool.boots) {
      if (boot < place.boot || boot === this.boot) continue;
      const wanted = boot === place.boot ? place.number + 1 : 1;
      const from = Math.max(wanted, spool.oldest(boot));
      // Of a boot without a place, what came before its oldest chunk was never here to be sent.
      if (boot === place.boot) this.missed += from - wanted;
      left.push({ boot, from, to: spool.newest(boot) });
    }
    return left;
  }

  private find({ boot, number }: ToSend): PackedChunk | undefined {
    const fresh = boot === this.boot ? this.fresh.get(number) : undefined;
    if (fresh !== undefined) return fresh;
    const bytes = this.spool?.read(boot, number);
    const found = bytes === undefined ? undefined : readChunkHeader(bytes);
    if (bytes === undefined || found === undefined || found instanceof ChunkFault) return undefined;
    this.bytesMade += bytes.length;
    return { header: found.header, bytes };
  }
}

function ownChunk({ header, bytes }: PackedChunk): PackedChunk {
  return { header, bytes: bytes.slice() };
}
