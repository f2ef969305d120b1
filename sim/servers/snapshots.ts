/**
 * NSE's snapshot server: `O` with a stream, `B` and the image of all its live orders back.
 *
 * Images are made anew every `periodNs`, of all streams at once; who is still reading the one before
 * is cut off. After a restart there is none until the next round. `advance` makes them, and so must be called when the exchange has been stepped exactly
 * that far (`nextNs`). Keeps two images a stream: the newest, and the one before for the fault `old`.
 */
import { SnapshotFaultDraw } from "../../faults/snapshots.ts";
import { type NseRequest, writeReply } from "../../feed/nse/recovery.ts";
import {
  REPLY_LENGTH,
  SNAPSHOT_HEADER_LENGTH,
  SNAPSHOT_RECORD_LENGTH,
} from "../../feed/nse/recovery-table.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Answer, Answering } from "./one-request.ts";
import { type RecordTime, type SnapshotImage, snapshotImage } from "./snapshot-image.ts";
import type { Violations } from "./violations.ts";

export interface SnapshotOptions {
  readonly periodNs: number;
  /** When the first images are made; until then the answer is an error. */
  readonly firstNs: number;
  /** A larger image is not served. */
  readonly bytesLimit: number;
  readonly recordTime: RecordTime;
}

export const SNAPSHOT_DEFAULTS: SnapshotOptions = {
  periodNs: 30e9,
  firstNs: 0,
  bytesLimit: 75e6,
  recordTime: "placed",
};

export class Snapshots implements Answering {
  nextNs: number;
  /** Rounds of images made. */
  refreshes = 0;
  private readonly exchange: Exchange;
  private readonly options: SnapshotOptions;
  private readonly faults: SnapshotFaultDraw;
  private newest = new Map<number, SnapshotImage>();
  private before = new Map<number, SnapshotImage>();

  constructor(
    exchange: Exchange,
    options: Partial<SnapshotOptions> = {},
    faults = new SnapshotFaultDraw({}, 1),
  ) {
    this.exchange = exchange;
    this.options = { ...SNAPSHOT_DEFAULTS, ...options };
    this.faults = faults;
    this.nextNs = this.options.firstNs;
  }

  refuses(nowNs: number): boolean {
    return this.faults.refuses(nowNs);
  }

  version(): number {
    return this.refreshes;
  }

  /** Makes images anew where that is due; several periods at once make one round. */
  advance(nowNs: number): void {
    if (nowNs < this.nextNs) return;
    this.before = this.newest;
    this.newest = new Map(this.exchange.streams.map(({ id }) => [id, this.image(id)]));
    this.refreshes++;
    const { periodNs } = this.options;
    while (this.nextNs <= nowNs) this.nextNs += periodNs;
  }

  answer(request: NseRequest, nowNs: number, violations: Violations): Answer | undefined {
    const { kind, stream } = request;
    if (kind !== "snapshot" || this.exchange.stream(stream) === undefined) {
      violations.add("malformed", nowNs, `${kind} of stream ${stream}`);
      return this.reply(stream, undefined);
    }
    const newest = this.newest.get(stream);
    const fault = this.faults.strike(stream, newest?.lastSequence ?? 0, nowNs);
    if (fault === "silence") return undefined;
    if (newest === undefined || fault === "error") return this.reply(stream, undefined);
    let image = newest;
    if (fault === "old") image = this.before.get(stream) ?? newest;
    if (fault === "newer") image = this.image(stream);
    const isGone = image.epoch !== this.exchange.stream(stream)?.log.epoch && fault !== "old";
    if (isGone || image.bytes.length > this.options.bytesLimit) {
      return this.reply(stream, undefined);
    }
    const { random, options } = this.faults;
    const answer = this.reply(
      stream,
      fault === "shuffle" ? this.shuffled(image.bytes) : image.bytes,
    );
    if (fault === "cut") {
      return { ...answer, bytes: answer.bytes.slice(0, 1 + random.below(answer.bytes.length - 1)) };
    }
    return fault === "slow" ? { ...answer, afterNs: random.below(options.slowNs) } : answer;
  }

  private image(stream: number): SnapshotImage {
    const engine = this.exchange.stream(stream)!;
    return snapshotImage(engine, this.exchange.encoder, this.options.recordTime);
  }

  private shuffled(image: Uint8Array): Uint8Array {
    const { random } = this.faults;
    const bytes = image.slice();
    const record = (index: number) => {
      const at = SNAPSHOT_HEADER_LENGTH + index * SNAPSHOT_RECORD_LENGTH;
      return bytes.subarray(at, at + SNAPSHOT_RECORD_LENGTH);
    };
    const orders = (bytes.length - SNAPSHOT_HEADER_LENGTH) / SNAPSHOT_RECORD_LENGTH;
    for (let at = orders - 1; at > 0; at--) {
      const other = random.below(at + 1);
      const kept = record(at).slice();
      record(at).set(record(other));
      record(other).set(kept);
    }
    return bytes;
  }

  /** @param image undefined: an error */
  private reply(stream: number, image: Uint8Array | undefined): Answer {
    const bytes = new Uint8Array(REPLY_LENGTH + (image?.length ?? 0));
    const success = image !== undefined;
    writeReply({ kind: "snapshot", stream, success }, new DataView(bytes.buffer), 0);
    if (image !== undefined) bytes.set(image, REPLY_LENGTH);
    return { bytes, afterNs: 0, version: this.refreshes };
  }
}
