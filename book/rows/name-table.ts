/**
 * The instruments' names of one output, each encoded once: rows carry an index, and a writer copies
 * the bytes. Streams share the table, since one name may stand in several.
 */
const encoder = new TextEncoder();

export class NameTable {
  readonly names: string[] = [];
  /** As a CSV field. */
  readonly csv: Uint8Array[] = [];
  /** As a JSON string, with its quotes. */
  readonly json: Uint8Array[] = [];
  private readonly byName = new Map<string, number>();

  indexOf(name: string): number {
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    const index = this.names.length;
    this.names.push(name);
    this.csv.push(encoder.encode(csvField(name)));
    this.json.push(encoder.encode(JSON.stringify(name)));
    this.byName.set(name, index);
    return index;
  }
}

/** Quoted only where it must be (RFC 4180). */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
