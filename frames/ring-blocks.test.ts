/** Blocks written as the kernel writes them, walked in place. */
import { describe, expect, test } from "bun:test";
import { FrameBatch } from "./frame-batch.ts";
import { RingBlocks, SEGMENT_HEADER_BYTES } from "./ring-blocks.ts";

const BLOCK_BYTES = 8192;
const GROUP = { group: "239.1.1.1", port: 10_001, channel: 5 };
const OTHER = "239.9.9.9";

interface Written {
  readonly payload: readonly number[];
  readonly group?: string;
  readonly segment?: number;
  readonly fragment?: boolean;
  readonly tagged?: boolean;
  readonly keptBytes?: number;
}

/** The kernel's part: fills blocks in turn, as long as they are its own. */
class Kernel {
  readonly ring: ArrayBuffer;
  private readonly view: DataView;
  private readonly blocks: number;
  private block = 0;

  constructor(blocks: number) {
    this.blocks = blocks;
    this.ring = new ArrayBuffer(blocks * BLOCK_BYTES);
    this.view = new DataView(this.ring);
  }

  /** False if the next block is still ours: the kernel would drop. */
  fill(packets: readonly Written[]): boolean {
    const start = this.block * BLOCK_BYTES;
    if (this.view.getUint32(start + 8, true) !== 0) return false;
    this.view.setUint32(start + 12, packets.length, true);
    this.view.setUint32(start + 16, 48, true);
    let at = start + 48;
    for (const packet of packets) at = this.packet(at, packet);
    this.view.setUint32(start + 8, 1, true);
    this.block = (this.block + 1) % this.blocks;
    return true;
  }

  private packet(at: number, { payload, group, segment = 0, ...more }: Written): number {
    const { view } = this;
    const link = at + 96 + SEGMENT_HEADER_BYTES - 14;
    const length = 14 + 28 + payload.length;
    const next = (link - at + length + 7) & ~7;
    view.setUint32(at, next, true);
    view.setUint32(at + 4, 1_700_000_000, true);
    view.setUint32(at + 8, 7, true);
    view.setUint32(at + 12, more.keptBytes ?? length, true);
    view.setUint32(at + 16, length, true);
    view.setUint32(at + 20, more.tagged ? 0x51 : 1, true);
    view.setUint16(at + 24, link - at, true);
    view.setUint8(link - 9, segment > 0 ? 5 : 0);
    view.setUint16(link - 6, segment, true);
    view.setUint16(link + 12, 0x0800);
    view.setUint8(link + 14, 0x45);
    view.setUint16(link + 16, 28 + payload.length);
    view.setUint16(link + 20, more.fragment ? 0x2000 : 0);
    view.setUint8(link + 23, 17);
    const address = (group ?? GROUP.group).split(".").map(Number);
    new Uint8Array(this.ring, link + 30, 4).set(address);
    view.setUint16(link + 36, GROUP.port);
    view.setUint16(link + 38, 8 + payload.length);
    new Uint8Array(this.ring, link + 42, payload.length).set(payload);
    return at + next;
  }
}

function payloadsOf({ bytes, offset, length, count }: FrameBatch): number[][] {
  return Array.from({ length: count }, (_, i) => [
    ...bytes.subarray(offset[i], offset[i] + length[i]),
  ]);
}

describe("blocks of a ring", () => {
  test("give their frames in order, with time and channel, and go back to the kernel", () => {
    const kernel = new Kernel(2);
    const blocks = new RingBlocks(kernel.ring, BLOCK_BYTES, [GROUP]);
    const frames = new FrameBatch(64);
    for (let turn = 0; turn < 7; turn++) {
      expect(kernel.fill([{ payload: [turn, 1] }, { payload: [turn, 2, 3], tagged: true }])).toBe(
        true,
      );
      blocks.next(frames);
      expect(payloadsOf(frames)).toEqual([
        [turn, 1],
        [turn, 2, 3],
      ]);
      expect([frames.sec[0], frames.nsec[1], frames.channel[1]]).toEqual([1_700_000_000, 7, 5]);
    }
    blocks.next(frames);
    expect(frames.count).toBe(0);
    expect(blocks.counters).toMatchObject({ blocks: 7, packets: 14, tagged: 7, damaged: 0 });
  });

  test("stay ours while frames of them are in use", () => {
    const kernel = new Kernel(1);
    const blocks = new RingBlocks(kernel.ring, BLOCK_BYTES, [GROUP]);
    const frames = new FrameBatch(2);
    expect(kernel.fill([1, 2, 3].map((n) => ({ payload: [n] })))).toBe(true);
    blocks.next(frames);
    expect(payloadsOf(frames)).toEqual([[1], [2]]);
    expect(kernel.fill([])).toBe(false);
    blocks.next(frames);
    expect(payloadsOf(frames)).toEqual([[3]]);
    expect(kernel.fill([])).toBe(false);
    blocks.next(frames);
    expect(kernel.fill([{ payload: [4] }])).toBe(true);
  });

  test("hold datagrams that were sent as one, apart again", () => {
    const kernel = new Kernel(1);
    const blocks = new RingBlocks(kernel.ring, BLOCK_BYTES, [GROUP]);
    const frames = new FrameBatch(4);
    const payload = [1, 2, 3, 4, 5, 6, 7];
    kernel.fill([{ payload: [0] }, { payload: [9] }, { payload, segment: 3 }]);
    blocks.next(frames);
    expect(payloadsOf(frames)).toEqual([[0], [9]]);
    blocks.next(frames);
    expect(payloadsOf(frames)).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  });

  test("hold what is no datagram of ours: counted, and left out", () => {
    const kernel = new Kernel(1);
    const blocks = new RingBlocks(kernel.ring, BLOCK_BYTES, [GROUP]);
    const frames = new FrameBatch(64);
    kernel.fill([
      { payload: [1], fragment: true },
      { payload: [2], group: OTHER },
      { payload: [3], keptBytes: 30 },
      { payload: [4] },
    ]);
    blocks.next(frames);
    expect(payloadsOf(frames)).toEqual([[4]]);
    expect(blocks.counters).toMatchObject({ packets: 4, fragments: 1, others: 1, damaged: 1 });
  });
});
