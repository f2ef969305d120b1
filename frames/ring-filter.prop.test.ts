/** The filter, run as the kernel runs it, lets pass the table's datagrams and nothing else. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  FILTER_STEPS_LIMIT,
  type FilterStep,
  type FilterTarget,
  filterBytes,
  Op,
  ringFilter,
} from "./ring-filter.ts";

const PACKET_MULTICAST = 2;
const PACKET_OUTGOING = 4;

interface Packet {
  readonly address: number;
  readonly port: number;
  readonly tags: readonly number[];
  readonly protocol: number;
  /** Flags and offset of a fragment. */
  readonly fragment: number;
  readonly optionWords: number;
  readonly type: number;
  readonly etherType: number;
}

/** What the kernel would do: the bytes kept, 0 for a packet turned away. */
function filtered(program: readonly FilterStep[], packet: Uint8Array, type: number): number {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const memory = [0, 0];
  let a = 0;
  let x = 0;
  for (let at = 0, steps = 0; steps < FILTER_STEPS_LIMIT; steps++, at++) {
    const { code, jt, jf, k } = program[at];
    const from = [Op.LoadWordX, Op.LoadHalfX, Op.LoadByteX].some((op) => op === code) ? x + k : k;
    const width = { 32: 4, 64: 4, 40: 2, 72: 2, 80: 1 }[code] ?? 0;
    if (width > 0 && from < 0xfffff000 && from + width > packet.length) return 0;
    const branch = (holds: boolean) => {
      at += holds ? jt : jf;
    };
    switch (code) {
      case Op.LoadWordAt:
        a = k === 0xfffff004 ? type : view.getUint32(from);
        break;
      case Op.LoadWordX:
        a = view.getUint32(from);
        break;
      case Op.LoadHalfAt:
      case Op.LoadHalfX:
        a = view.getUint16(from);
        break;
      case Op.LoadByteX:
        a = view.getUint8(from);
        break;
      case Op.LoadMemory:
        a = memory[k];
        break;
      case Op.LoadNumber:
        a = k;
        break;
      case Op.XNumber:
        x = k;
        break;
      case Op.Store:
        memory[k] = a;
        break;
      case Op.And:
        a = (a & k) >>> 0;
        break;
      case Op.ShiftLeft:
        a = (a << k) >>> 0;
        break;
      case Op.AddX:
        a = (a + x) >>> 0;
        break;
      case Op.ToX:
        x = a;
        break;
      case Op.Jump:
        at += k;
        break;
      case Op.IfEqual:
        branch(a === k);
        break;
      case Op.IfAtLeast:
        branch(a >= k);
        break;
      case Op.IfAnyBit:
        branch((a & k) !== 0);
        break;
      case Op.Return:
        return k;
      default:
        throw new Error(`no such instruction: ${code}`);
    }
  }
  throw new Error("the program does not end");
}

function bytesOf(packet: Packet): Uint8Array {
  const ip = 14 + packet.tags.length * 4;
  const udp = ip + 20 + packet.optionWords * 4;
  const bytes = new Uint8Array(udp + 8 + 4);
  const view = new DataView(bytes.buffer);
  packet.tags.forEach((tag, i) => {
    view.setUint16(12 + i * 4, tag);
  });
  view.setUint16(ip - 2, packet.etherType);
  view.setUint8(ip, 0x45 + packet.optionWords);
  view.setUint16(ip + 6, packet.fragment);
  view.setUint8(ip + 9, packet.protocol);
  view.setUint32(ip + 16, packet.address);
  view.setUint16(udp + 2, packet.port);
  return bytes;
}

/** What the module's head promises. */
function wanted(targets: readonly FilterTarget[], packet: Packet): boolean {
  if (packet.type === PACKET_OUTGOING) return false;
  if (packet.etherType !== 0x0800 || packet.protocol !== 17) return false;
  const ofAddress = targets.filter(({ address }) => address === packet.address);
  if ((packet.fragment & 0x3fff) !== 0) return ofAddress.length > 0;
  return ofAddress.some(({ port }) => port === packet.port);
}

/** Few addresses and ports, high ones too, so that they meet. */
const address = fc.oneof(
  fc.integer({ min: 0xefff0001, max: 0xefff0010 }),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const port = fc.oneof(fc.integer({ min: 9998, max: 10_003 }), fc.integer({ min: 0, max: 65_535 }));
const target: fc.Arbitrary<FilterTarget> = fc.record({ address, port });
const mostly = <T>(usual: T, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
const packet: fc.Arbitrary<Packet> = fc.record({
  address,
  port,
  tags: fc.array(fc.constantFrom(0x8100, 0x88a8, 0x9100), { maxLength: 2 }),
  protocol: mostly(17, fc.integer({ min: 0, max: 255 })),
  fragment: mostly(0x4000, fc.integer({ min: 0, max: 0xffff })),
  optionWords: fc.integer({ min: 0, max: 10 }),
  type: mostly(PACKET_MULTICAST, fc.integer({ min: 0, max: 4 })),
  etherType: mostly(0x0800, fc.constantFrom(0x86dd, 0x0806, 0x0800)),
});

describe("the ring's filter", () => {
  test("passes exactly the table's datagrams, and fragments to its addresses", () => {
    fc.assert(
      fc.property(
        fc.array(target, { maxLength: 40 }),
        fc.array(packet, { minLength: 1, maxLength: 20 }),
        (targets, packets) => {
          const program = ringFilter(targets);
          const aimed = packets.flatMap((one, i) => {
            const to = targets[i % Math.max(1, targets.length)];
            return to === undefined ? [one] : [one, { ...one, ...to }];
          });
          for (const one of aimed) {
            const passes = filtered(program, bytesOf(one), one.type) !== 0;
            expect(passes).toBe(wanted(targets, one));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test("turns away any packet that ends before its UDP header", () => {
    const to = { address: 0xefff0001, port: 10_000 };
    const whole = bytesOf({
      ...{ ...to, tags: [0x8100], protocol: 17, fragment: 0, optionWords: 1 },
      ...{ type: PACKET_MULTICAST, etherType: 0x0800 },
    });
    const program = ringFilter([to]);
    expect(filtered(program, whole, PACKET_MULTICAST)).toBeGreaterThan(65_535);
    for (let length = 0; length < whole.length - 8; length++) {
      expect(filtered(program, whole.subarray(0, length), PACKET_MULTICAST)).toBe(0);
    }
  });

  test("of a table too large for the kernel still fits, and passes all UDP", () => {
    const targets = Array.from({ length: 5000 }, (_, i) => ({ address: 0xef000000 + i, port: i }));
    const program = ringFilter(targets);
    expect(program.length).toBeLessThanOrEqual(FILTER_STEPS_LIMIT);
    for (const to of [...targets.slice(-5), { address: 1, port: 1 }]) {
      const datagram = bytesOf({
        ...{ ...to, tags: [], protocol: 17, fragment: 0, optionWords: 0 },
        ...{ type: PACKET_MULTICAST, etherType: 0x0800 },
      });
      expect(filtered(program, datagram, PACKET_MULTICAST)).toBeGreaterThan(0);
    }
  });

  test("of four hundred addresses is still exact", () => {
    const targets = Array.from({ length: 400 }, (_, i) => ({
      address: 0xef000000 + i,
      port: 7000,
    }));
    const program = ringFilter(targets);
    expect(program.length).toBeLessThan(FILTER_STEPS_LIMIT);
    expect(filterBytes(program).length).toBe(program.length * 8);
    const other = bytesOf({
      ...{ address: 0xef000000 + 400, port: 7000, tags: [], protocol: 17, fragment: 0 },
      ...{ optionWords: 0, type: PACKET_MULTICAST, etherType: 0x0800 },
    });
    expect(filtered(program, other, PACKET_MULTICAST)).toBe(0);
  });
});
