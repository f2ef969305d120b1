/**
 * The instruments' names of one output, each encoded once: rows carry an index, and a writer copies
 * the bytes. Streams share the table, since one name may stand in several.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class NameTable {
  readonly names: string[] = [];
  /** As they are, in UTF-8. */
  readonly plain: Uint8Array[] = [];
  /** As a CSV field. */
  readonly csv: Uint8Array[] = [];
  /** As a JSON string, with its quotes. */
  readonly json: Uint8Array[] = [];
  private readonly byName = new Map<string, number>();
  /** By a hash of the bytes: an index + 1, 0 is free. Four times as many as there are names. */
  private slots = new Int32Array(1024);
  /** Names that stand in `slots`, one behind the other; where each begins, and the last one ends. */
  private slotted = 0;
  private text = new Uint8Array(1024);
  private starts = new Int32Array(257);

  indexOf(name: string): number {
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    const index = this.names.length;
    this.names.push(name);
    this.plain.push(encoder.encode(name));
    this.csv.push(encoder.encode(csvField(name)));
    this.json.push(encoder.encode(JSON.stringify(name)));
    this.byName.set(name, index);
    return index;
  }

  /** Of a name that stands somewhere in bytes: known ones need no string. */
  indexOfBytes(bytes: Uint8Array, from: number, to: number): number {
    if (this.slotted < this.names.length) this.slotAll();
    const mask = this.slots.length - 1;
    for (let at = hashOf(bytes, from, to) & mask; ; at = (at + 1) & mask) {
      const index = this.slots[at] - 1;
      if (index < 0) return this.indexOf(decoder.decode(bytes.subarray(from, to)));
      if (this.isName(index, bytes, from, to)) return index;
    }
  }

  private isName(index: number, bytes: Uint8Array, from: number, to: number): boolean {
    const { text } = this;
    const start = this.starts[index];
    if (this.starts[index + 1] - start !== to - from) return false;
    for (let i = from, at = start; i < to; i++, at++) if (text[at] !== bytes[i]) return false;
    return true;
  }

  private slotAll(): void {
    const { plain } = this;
    let size = this.slots.length;
    while (plain.length * 4 > size) size *= 2;
    if (size > this.slots.length) {
      this.slots = new Int32Array(size);
      this.starts = new Int32Array(size / 4 + 1);
      this.slotted = 0;
    }
    for (; this.slotted < plain.length; this.slotted++) this.slot(this.slotted);
  }

  private slot(index: number): void {
    const { slots, starts } = this;
    const name = this.plain[index];
    const end = starts[index] + name.length;
    if (end > this.text.length) {
      const wider = new Uint8Array(end * 2);
      wider.set(this.text);
      this.text = wider;
    }
    this.text.set(name, starts[index]);
    starts[index + 1] = end;
    const mask = slots.length - 1;
    let at = hashOf(name, 0, name.length) & mask;
    while (slots[at] !== 0) at = (at + 1) & mask;
    slots[at] = index + 1;
  }
}

/** FNV-1a, mixed once more for the low bits. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c_9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at], 0x0100_0193);
  return hash ^ (hash >>> 15);
}

/** Quoted only where it must be (RFC 4180). */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
