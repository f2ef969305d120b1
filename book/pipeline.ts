/**
 * The one way from datagrams to books, live and offline:
 *
 *   FrameBatch ─► Sequencer ─► MessageBatch ─► Decoder ─► OpBatch ─► Books ─► observer
 *                (streams/)                   (feed/)               (one set a stream)
 *
 * Owns the sequencer of one feed and, for each of its streams, a decoder and the books. A delivered
 * batch interleaves streams: it is cut into runs of one stream, each decoded and applied whole. What
 * happens to a stream between its messages (a new epoch, a lost gap) is a run of its own; the orders
 * of a snapshot are runs as messages are.
 *
 * Assumes that nobody keeps a batch beyond the call in which it is handed over.
 */
import type { Decoder, DecoderOptions, Feed } from "../feed/feed.ts";
import { MessageBatch, MessageKind } from "../feed/message-batch.ts";
import { OpBatch } from "../feed/op-batch.ts";
import { PacketBatch } from "../feed/packet-batch.ts";
import type { Channels } from "../frames/channels.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { DeliverySink } from "../streams/delivery.ts";
import { Sequencer, type SequencerOptions } from "../streams/sequencer.ts";
import type { BookObserver, Books } from "./books.ts";
import { LevelBooks } from "./level-books.ts";
import { type Memory, PLAIN_MEMORY } from "./memory.ts";
import { OrderBooks } from "./order-books.ts";

/** Bytes of an exchange's own file that are split at once: its offsets stay in the near cache. */
const FILE_PIECE = 8 * 1024;

/** One stream of the feed and everything that is rebuilt of it. */
export interface PipelineStream {
  /** Index in the sequencer's `streams` and in `BookPipeline.streams`. */
  readonly index: number;
  /** The exchange's number of the stream. */
  readonly id: number;
  readonly decoder: Decoder;
  /** `null` for a feed without books (`sequenced`). */
  readonly books: Books | null;
  /** The batch whose ops are being applied; an op is at the same index as its message. */
  messages: MessageBatch;
  /** Messages applied, events of the stream not among them. */
  applied: number;
  /** Number of the message applied last; 0 before the first. */
  lastSequence: number;
  /** Epochs that have begun since the first. */
  epoch: number;
}

export interface PipelineOptions extends DecoderOptions {
  /** Rows are wanted: books fill their `effects`. */
  readonly effects: boolean;
  /** Where the books' large arrays lie; plain memory by default. */
  readonly memory?: Memory;
  readonly sequencer?: Partial<SequencerOptions>;
  /** Called once for each stream, when its first message is delivered. */
  readonly observerFor?: (stream: PipelineStream) => BookObserver | null;
  /**
   * Told of every run after it was decoded and applied, also of feeds without books. `ops` is
   * filled only where the stream has books or a decoder that gives ops.
   */
  readonly onRun?: (stream: PipelineStream, from: number, to: number, ops: OpBatch) => void;
}

export class BookPipeline implements DeliverySink {
  readonly feed: Feed;
  readonly sequencer: Sequencer;
  /** By index; a stream that has delivered nothing yet may be absent. */
  readonly streams: (PipelineStream | undefined)[] = [];
  private readonly observers: (BookObserver | null)[] = [];
  private readonly options: PipelineOptions;
  private ops = new OpBatch(1024);
  private readonly filePackets = new PacketBatch(1, 4096);
  private readonly fileMessages = new MessageBatch(4096);
  private fileSequence = 0;
  /** Messages of the exchange's own file whose length prefix was wrong and came from the table. */
  mendedLengths = 0;

  constructor(feed: Feed, channels: Channels, options: PipelineOptions) {
    this.feed = feed;
    this.options = options;
    // What the splitter finds is the batch that is decoded: no copy, unless there is more than fits.
    this.filePackets.messageOffset = this.fileMessages.offset;
    this.filePackets.messageLength = this.fileMessages.length;
    this.sequencer = new Sequencer(feed.framing(), channels, this, {
      lateStartDoubtful: feed.lateStartDoubtful,
      ...options.sequencer,
    });
  }

  /** Takes a batch of datagrams; all it delivers is applied when this returns. */
  push(frames: FrameBatch): void {
    this.sequencer.push(frames);
  }

  /** Capture time goes on without frames (live). */
  advance(nowNs: number): void {
    this.sequencer.advance(nowNs);
  }

  /** The input is over. */
  finish(): void {
    this.sequencer.finish();
  }

  /**
   * Takes messages of the exchange's own file format in `bytes[from..to)`: stream 1, numbered from 1,
   * without capture times.
   * @returns where the next call starts (a message cut by `to` stays for it), or `-1 - at` for a
   *   damaged prefix at `at`
   */
  pushFileMessages(bytes: Uint8Array, from: number, to: number): number {
    const split = this.feed.file;
    if (split === undefined) throw new Error(`${this.feed.id} has no file format of its own`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { filePackets } = this;
    let at = from;
    while (at >= 0 && at < to) {
      filePackets.clear();
      const end = Math.min(at + FILE_PIECE, to);
      let next = split.split(view, at, end, filePackets);
      if (next === at && end < to) next = split.split(view, at, to, filePackets);
      this.mendedLengths += filePackets.mendedLengths;
      this.deliverFile(bytes, view);
      if (next === at) break;
      at = next;
    }
    return at;
  }

  deliver(batch: MessageBatch): void {
    const { count, stream, kind } = batch;
    if (this.ops.capacity !== batch.capacity) this.ops = new OpBatch(batch.capacity);
    let from = 0;
    while (from < count) {
      const index = stream[from];
      const target = this.streams[index] ?? this.open(index, this.streamId(index));
      let to = from;
      const runs = kind[from] === MessageKind.Message || kind[from] === MessageKind.SnapshotOrder;
      do to++;
      while (runs && to < count && stream[to] === index && kind[to] === kind[from]);
      this.applyRun(target, batch, from, to);
      from = to;
    }
  }

  private deliverFile(bytes: Uint8Array, view: DataView): void {
    const { messageCount, messageOffset, messageLength } = this.filePackets;
    const batch = this.fileMessages;
    const stream = this.streams[0] ?? this.open(0, 1);
    batch.bytes = bytes;
    batch.view = view;
    const { sequence } = batch;
    let done = 0;
    while (done < messageCount) {
      const count = Math.min(batch.capacity, messageCount - done);
      if (messageOffset !== batch.offset) {
        batch.offset.set(messageOffset.subarray(done, done + count));
        batch.length.set(messageLength.subarray(done, done + count));
      }
      const first = this.fileSequence + 1;
      for (let i = 0; i < count; i++) sequence[i] = first + i;
      this.fileSequence += count;
      batch.count = count;
      if (this.ops.capacity !== batch.capacity) this.ops = new OpBatch(batch.capacity);
      this.applyRun(stream, batch, 0, count);
      done += count;
    }
  }

  /** Decodes and applies messages `from` to `to`: all of one stream, or one event of it. */
  private applyRun(stream: PipelineStream, batch: MessageBatch, from: number, to: number): void {
    const { ops } = this;
    stream.messages = batch;
    const kind = batch.kind[from];
    if (kind === MessageKind.Message) {
      stream.decoder.decodeRun(batch, from, to, ops);
      stream.applied += to - from;
      stream.lastSequence = batch.sequence[to - 1];
    } else if (kind === MessageKind.SnapshotOrder) {
      stream.decoder.decodeRun(batch, from, to, ops);
      stream.lastSequence = batch.sequence[to - 1];
    } else {
      stream.decoder.decode(batch, from, ops);
      if (kind === MessageKind.SnapshotEnd) stream.lastSequence = batch.sequence[from];
      if (kind === MessageKind.Epoch) stream.epoch++;
    }
    ops.count = to;
    stream.books?.apply(ops, from, to, this.observers[stream.index]);
    this.options.onRun?.(stream, from, to, ops);
  }

  private streamId(index: number): number {
    return this.sequencer.streams[index].id;
  }

  /** Makes what is rebuilt of a stream; also before a saved state of it is put in. */
  open(index: number, id: number): PipelineStream {
    const stream: PipelineStream = {
      index,
      id,
      decoder: this.feed.decoder(this.options),
      books: this.newBooks(),
      messages: this.fileMessages,
      applied: 0,
      lastSequence: 0,
      epoch: 0,
    };
    this.streams[index] = stream;
    this.observers[index] = this.options.observerFor?.(stream) ?? null;
    return stream;
  }

  private newBooks(): Books | null {
    const { effects } = this.options;
    switch (this.feed.books) {
      case "orders":
        return new OrderBooks({
          unsignedPrices: this.feed.unsignedPrices,
          effects,
          memory: this.options.memory ?? PLAIN_MEMORY,
        });
      case "levels":
        return new LevelBooks();
      case "none":
        return null;
    }
  }
}
