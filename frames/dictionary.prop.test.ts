/** Dictionaries: who may come in, that any frames come back, and that a wrong one is never used. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { forgedChunk } from "../tests/chunk-forge.ts";
import { smallMarket } from "../tests/small-market.ts";
import { Channels } from "./channels.ts";
import { ChunkFault, ChunkPacker, ChunkUnpacker } from "./chunk.ts";
import {
  DICTIONARIES_LIMIT,
  DICTIONARY_BYTES_LIMIT,
  Dictionaries,
  type Dictionary,
} from "./dictionary.ts";
import { SHIPPED_FEEDS, shippedDictionary } from "./dictionary-shipped.ts";
import { builtinZstd, nativeZstd } from "./zstd.ts";
import type { Zstd } from "./zstd-port.ts";

const makers = [builtinZstd, nativeZstd].filter((make) => make() !== undefined);
const implementations = (): Zstd[] => makers.map((make) => make() as Zstd);
const FO = shippedDictionary("nse-fo") as Uint8Array;

/** A sound dictionary of another content: its last bytes are what messages are likely to hold. */
function variant(at: number): Uint8Array {
  const bytes = new Uint8Array(FO);
  new DataView(bytes.buffer).setUint32(bytes.length - 8, at);
  return bytes;
}

function made(zstd: Zstd, bytes: Uint8Array): Dictionary {
  const dictionary = zstd.dictionaries.of("nse-fo", bytes);
  if (typeof dictionary === "string") throw new Error(dictionary);
  return dictionary;
}

function packedBy(zstd: Zstd, raw: Uint8Array, dictionary: Dictionary): Uint8Array {
  if (zstd.compressBy === undefined) throw new Error("it packs by no dictionary");
  return zstd.compressBy(raw, dictionary).slice();
}

describe("a small body", () => {
  const market = smallMarket({ frames: 200 });

  test("comes back byte for byte, whoever packs and whoever unpacks, and the zstd tool reads it", () => {
    const all = implementations();
    for (const packing of all) {
      const chunks = market.chunks(packing, 20);
      expect(chunks.every(({ header }) => header.dictionary.startsWith("nse-fo-"))).toBe(true);
      for (const unpacking of all) {
        expect(market.unpacked(chunks, unpacking)).toEqual(market.expected());
      }
    }
  });

  test("of any bytes comes back too, by a dictionary or not", () => {
    const all = implementations();
    const dictionaries = all.map((zstd) => made(zstd, FO));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(1), fc.nat(1), (raw, a, b) => {
        const [from, to] = [a % all.length, b % all.length];
        const packed = packedBy(all[from], raw, dictionaries[from]);
        const back = all[to].decompress(packed, raw.length, undefined, dictionaries[to]);
        expect(back).toEqual(new Uint8Array(raw));
        // What was packed without one is read with one.
        const plain = all[from].compress(raw).slice();
        expect(all[to].decompress(plain, raw.length, undefined, dictionaries[to])).toEqual(
          new Uint8Array(raw),
        );
      }),
    );
  });

  test("is smaller by a dictionary, and a large one has none", () => {
    for (const zstd of implementations()) {
      const bytes = (n: number) =>
        market.chunks(zstd, n).reduce((sum, { header }) => sum + header.bodyBytes, 0);
      const by = bytes(25);
      zstd.dictionaries.choose({ isOff: true, preferred: [] });
      expect(by).toBeLessThan(0.88 * bytes(25));
      zstd.dictionaries.choose({ isOff: false, preferred: [] });
      const [large] = smallMarket({ frames: 2000 }).chunks(zstd, 2000);
      expect(large.header).toMatchObject({ dictionary: "", codec: "columns" });
    }
  });

  test("names the dictionary that is not here", () => {
    for (const zstd of implementations()) {
      const own = made(zstd, variant(7));
      zstd.dictionaries.choose({ isOff: false, preferred: [own] });
      const [{ bytes, header }] = market.chunks(zstd, 20);
      expect(header.dictionary).toBe(own.name);
      for (const other of implementations()) {
        const unpacker = new ChunkUnpacker(new Channels(), other);
        expect(unpacker.unpack(bytes)).toMatchObject({
          code: "missing_dictionary",
          detail: own.name,
        });
        expect(other.dictionaries.learn(own.name, own.bytes)).toMatchObject({ name: own.name });
        expect(unpacker.unpack(bytes)).not.toBeInstanceOf(ChunkFault);
      }
    }
  });
});

describe("canary: a wrong dictionary", () => {
  test("never gives wrong frames", () => {
    const market = smallMarket({ frames: 40 });
    for (const zstd of implementations()) {
      const [{ bytes }] = market.chunks(zstd, 20);
      for (const feed of SHIPPED_FEEDS.filter((id) => id !== "nse-fo")) {
        const other = zstd.dictionaries.forFeed(feed) as Dictionary;
        const unpacker = new ChunkUnpacker(new Channels(), zstd);
        const named = { dictionary: other.name };
        expect(unpacker.unpack(forgedChunk(bytes, named))).toMatchObject({ code: "bad_header" });
        const unpacked = unpacker.unpack(forgedChunk(bytes, { ...named, feed }));
        expect(unpacked).toMatchObject({ code: "bad_body" });
      }
    }
  });

  test("does not get in under another's name; past that check it would give wrong bytes", () => {
    let wrong = 0;
    for (const zstd of implementations()) {
      const own = made(zstd, FO);
      const other = { ...own, bytes: scrambled(FO) };
      for (const reader of implementations()) {
        expect(reader.dictionaries.learn(variantName(reader), FO)).toContain("not what its name");
        expect(reader.dictionaries.learn(variantName(reader), other.bytes)).toContain("not what");
        const raw = FO.subarray(4000, 4600);
        const packed = packedBy(zstd, raw, own);
        const back = reader.decompress(packed, raw.length, undefined, other);
        if (back !== null && Buffer.compare(back, raw) !== 0) wrong++;
      }
    }
    // The canary sings: zstd by itself notices nothing of a dictionary with the same number.
    expect(wrong).toBe(makers.length ** 2);
  });
});

const variantName = (zstd: Zstd) => made(zstd, variant(1)).name;

/** The same tables and number, another content. */
function scrambled(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const other = Uint8Array.from(bytes);
  for (let at = 1024; at < other.length - 64; at++) other[at] ^= 0x55;
  return other;
}

describe("the registry", () => {
  test("refuses what is none, with a reason and no exception", () => {
    for (const { dictionaries } of implementations()) {
      const name = "nse-fo-0011223344556677";
      const large = new Uint8Array(DICTIONARY_BYTES_LIMIT + 1);
      large.set(FO);
      expect(dictionaries.learn(name, large)).toContain("are the most");
      expect(dictionaries.learn(name, new Uint8Array(0))).toContain("no trained zstd dictionary");
      expect(dictionaries.learn(name, FO.slice(4))).toContain("no trained zstd dictionary");
      expect(dictionaries.learn(name, FO)).toContain("not what its name says");
      expect(dictionaries.learn("../../etc/passwd", FO)).toContain("no name of a dictionary");
      const torn = FO.slice(0, 40);
      expect(dictionaries.of("nse-fo", torn)).toBe("zstd cannot read it");
      expect(dictionaries.of("NSE FO/..", FO)).toContain("is no feed");
      expect(dictionaries.get(name)).toBeUndefined();
      expect(dictionaries.learned).toEqual([]);
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 400 }), (rest) => {
          const bytes = Buffer.concat([FO.subarray(0, 8), rest]);
          const found = dictionaries.of("nse-fo", bytes);
          expect(typeof found === "string" || found.bytes.length === bytes.length).toBe(true);
        }),
      );
    }
  });

  test("asks zstd for nothing before the name is right, and keeps nothing of feeds without one", () => {
    let loaded = 0;
    const asked: string[] = [];
    const registry = new Dictionaries({
      hash: (bytes) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex"),
      loads: () => ++loaded > 0,
      shipped(feed) {
        asked.push(feed);
        return feed === "nse-fo" ? FO : undefined;
      },
    });
    const { name } = made(implementations()[0], variant(1));
    expect(registry.learn("nse-cm-0011223344556677", variant(1))).toContain("not what its name");
    expect(registry.learn("nse-cm-0011223344556677", variant(1))).toContain("not what its name");
    expect(registry.learn("ours-0011223344556677", variant(1))).toContain("not what its name");
    expect(loaded).toBe(0);
    // A feed that has none is looked up anew: nothing is kept of it.
    expect(asked).toEqual(["nse-cm", "nse-cm", "ours"]);
    expect(registry.learn(name, variant(1))).toMatchObject({ name });
    for (let i = 0; i < 3; i++) expect(registry.forFeed("nse-fo")).toBe(registry.forFeed("nse-fo"));
    expect([loaded, asked.filter((feed) => feed === "nse-fo").length]).toEqual([1, 1]);
  });

  test("one that zstd cannot read, under its right name, unpacks nothing and throws nothing", () => {
    for (const zstd of implementations()) {
      const torn = FO.slice(0, 40);
      const hash = new Bun.CryptoHasher("sha256").update(torn).digest("hex");
      const learned = zstd.dictionaries.learn(`nse-fo-${hash.slice(0, 16)}`, torn);
      if (typeof learned === "string") throw new Error(learned);
      const packed = packedBy(zstd, FO.subarray(4000, 4600), made(zstd, FO));
      expect(zstd.decompress(packed, 600, undefined, learned)).toBeNull();
    }
  });

  test("holds so many, and forgets what was not used for longest", () => {
    for (const zstd of implementations()) {
      const { dictionaries } = zstd;
      const brought = Array.from({ length: DICTIONARIES_LIMIT + 5 }, (_, at) => {
        const each = made(zstd, variant(at));
        expect(dictionaries.learn(each.name, each.bytes)).toMatchObject({ name: each.name });
        if (at > 0) expect(dictionaries.get("nse-fo-0000000000000000")).toBeUndefined();
        return each.name;
      });
      // The first one was used again and again? No: so it is gone, and the last are there.
      expect(dictionaries.get(brought[0])).toBeUndefined();
      expect(dictionaries.get(brought.at(-1) as string)).toBeDefined();
      expect(dictionaries.learned).toHaveLength(DICTIONARIES_LIMIT);
      // Shipped ones are never forgotten.
      expect(dictionaries.forFeed("nse-fo")).toBeDefined();
    }
  });

  test("has a sound dictionary for each feed that the simulator speaks, the same for all", () => {
    for (const feed of SHIPPED_FEEDS) {
      const names = implementations().map(({ dictionaries }) => dictionaries.forFeed(feed)?.name);
      expect(new Set(names).size).toBe(1);
      expect(names[0]).toStartWith(`${feed}-`);
    }
  });
});

test("packing by a preferred dictionary and by none is as it was chosen", () => {
  const market = smallMarket({ frames: 40 });
  for (const zstd of implementations()) {
    const own = made(zstd, variant(3));
    const named = () => new Set(market.chunks(zstd, 20).map(({ header }) => header.dictionary));
    const shipped = named();
    zstd.dictionaries.choose({ isOff: false, preferred: [own] });
    expect(named()).toEqual(new Set([own.name]));
    zstd.dictionaries.choose({ isOff: true, preferred: [own] });
    expect(named()).toEqual(new Set([""]));
    zstd.dictionaries.choose({ isOff: false, preferred: [] });
    expect(named()).toEqual(shipped);
    expect(new ChunkPacker(new Channels(), zstd)).toBeDefined();
  }
});
