/**
 * Edge: the way of a datagram, walked before the first one comes: code that has not run yet is interpreted,
 * ten times as slow, and a wire at its full rate fills the ring, or a socket's buffer, before it is
 * compiled. Packets of a made-up exchange go from a made-up ring and made-up sockets through a core and
 * a watch of their own, and nowhere else.
 *
 * Worst case: `ROUNDS` times 4,000 datagrams, some 200 ms of a processor at the start.
 */
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import { ChunkPacker } from "../frames/chunk.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { ReceiveSlots } from "../frames/multicast-slots.ts";
import { RingBlocks } from "../frames/ring-blocks.ts";
import type { Zstd } from "../frames/zstd-port.ts";
import { StoredZstd } from "../frames/zstd-stored.ts";
import { COLLECTOR_DEFAULTS, CollectorCore } from "./core.ts";
import { LineWatch } from "./watch.ts";

const ROUNDS = 40;
const BLOCKS = 8;
const BLOCK_BYTES = 64 << 10;
const BLOCK_HEAD_BYTES = 48;
/** From a packet's start to its link header, and to its payload: Ethernet, IPv4, UDP. */
const LINK_AT = 96;
const PAYLOAD_AT = LINK_AT + 14 + 28;
const PORT = 1;
const GROUPS = [1, 2] as const;
const SOCKET_BATCHES = 8;
const SOCKET_DATAGRAMS = 256;
/** Behind the times of the ring's in the same second. */
const SOCKETS_AT_NS = 6e8;
/** Every so many datagrams the second line brings a copy. */
const COPY_EVERY = 8;

/** @returns datagrams that went all the way */
export function warmUp(zstd: Zstd): number {
  const feed = feedById("sequenced");
  if (feed === undefined) return 0;
  const channels = madeUpChannels();
  const packer = new ChunkPacker(channels, new StoredZstd(zstd), "raw");
  const core = new CollectorCore(
    channels,
    () => feed,
    zstd,
    () => {},
    {
      ...COLLECTOR_DEFAULTS,
      collector: "",
      boot: 1,
      clock: "kernel",
      packing: () => ({ pack: (title, frames) => packer.packLent(title, frames) }),
    },
  );
  const watch = new LineWatch(channels, () => feed);
  const wire = new MadeUpRing();
  const groups = channels.list.map(({ group, port }, channel) => ({ group, port, channel }));
  const blocks = new RingBlocks(wire.ring, BLOCK_BYTES, groups);
  const sockets = new MadeUpSockets();
  const batch = new FrameBatch(1024);
  const take = (frames: FrameBatch, round: number) => {
    core.push(frames, round * 1e6);
    watch.push(frames);
  };
  for (let round = 1; round <= ROUNDS; round++) {
    wire.fill(round);
    do {
      blocks.next(batch);
      take(batch, round);
    } while (batch.count > 0);
    for (let step = 1; step <= SOCKET_BATCHES; step++) take(sockets.next(wire, round, step), round);
  }
  return core.counters.framesForwarded;
}

function madeUpChannels(): Channels {
  const channels = new Channels();
  const sequenceField = { offset: 0, width: 8, littleEndian: true } as const;
  GROUPS.forEach((last, line) => {
    const where = { group: `239.0.0.${last}`, port: PORT, feed: "sequenced", stream: 1, line };
    channels.add({ ...where, sequenceField });
  });
  return channels;
}

/** What the kernel would write, as `ring-blocks.ts` says it. */
class MadeUpRing {
  readonly ring = new ArrayBuffer(BLOCKS * BLOCK_BYTES);
  private readonly view = new DataView(this.ring);
  /** Of the datagram sent last. */
  number = 0;
  private packets = 0;

  /** All blocks, with times of that second. */
  fill(second: number): void {
    for (let block = 0; block < BLOCKS; block++) this.fillBlock(block * BLOCK_BYTES, second);
  }

  private fillBlock(start: number, second: number): void {
    const { view } = this;
    let at = start + BLOCK_HEAD_BYTES;
    let count = 0;
    for (; ; count++) {
      const isCopy = ++this.packets % COPY_EVERY === 0;
      const length = 60 + (this.packets % 5) * 60;
      const next = (PAYLOAD_AT + length + 7) & ~7;
      if (at + next > start + BLOCK_BYTES) break;
      if (!isCopy) this.number++;
      this.packet(at, next, length, isCopy ? 1 : 0);
      view.setUint32(at + 4, second, true);
      view.setUint32(at + 8, (start + count) * 1000, true);
      at += next;
    }
    view.setUint32(start + 12, count, true);
    view.setUint32(start + 16, BLOCK_HEAD_BYTES, true);
    view.setUint32(start + 8, 1, true);
  }

  private packet(at: number, next: number, length: number, line: number): void {
    const { view } = this;
    const link = at + LINK_AT;
    view.setUint32(at, next, true);
    view.setUint32(at + 12, 42 + length, true);
    view.setUint32(at + 16, 42 + length, true);
    view.setUint32(at + 20, 1, true);
    view.setUint16(at + 24, LINK_AT, true);
    view.setUint16(link + 12, 0x0800);
    view.setUint8(link + 14, 0x45);
    view.setUint16(link + 16, 28 + length);
    view.setUint8(link + 23, 17);
    view.setUint32(link + 30, 0xef000000 + GROUPS[line]);
    view.setUint16(link + 36, PORT);
    view.setUint16(link + 38, 8 + length);
    view.setUint32(at + PAYLOAD_AT, this.number, true);
  }
}

/** What `recvmmsg` would give: a part of a batch from each group's socket. */
class MadeUpSockets {
  private readonly slots = new ReceiveSlots(SOCKET_DATAGRAMS);
  private readonly payload = new Uint8Array(300);
  private readonly view = new DataView(this.payload.buffer);

  /** The numbers behind the ring's; the second line brings copies of the last of them. */
  next(wire: MadeUpRing, second: number, step: number): FrameBatch {
    const { slots } = this;
    slots.clear();
    const copies = SOCKET_DATAGRAMS / COPY_EVERY;
    const news = SOCKET_DATAGRAMS - copies;
    for (let i = 0; i < news; i++) this.write(i, ++wire.number, second, step);
    slots.take(news, 0);
    for (let i = news; i < SOCKET_DATAGRAMS; i++) {
      this.write(i, wire.number - SOCKET_DATAGRAMS + i + 1, second, step);
    }
    slots.take(copies, 1);
    return slots.frames;
  }

  private write(i: number, number: number, second: number, step: number): void {
    this.view.setUint32(0, number, true);
    const length = 60 + (i % 5) * 60;
    const nsec = SOCKETS_AT_NS + (step * SOCKET_DATAGRAMS + i) * 1000;
    this.slots.write(i, this.payload.subarray(0, length), second, nsec);
  }
}
