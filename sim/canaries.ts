/**
 * Deliberately broken variants, each a mistake that somebody could make, as edits of the sources: a
 * check that does not catch them all is not worth its time. An edit must match exactly once, so that
 * a canary whose code has moved on is noticed.
 */
export interface Edit {
  /** From the house's root. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

export interface Canary {
  /** What it does, after "edgebook that …". */
  readonly name: string;
  readonly edits: readonly Edit[];
}

const EPOCHS = "streams/epochs.ts";
const ARBITER = "streams/arbiter.ts";

export const CANARIES: readonly Canary[] = [
  {
    name: "forgets a gap of one",
    edits: [
      {
        file: ARBITER,
        find: "    if (at > stream.high + 1) {\n",
        put:
          "    if (at === stream.next + 1 && at === stream.high + 2 && !stream.standing) {\n" +
          "      stream.next = at;\n      stream.high = at - 1;\n    }\n" +
          "    if (at > stream.high + 1) {\n",
      },
    ],
  },
  {
    name: "applies a duplicate",
    edits: [
      {
        file: "streams/fast-path.ts",
        find: "    if (first <= high - size || first + numbers - 1 > high) return false;\n",
        put:
          "    if (first <= high - size || first + numbers - 1 > high) return false;\n" +
          "    if (first % 7 === 0) return false;\n",
      },
      {
        file: ARBITER,
        find: "      else this.repeat(a, number);\n",
        put:
          "      else {\n        const at = a.peek(number);\n        this.out.lieOver(a.bytes, a.view);\n" +
          "        if (at >= 0) {\n          const { offsets, lengths, sec, nsec } = a;\n" +
          "          this.out.message(stream.index, number, offsets[at], lengths[at], sec, nsec, 0);\n" +
          "        }\n      }\n",
      },
    ],
  },
  {
    name: "splices off by one",
    edits: [
      {
        file: "streams/splice.ts",
        find: "    else arbiter.passTo(stream, last);\n",
        put: "    else arbiter.passTo(stream, last + 1);\n",
      },
    ],
  },
  {
    name: "ignores a restart",
    edits: [
      {
        file: EPOCHS,
        find: "  private looksRestarted(stream: Stream, a: Arrival): boolean {\n",
        put:
          "  private looksRestarted(stream: Stream, a: Arrival): boolean {\n" +
          "    if (a.sequence >= 0) return false;\n",
      },
    ],
  },
  {
    name: "applies a trade to one side only",
    edits: [
      {
        file: "book/order-books.ts",
        find: "    if (sell !== 0 && store.holds(",
        put: "    if (sell !== 0 && buy === 0 && store.holds(",
      },
    ],
  },
  {
    name: "lets a spread into the outright book",
    edits: [
      {
        file: "feed/nse/decoder.ts",
        find: "const tokens = isSpread ? this.spreads : this.outrights;",
        put: "const tokens = isSpread ? this.outrights : this.outrights;",
      },
    ],
  },
  {
    name: "trusts a short recovery answer",
    edits: [
      {
        file: ARBITER,
        find: "    stream.gaps.close(index, from, to);\n",
        put: "    stream.gaps.close(index, from, recovered ? gap.to : to);\n",
      },
    ],
  },
  {
    name: "loses every 1000th cancel",
    edits: [
      {
        file: "book/order-books.ts",
        find: "export class OrderBooks implements Books {\n",
        put: "let cancels = 0;\n\nexport class OrderBooks implements Books {\n",
      },
      {
        file: "book/order-books.ts",
        find: "this.recordSlot(Action.Cancel, slot, this.store.openSize(slot));\n    this.store.take(slot);\n  }\n",
        put:
          "this.recordSlot(Action.Cancel, slot, this.store.openSize(slot));\n" +
          "    if (++cancels % 1000 !== 0) this.store.take(slot);\n  }\n",
      },
    ],
  },
  {
    name: "wraps a chunk number",
    edits: [
      {
        file: "collector/core.ts",
        find: "    const number = ++this.number;\n",
        put: "    this.number = (this.number % 50) + 1;\n    const number = this.number;\n",
      },
    ],
  },
  {
    name: "counts a heartbeat as a message",
    edits: [
      {
        file: ARBITER,
        find: "    stream.heartbeats++;\n",
        put:
          "    stream.heartbeats++;\n" +
          "    if (a.sequence === stream.high && stream.next === a.sequence + 1) {\n" +
          "      stream.high++;\n      stream.next++;\n    }\n",
      },
    ],
  },
  {
    name: "takes a 'next' heartbeat for a 'last' one",
    edits: [
      {
        file: "feed/nse/framing.ts",
        find: "out.addPacket(frame, PacketKind.Heartbeat, streamId, 0, last, 0);",
        put: "out.addPacket(frame, PacketKind.Heartbeat, streamId, 0, last + 1, 0);",
      },
    ],
  },
  {
    name: "believes a stale sequence 1",
    edits: [
      {
        file: "streams/fast-path.ts",
        find: "    if (first <= high - size || first + numbers - 1 > high) return false;\n",
        put: "    if (first === 1 || first <= high - size || first + numbers - 1 > high) return false;\n",
      },
      {
        file: EPOCHS,
        find: "else if (this.looksRestarted(stream, a)) this.suspect(stream, SuspectKind.Restart, a);",
        put:
          "else if (a.sequence === 1 && stream.high > 1) " +
          'this.switchEpoch(stream, "restart", new Suspect(SuspectKind.Restart, a, 0), a);',
      },
    ],
  },
  {
    name: "flags every book to be safe",
    edits: [
      {
        file: ARBITER,
        find: "    stream.begun = true;\n",
        put: "    stream.begun = true;\n    stream.flags |= RowFlag.Gap;\n",
      },
    ],
  },
  {
    name: "asks the exchange without a pause",
    edits: [
      {
        file: "streams/recovery.ts",
        find: "this.limits = { ...protocol.limits, ...limits };",
        put: "this.limits = { ...protocol.limits, ...limits, spacingNs: 0 };",
      },
    ],
  },
  {
    name: "does not look at a chunk's checksum",
    edits: [
      {
        file: "frames/chunk.ts",
        find: "if (bodyChecksum(header.version, body) !== header.checksum)",
        put: "if (header.checksum < 0)",
      },
    ],
  },
  {
    name: "keeps the place of an order that grows",
    edits: [
      {
        file: "book/order-books.ts",
        find: "if (keepsPriority && ops.size[at] <= store.openSize(slot))",
        put: "if (keepsPriority)",
      },
    ],
  },
  {
    name: "takes a conflict for a duplicate",
    edits: [
      {
        file: ARBITER,
        find: "if (hashOf(a.view, a.offsets[index], a.lengths[index]) === known) {\n",
        put: "if (known !== 0) {\n",
      },
    ],
  },
];

/** The text with the edit made, or what is wrong with the edit. */
export function edited(
  text: string,
  { file, find, put }: Edit,
): { text: string } | { why: string } {
  const at = text.indexOf(find);
  if (at < 0) return { why: `${file} no longer has: ${find.trim()}` };
  if (text.indexOf(find, at + 1) >= 0) return { why: `${file} has more than once: ${find.trim()}` };
  return { text: text.slice(0, at) + put + text.slice(at + find.length) };
}
