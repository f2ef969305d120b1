/**
 * A made-up market in chunks, as heavy as it is asked to be: orders build up to a number that then
 * stands, with cancels, changes and new ones; each chunk of one stream, as a collector packs them.
 */
import { Random } from "../faults/random.ts";
import { writeOrder } from "../feed/nse/writer.ts";
import { Channels } from "../frames/channels.ts";
import { ChunkPacker, type PackedChunk } from "../frames/chunk.ts";
import type { ChunkCodec } from "../frames/chunk-header.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { openZstd } from "../frames/zstd.ts";

export interface LoadOptions {
  readonly seed: number;
  readonly streams: number;
  readonly instruments: number;
  /** Orders that stand once it is built up, all streams together. */
  readonly liveOrders: number;
  readonly messagesPerChunk: number;
  readonly collector: string;
  readonly boot: number;
  /** How bodies are laid out; `raw` is the cheaper to make. */
  readonly codec?: ChunkCodec;
  /** Capture times of a chunk's frames lie evenly in so many ns before the last; 0 unless told. */
  readonly spanNs?: number;
}

const ORDER_BYTES = 38;
const NS = 1_000_000_000;
const [NEW, CHANGE, CANCEL] = [0x4e, 0x4d, 0x58];
const [BUY, SELL] = [0x42, 0x53];
const FIRST_ID = 1_100_000_000_000_000;
const MIDDLE = 100_000;
const FIRST_TOKEN = 35_000;

/** Orders that stand on one stream: columns, so that millions of them are no objects. */
class Standing {
  count = 0;
  readonly id: Float64Array;
  readonly token: Int32Array;
  readonly side: Uint8Array;

  constructor(capacity: number) {
    this.id = new Float64Array(capacity);
    this.token = new Int32Array(capacity);
    this.side = new Uint8Array(capacity);
  }

  remove(at: number): void {
    const last = --this.count;
    this.id[at] = this.id[last];
    this.token[at] = this.token[last];
    this.side[at] = this.side[last];
  }
}

export class LoadMaker {
  messages = 0;
  private readonly options: LoadOptions;
  private readonly random: Random;
  private readonly channels = new Channels();
  private readonly packer: ChunkPacker;
  private readonly standing: readonly Standing[];
  private readonly sequences: number[];
  private readonly previous: number[];
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly frames: FrameBatch;
  private lastId = FIRST_ID;
  private number = 0;

  constructor(options: LoadOptions) {
    const { streams, seed, liveOrders, messagesPerChunk } = options;
    this.options = options;
    this.random = new Random(seed);
    this.packer = new ChunkPacker(this.channels, openZstd(), options.codec);
    const each = Math.ceil(liveOrders / streams);
    this.standing = Array.from({ length: streams }, () => new Standing(Math.ceil(each * 1.02) + 8));
    this.sequences = new Array(streams).fill(0);
    this.previous = new Array(streams).fill(0);
    this.bytes = new Uint8Array(messagesPerChunk * ORDER_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.frames = new FrameBatch(messagesPerChunk);
    for (let stream = 1; stream <= streams; stream++) {
      const group = `239.7.1.${stream}`;
      this.channels.add({ group, port: 9000, feed: "nse-fo", stream, line: 0 });
    }
  }

  get tokens(): string[] {
    const { instruments } = this.options;
    return Array.from({ length: instruments }, (_, at) => String(FIRST_TOKEN + at));
  }

  /** Chunks that it takes until all orders stand. */
  get buildUp(): number {
    return Math.ceil(this.options.liveOrders / this.options.messagesPerChunk);
  }

  /**
   * The next chunk: of the streams in turn.
   * @param oldest the oldest number that the collector still has
   * @param sec capture time of its last frame, seconds since 1970
   */
  next(sec: number, nsec: number, oldest = 1): PackedChunk {
    const { streams, messagesPerChunk, collector, boot, spanNs = 0 } = this.options;
    const at = this.number % streams;
    const firstSequence = this.sequences[at] + 1;
    this.frames.reset(this.bytes);
    for (let made = 0; made < messagesPerChunk; made++) {
      const offset = made * ORDER_BYTES;
      this.write(at, offset, sec);
      const ns = nsec - Math.floor(spanNs * (1 - (made + 1) / messagesPerChunk));
      const seconds = Math.floor(ns / NS);
      this.frames.add(offset, ORDER_BYTES, sec + seconds, ns - seconds * NS, at);
    }
    this.messages += messagesPerChunk;
    const chunk = this.packer.pack(
      {
        kind: "live",
        collector,
        boot,
        number: ++this.number,
        previous: this.previous[at],
        oldest,
        feed: "nse-fo",
        stream: at + 1,
        session: "",
        firstSequence,
        lastSequence: this.sequences[at],
        clock: "kernel",
        runs: [],
        copies: 0,
        runsDropped: 0,
      },
      this.frames,
    );
    this.previous[at] = this.number;
    return chunk;
  }

  private write(stream: number, offset: number, sec: number): void {
    const { random } = this;
    const orders = this.standing[stream];
    const sequence = ++this.sequences[stream];
    const timeHi = Math.floor((sec - 315_532_800) / 4.294967296);
    const isBuilt = this.number >= this.buildUp;
    const draw = random.below(100);
    const grows = orders.count < 2 || !isBuilt || draw < 40;
    if (grows && orders.count < orders.id.length) {
      const slot = this.stand(stream, orders);
      this.order(NEW, stream, sequence, offset, timeHi, slot);
      return;
    }
    const slot = random.below(orders.count);
    this.order(draw < 80 ? CANCEL : CHANGE, stream, sequence, offset, timeHi, slot);
    if (draw < 80) orders.remove(slot);
  }

  /** A new order; half of all are on a tenth of the stream's own instruments. */
  private stand(stream: number, orders: Standing): number {
    const { random } = this;
    const { instruments, streams } = this.options;
    const slot = orders.count++;
    const mine = Math.max(1, Math.floor(instruments / streams));
    const span = random.below(2) === 0 ? mine : Math.max(1, Math.floor(mine / 10));
    orders.id[slot] = ++this.lastId;
    orders.token[slot] = FIRST_TOKEN + ((stream + random.below(span) * streams) % instruments);
    orders.side[slot] = random.below(2) === 0 ? BUY : SELL;
    return slot;
  }

  private order(
    type: number,
    stream: number,
    sequence: number,
    offset: number,
    timeHi: number,
    slot: number,
  ): void {
    const { id, token, side } = this.standing[stream];
    const { random } = this;
    const away = 5 * random.below(random.below(10) === 0 ? 400 : 40);
    const price = side[slot] === BUY ? MIDDLE - 5 - away : MIDDLE + away;
    const quantity = 50 * (1 + random.below(20));
    const { view } = this;
    writeOrder(
      view,
      offset,
      type,
      stream + 1,
      sequence,
      timeHi,
      sequence,
      id[slot],
      token[slot],
      side[slot],
      price,
      quantity,
    );
  }
}
