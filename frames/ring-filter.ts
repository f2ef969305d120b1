/**
 * The filter that the kernel runs over each packet before it costs the ring any room: a classic BPF
 * program made from the channel table. It lets pass what comes in as UDP over IPv4 to one of the
 * table's addresses and ports, in Ethernet with up to two VLAN tags left in the packet (the kernel
 * takes the outermost one out before), and fragments to one of its addresses, so that they can be
 * counted. What this host sends itself is left out: on the loopback interface it would be seen twice.
 *
 *     M[0] destination address     M[1] destination port, or FRAGMENT     X start of the IP header
 *
 * Addresses, and the ports of an address, stand in binary trees: thirty groups cost five comparisons.
 * Worst case: a table too large for the kernel's limit (beyond some 400 addresses) passes all UDP, and
 * the receiver sorts it out.
 */

/** One instruction as the kernel takes it. */
export interface FilterStep {
  readonly code: number;
  /** Steps to skip when a comparison holds, and when it does not. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** An IPv4 address as an unsigned word, most significant byte first, and a port. */
export interface FilterTarget {
  readonly address: number;
  readonly port: number;
}

/** The kernel takes no longer program. */
export const FILTER_STEPS_LIMIT = 4096;
/** A step as the kernel reads it: u16 code, u8 jt, u8 jf, u32 k. */
export const FILTER_STEP_BYTES = 8;
/** More than the longest packet: what passes is kept whole. */
const WHOLE_PACKET = 0x40000;
/** No port is this high. */
const FRAGMENT = 0x10000;
const UDP = 17;
/** Of `sockaddr_ll`: a packet on its way out. */
const PACKET_OUTGOING = 4;
/** The "address" at which the kernel answers with the packet's type instead of its bytes. */
const PACKET_TYPE_AT = 0xfffff004;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPES_VLAN = [0x8100, 0x88a8, 0x9100];
const ETHERNET_BYTES = 14;
const TAGS_MAX = 2;

/** Instruction codes of classic BPF, as the kernel numbers them. */
export const Op = {
  LoadWordAt: 0x20,
  LoadHalfAt: 0x28,
  LoadWordX: 0x40,
  LoadHalfX: 0x48,
  LoadByteX: 0x50,
  LoadMemory: 0x60,
  LoadNumber: 0x00,
  XNumber: 0x01,
  Store: 0x02,
  And: 0x54,
  ShiftLeft: 0x64,
  AddX: 0x0c,
  ToX: 0x07,
  Jump: 0x05,
  IfEqual: 0x15,
  IfAtLeast: 0x35,
  IfAnyBit: 0x45,
  Return: 0x06,
} as const;

/** The program for these targets; all UDP passes if they are too many. */
export function ringFilter(targets: readonly FilterTarget[]): FilterStep[] {
  const exact = [...head(), ...addressTree(byAddress(targets))];
  return exact.length <= FILTER_STEPS_LIMIT ? exact : [...head(), verdict(true)];
}

/** The program's bytes, little-endian. */
export function filterBytes(steps: readonly FilterStep[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(steps.length * FILTER_STEP_BYTES);
  const view = new DataView(bytes.buffer);
  steps.forEach(({ code, jt, jf, k }, i) => {
    view.setUint16(i * FILTER_STEP_BYTES, code, true);
    view.setUint8(i * FILTER_STEP_BYTES + 2, jt);
    view.setUint8(i * FILTER_STEP_BYTES + 3, jf);
    view.setUint32(i * FILTER_STEP_BYTES + 4, k, true);
  });
  return bytes;
}

function step(code: number, k: number, jt = 0, jf = 0): FilterStep {
  return { code, jt, jf, k };
}

function verdict(passes: boolean): FilterStep {
  return step(Op.Return, passes ? WHOLE_PACKET : 0);
}

/** Turns away what is no UDP datagram coming in, then puts address and port into the memory. */
function head(): FilterStep[] {
  return [
    step(Op.LoadWordAt, PACKET_TYPE_AT),
    step(Op.IfEqual, PACKET_OUTGOING, 0, 1),
    verdict(false),
    ...ipHeaderIntoX(),
    step(Op.LoadByteX, 9),
    step(Op.IfEqual, UDP, 1, 0),
    verdict(false),
    step(Op.LoadWordX, 16),
    step(Op.Store, 0),
    step(Op.LoadHalfX, 6),
    step(Op.IfAnyBit, 0x3fff, 0, 2),
    step(Op.LoadNumber, FRAGMENT),
    step(Op.Jump, 6),
    // The UDP header begins where the IP header ends: its length is four times its lowest bits.
    step(Op.LoadByteX, 0),
    step(Op.And, 15),
    step(Op.ShiftLeft, 2),
    step(Op.AddX, 0),
    step(Op.ToX, 0),
    step(Op.LoadHalfX, 2),
    step(Op.Store, 1),
  ];
}

/** Sets X behind the Ethernet header and its tags; returns "no" for what is not IPv4. */
function ipHeaderIntoX(): FilterStep[] {
  const steps: FilterStep[] = [];
  const depthSteps = 4 + ETHERTYPES_VLAN.length + 1;
  for (let tags = 0; tags <= TAGS_MAX; tags++) {
    const left = TAGS_MAX - tags;
    steps.push(
      step(Op.LoadHalfAt, 12 + 4 * tags),
      step(Op.IfEqual, ETHERTYPE_IPV4, 0, 2),
      step(Op.XNumber, ETHERNET_BYTES + 4 * tags),
      // Over the rest of this depth, and over those that follow.
      step(Op.Jump, ETHERTYPES_VLAN.length + 1 + left * depthSteps),
    );
    ETHERTYPES_VLAN.forEach((type, i) => {
      const more = ETHERTYPES_VLAN.length - i;
      steps.push(left > 0 ? step(Op.IfEqual, type, more, 0) : verdict(false));
    });
    steps.push(verdict(false));
  }
  return steps;
}

function byAddress(targets: readonly FilterTarget[]): [address: number, ports: number[]][] {
  const ports = new Map<number, Set<number>>();
  for (const { address, port } of targets) {
    const known = ports.get(address) ?? new Set();
    ports.set(address, known.add(port));
  }
  const sorted = [...ports].sort(([a], [b]) => a - b);
  return sorted.map(([address, set]) => [address, [...set].sort((a, b) => a - b)]);
}

function addressTree(entries: readonly [address: number, ports: readonly number[]][]) {
  const leaf = ([address, ports]: readonly [number, readonly number[]]): FilterStep[] => [
    step(Op.IfEqual, address, 1, 0),
    verdict(false),
    step(Op.LoadMemory, 1),
    step(Op.IfEqual, FRAGMENT, 0, 1),
    verdict(true),
    ...tree(ports, (port) => port, portLeaf),
  ];
  if (entries.length === 0) return [verdict(false)];
  return [step(Op.LoadMemory, 0), ...tree(entries, ([address]) => address, leaf)];
}

function portLeaf(port: number): FilterStep[] {
  return [step(Op.IfEqual, port, 0, 1), verdict(true), verdict(false)];
}

/** The steps that find the entry that A may be, by halves; every branch ends with a verdict. */
function tree<T>(
  entries: readonly T[],
  keyOf: (entry: T) => number,
  leaf: (entry: T) => FilterStep[],
): FilterStep[] {
  if (entries.length === 1) return leaf(entries[0]);
  const middle = entries.length >> 1;
  const low = tree(entries.slice(0, middle), keyOf, leaf);
  const high = tree(entries.slice(middle), keyOf, leaf);
  // A conditional jump reaches 255 steps, a plain one any distance.
  return [
    step(Op.IfAtLeast, keyOf(entries[middle]), 0, 1),
    step(Op.Jump, low.length),
    ...low,
    ...high,
  ];
}
