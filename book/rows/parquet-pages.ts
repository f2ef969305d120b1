/**
 * From the cells of a column to its pages in the file: a dictionary where values repeat, deltas where
 * they lie close, plain words otherwise; then packed, where it makes them smaller. One data page a
 * column and row group. Page headers and the file's end are `hyparquet-writer`'s.
 *
 * Assumes a machine that keeps the low byte first, as Parquet does and every one that Bun runs on.
 */
import type { ColumnChunk, Encoding, SchemaElement } from "hyparquet";
import type { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { BitWriter, bitWidth } from "./parquet-bits.ts";
import { type Cells, StringCells, type WordCells } from "./parquet-cells.ts";
import { WordDictionary } from "./parquet-dictionary.ts";

/** Bodies shorter than this are not worth a try at compressing. */
const LEAST_COMPRESSED = 64;

interface Pages {
  readonly encoding: Encoding;
  readonly body: Uint8Array;
  /** Plain values, where the body is places in them. */
  readonly dictionary?: { readonly count: number; readonly body: Uint8Array };
  /** Packed tightly already. */
  readonly dense: boolean;
  readonly least?: bigint | Uint8Array;
  readonly greatest?: bigint | Uint8Array;
}

/** What packs pages: Snappy, which every reader has, or one that comes from outside. */
export interface PagePacker {
  readonly codec: "SNAPPY" | "ZSTD";
  /** What it gives need only last until it is called again. */
  readonly compress: (bytes: Uint8Array) => Uint8Array;
}

const SNAPPY: PagePacker = { codec: "SNAPPY", compress: snappyCompress };

/** Writes column chunks; its buffers are reused from one to the next. */
export class ColumnPages {
  private readonly levels: BitWriter;
  private readonly bits: BitWriter;
  private readonly dictionary: WordDictionary;
  private readonly packer: PagePacker;

  /** @param rows of a row group, at most */
  constructor(rows: number, packer = SNAPPY) {
    this.packer = packer;
    this.levels = new BitWriter((rows >> 1) + 1024);
    this.bits = new BitWriter(rows * 10 + 1024);
    this.dictionary = new WordDictionary(rows);
  }

  write(out: ByteWriter, element: SchemaElement, cells: Cells): ColumnChunk {
    const start = out.offset;
    const pages =
      cells instanceof StringCells
        ? this.stringPages(cells)
        : this.wordPages(cells as WordCells, element.converted_type === "UINT_64");
    const { dictionary } = pages;
    let unpacked = 0;
    if (dictionary) {
      const { count, body } = dictionary;
      unpacked += writeDictionaryPage(out, count, body, this.packer.compress(body));
    }
    const dataStart = out.offset;
    unpacked += this.writeDataPage(out, cells, pages);
    return {
      file_offset: BigInt(start),
      meta_data: {
        type: element.type ?? "INT64",
        encodings: dictionary ? ["PLAIN", pages.encoding] : [pages.encoding],
        path_in_schema: [element.name],
        codec: this.packer.codec,
        num_values: BigInt(cells.rows),
        total_compressed_size: BigInt(out.offset - start),
        total_uncompressed_size: BigInt(unpacked),
        data_page_offset: BigInt(dataStart),
        ...(dictionary && { dictionary_page_offset: BigInt(start) }),
        statistics: {
          null_count: BigInt(cells.rows - cells.count),
          ...(pages.least !== undefined && { min_value: pages.least }),
          ...(pages.greatest !== undefined && { max_value: pages.greatest }),
        },
      },
    };
  }

  private wordPages({ words, count }: WordCells, unsigned: boolean): Pages {
    const { bits, dictionary } = this;
    bits.clear();
    const isRepeating = dictionary.build(words, count);
    const distinct = isRepeating ? dictionary.count : count;
    const bounds = boundsOf(isRepeating ? dictionary.words : words, distinct, unsigned);
    if (isRepeating) {
      this.placesBody(dictionary.places, count, distinct);
      const body = bytesOf(dictionary.words, distinct);
      const isPlain = { encoding: "RLE_DICTIONARY", body: bits.written(), dense: false } as const;
      return { ...isPlain, dictionary: { count: distinct, body }, ...bounds };
    }
    if (count > 1 && bits.deltaPacked(words, count)) {
      return { encoding: "DELTA_BINARY_PACKED", body: bits.written(), dense: true, ...bounds };
    }
    return { encoding: "PLAIN", body: bytesOf(words, count), dense: false, ...bounds };
  }

  private stringPages({ places, dictionary, count }: StringCells): Pages {
    const bounds = textBounds(dictionary);
    if (dictionary.length * 2 >= count) {
      const strings = Array.from(places.subarray(0, count), (place) => dictionary[place]);
      return { encoding: "PLAIN", body: plainStrings(strings), dense: false, ...bounds };
    }
    this.bits.clear();
    this.placesBody(places, count, dictionary.length);
    const plain = { count: dictionary.length, body: plainStrings(dictionary) };
    const body = this.bits.written();
    return { encoding: "RLE_DICTIONARY", body, dense: false, dictionary: plain, ...bounds };
  }

  /** Width of a place in a byte, then the places. */
  private placesBody(places: Int32Array, count: number, distinct: number): void {
    const width = bitWidth(Math.max(0, distinct - 1));
    this.bits.bytes[this.bits.at++] = width;
    this.bits.hybrid(places, count, width);
  }

  private writeDataPage(out: ByteWriter, cells: Cells, { encoding, body, dense }: Pages): number {
    const { levels } = this;
    levels.clear();
    levels.hybrid(cells.levels, cells.rows, 1);
    const packed = dense || body.length < LEAST_COMPRESSED ? body : this.packer.compress(body);
    const isSmaller = packed.length < body.length;
    const stored = isSmaller ? packed : body;
    const headerStart = out.offset;
    writePageHeader(out, {
      type: "DATA_PAGE_V2",
      uncompressed_page_size: levels.at + body.length,
      compressed_page_size: levels.at + stored.length,
      data_page_header_v2: {
        num_values: cells.rows,
        num_nulls: cells.rows - cells.count,
        num_rows: cells.rows,
        encoding,
        definition_levels_byte_length: levels.at,
        repetition_levels_byte_length: 0,
        is_compressed: isSmaller,
      },
    });
    const header = out.offset - headerStart;
    out.appendBytes(levels.written());
    out.appendBytes(stored);
    return header + levels.at + body.length;
  }
}

/** @returns bytes of header and unpacked body */
function writeDictionaryPage(
  out: ByteWriter,
  count: number,
  body: Uint8Array,
  packed: Uint8Array,
): number {
  const headerStart = out.offset;
  writePageHeader(out, {
    type: "DICTIONARY_PAGE",
    uncompressed_page_size: body.length,
    compressed_page_size: packed.length,
    dictionary_page_header: { num_values: count, encoding: "PLAIN" },
  });
  const header = out.offset - headerStart;
  out.appendBytes(packed);
  return header + body.length;
}

function bytesOf(words: Int32Array, count: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, count * 8);
}

function plainStrings(strings: readonly Uint8Array[]): Uint8Array {
  const size = strings.reduce((total, { length }) => total + 4 + length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const string of strings) {
    view.setUint32(at, string.length, true);
    bytes.set(string, at + 4);
    at += 4 + string.length;
  }
  return bytes;
}

interface Bounds {
  readonly least?: bigint | Uint8Array;
  readonly greatest?: bigint | Uint8Array;
}

function boundsOf(words: Int32Array, count: number, unsigned: boolean): Bounds {
  if (count === 0) return {};
  // The sign bit turned over puts unsigned words in the order of signed ones.
  const turn = unsigned ? 0x8000_0000 | 0 : 0;
  let least = 0;
  let greatest = 0;
  for (let at = 2; at < count * 2; at += 2) {
    const high = words[at + 1] ^ turn;
    const low = words[at] >>> 0;
    const leastHigh = words[least + 1] ^ turn;
    const greatestHigh = words[greatest + 1] ^ turn;
    if (high < leastHigh || (high === leastHigh && low < words[least] >>> 0)) least = at;
    if (high > greatestHigh || (high === greatestHigh && low > words[greatest] >>> 0))
      greatest = at;
  }
  return { least: bigAt(words, least, unsigned), greatest: bigAt(words, greatest, unsigned) };
}

function bigAt(words: Int32Array, at: number, unsigned: boolean): bigint {
  const value = (BigInt(words[at + 1]) << 32n) | BigInt(words[at] >>> 0);
  return unsigned ? BigInt.asUintN(64, value) : value;
}

function textBounds(strings: readonly Uint8Array[]): Bounds {
  if (strings.length === 0) return {};
  let least = strings[0];
  let greatest = strings[0];
  for (const string of strings) {
    if (compareBytes(string, least) < 0) least = string;
    if (compareBytes(string, greatest) > 0) greatest = string;
  }
  return { least, greatest };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
