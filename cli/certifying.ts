/**
 * What `certify` does with what is read: sequenced as everywhere, tallied, and nothing decoded.
 * Lines are judged by the frames that are there; where copies were left out, by the runs that
 * chunks name.
 */
import { MessageBatch } from "../feed/message-batch.ts";
import { PacketBatch } from "../feed/packet-batch.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { type Certificate, certificateOf, certificatesOf } from "../streams/certificate.ts";
import { type GapJson, gapsOf } from "../streams/certificate-gaps.ts";
import { Tallies } from "../streams/certificate-tally.ts";
import { Sequencer, type SequencerOptions } from "../streams/sequencer.ts";
import type { Consumer, Opened } from "./offline.ts";
import { OfflineRepairs } from "./offline-repairs.ts";

/** Rows of each kind in the ledger: enough for a bad day, bounded all the same. */
const LEDGER_ROWS = 1 << 18;
const FILE_STREAM = 1;

/** Numbers that a line brought, by stream; undefined where nobody knows. */
export type Brought = (stream: number, line: number) => number | undefined;

interface Work {
  readonly opened: Opened;
  readonly tallies: Tallies;
  readonly sequencer: Sequencer;
  readonly repairs: OfflineRepairs;
}

export class Certifying implements Consumer {
  /** A certificate names the day and the times of its first and last message. */
  readonly usesDay = true;
  private readonly options: Partial<SequencerOptions>;
  private readonly filePackets = new PacketBatch(1, 4096);
  private readonly fileBatch = new MessageBatch(4096);
  private fileSequence = 0;
  /** Frames of another feed than the one that is certified. */
  otherFeeds = 0;
  private work: Work | undefined;

  constructor(options: Partial<SequencerOptions>) {
    this.options = options;
  }

  open(opened: Opened): void {
    const { feed, channels, midnightSec } = opened;
    const tallies = new Tallies(feed, () => midnightSec);
    const sequencer = new Sequencer(feed.framing(), channels, tallies, {
      lateStartDoubtful: feed.lateStartDoubtful,
      ledgerRows: LEDGER_ROWS,
      ...this.options,
    });
    const repairs = new OfflineRepairs(feed, sequencer);
    this.work = { opened, tallies, sequencer, repairs };
  }

  frames(batch: FrameBatch): void {
    this.keepOwn(batch);
    this.opened.sequencer.push(batch);
    this.opened.repairs.advance();
  }

  heard(header: ChunkHeader): void {
    this.opened.repairs.heard(header);
  }

  requested(header: ChunkHeader, frames: FrameBatch): void {
    this.opened.repairs.take(header, frames);
  }

  /** An exchange's own file has one stream, numbered from 1 without a gap. */
  fileBytes(bytes: Uint8Array, from: number, to: number): number {
    const { opened, tallies } = this.opened;
    const { filePackets: packets, fileBatch: batch } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    packets.clear();
    const next = opened.feed.file?.split(view, from, to, packets) ?? to;
    batch.bytes = bytes;
    batch.view = view;
    for (let done = 0; done < packets.messageCount; done += batch.count) {
      batch.count = Math.min(batch.capacity, packets.messageCount - done);
      for (let at = 0; at < batch.count; at++) {
        batch.offset[at] = packets.messageOffset[done + at];
        batch.length[at] = packets.messageLength[done + at];
        batch.sequence[at] = ++this.fileSequence;
      }
      tallies.deliver(batch);
    }
    return next;
  }

  finish(): void {
    this.work?.sequencer.finish();
  }

  /** @param brought set where copies of messages were left out of the input */
  certificates(tool: string, brought: Brought | undefined): Certificate[] {
    const { opened, tallies, sequencer } = this.opened;
    const options = { tool, ...(brought && { brought }) };
    if (opened.captured) return certificatesOf(opened.feed, sequencer, tallies, options);
    const last = this.fileSequence;
    const standing = { session: "", highWaterMark: last, position: last, lines: [] };
    return (tallies.streams[0] ?? []).map((tally) =>
      certificateOf(opened.feed, tally, { stream: FILE_STREAM, ...standing }, options),
    );
  }

  /** By stream, epoch and number. */
  gaps(): GapJson[] {
    const { opened, sequencer } = this.opened;
    return gapsOf(opened.feed.id, sequencer).sort(
      (a, b) => a.stream - b.stream || a.epoch - b.epoch || Number(a.from) - Number(b.from),
    );
  }

  /** Gap rows that the ledger had no room for. */
  get gapsLeftOut(): number {
    const { lost, repaired } = this.opened.sequencer.ledger;
    return lost.forgotten + repaired.forgotten;
  }

  /** What makes the certificates those of an incomplete input, beside damage of the files. */
  complaints(): string[] {
    const { lost, gaps, quarantined } = this.opened.sequencer.stats();
    const complaints = Object.entries(quarantined).map(
      ([reason, count]) => `${count} datagrams or packets set aside: ${reason}`,
    );
    if (lost > 0) complaints.push(`${lost} numbers are lost, in ${gaps} gaps that no line filled`);
    return complaints;
  }

  /** A collector's spool holds all of its feeds; those of another one are left out. */
  private keepOwn(batch: FrameBatch): void {
    const { feed, channels } = this.opened.opened;
    const { list } = channels;
    let kept = 0;
    for (let at = 0; at < batch.count; at++) {
      const named = list[batch.channel[at]]?.feed ?? "";
      if (named !== "" && named !== feed.id) continue;
      if (kept !== at) {
        batch.offset[kept] = batch.offset[at];
        batch.length[kept] = batch.length[at];
        batch.sec[kept] = batch.sec[at];
        batch.nsec[kept] = batch.nsec[at];
        batch.channel[kept] = batch.channel[at];
      }
      kept++;
    }
    this.otherFeeds += batch.count - kept;
    batch.count = kept;
  }

  private get opened(): Work {
    if (this.work === undefined) throw new Error("nothing has been opened");
    return this.work;
  }
}
