/** The header in its bytes: exact, smaller than with names, refused with the right reason, and of old. */
import { describe, expect, test } from "bun:test";
import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { Channels } from "./channels.ts";
import {
  CHUNK_PREFIX_BYTES,
  ChunkFault,
  ChunkUnpacker,
  joinChunk,
  readChunkHeader,
} from "./chunk.ts";
import { CHUNK_CODECS, CHUNK_KINDS, type ChunkHeader, CLOCK_SOURCES } from "./chunk-header.ts";
import { encodeHeader } from "./chunk-header-array.ts";
import { checkHeader } from "./chunk-header-check.ts";
import { isSoundMsgpack } from "./msgpack-walk.ts";
import { openZstd } from "./zstd.ts";

const count = fc.nat(Number.MAX_SAFE_INTEGER);
const word = fc.nat(0xffffffff);
const text = fc.string({ maxLength: 20 });
const aPlace = fc.record({ offset: fc.nat(0xffff), width: fc.constantFrom(1, 2, 4, 8) });
const aChannel = fc.record(
  {
    ...{ group: text, port: fc.nat(0xffff), feed: fc.constantFrom("", "nse-fo", "iex-deep") },
    ...{ stream: fc.nat(99), line: fc.integer({ min: -1, max: 255 }) },
    sequenceField: fc
      .tuple(aPlace, fc.boolean(), fc.option(aPlace, { nil: undefined }))
      .map(([place, littleEndian, counted]) => ({
        ...{ ...place, littleEndian },
        ...(counted === undefined ? {} : { count: counted }),
      })),
  },
  { requiredKeys: ["group", "port", "feed", "stream", "line"] },
);
const hash = fc.nat(0xffff).map((seed) => seed.toString(16).padStart(16, "0"));
const OPTIONAL = ["clockDoubtNs", "repairs", "snapshot", "former", "command"] as const;

const aHeader: fc.Arbitrary<ChunkHeader> = fc
  .record(
    {
      version: fc.constant(3),
      kind: fc.constantFrom(...CHUNK_KINDS),
      ...{ collector: text, boot: count, number: count, previous: count, oldest: count },
      ...{ feed: fc.constantFrom("nse-fo", "iex-deep", ""), stream: fc.nat(0x7fffffff) },
      ...{ session: text, firstSequence: count, lastSequence: count },
      ...{ firstSec: word, firstNsec: word, lastSec: word, lastNsec: word },
      clock: fc.constantFrom(...CLOCK_SOURCES),
      channels: fc.array(aChannel, { maxLength: 4 }),
      frames: fc.nat(1 << 16),
      codec: fc.constantFrom(...CHUNK_CODECS),
      dictionary: fc.oneof(fc.constant(""), hash),
      ...{ rawBytes: fc.nat(8 << 20), bodyBytes: fc.nat(1 << 20), checksum: word },
      runs: fc
        .array(fc.tuple(fc.nat(3), count, count), { maxLength: 3 })
        .map((runs) => runs.flat()),
      ...{ copies: count, runsDropped: count, clockDoubtNs: count, command: text },
      repairs: fc.record({ ticksNs: count, snapshotNs: count }),
      snapshot: fc.record({ part: count, parts: count, orders: count }),
      former: fc.record({ boot: count, oldest: count, newest: count }),
    },
    { noNullPrototype: true },
  )
  .chain((header) =>
    fc.subarray([...OPTIONAL]).map((left) => {
      const names = Object.entries(header).filter(([name]) => !left.some((each) => each === name));
      const { feed, dictionary } = header;
      const named = feed === "" || dictionary === "" ? "" : `${feed}-${dictionary}`;
      return { ...Object.fromEntries(names), dictionary: named } as unknown as ChunkHeader;
    }),
  );

/** A chunk with this header and no body. */
function chunkOf(head: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CHUNK_PREFIX_BYTES + head.length);
  joinChunk(head, new Uint8Array(0), bytes);
  return bytes;
}

describe("a header", () => {
  test("comes back from its array, and from the map that it was before", () => {
    fc.assert(
      fc.property(aHeader, (header) => {
        expect(checkHeader(decode(encodeHeader(header)))).toEqual(header);
        const old = { ...header, version: 2 };
        expect(checkHeader(decode(encodeHeader(old)))).toEqual(old);
        expect(encodeHeader(header).length).toBeLessThan(encodeHeader(old).length - 200);
      }),
    );
  });

  test("of any values at all is refused or is one, and never throws", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 40 }), (values) => {
        // Of keys like `__proto__` the library makes an exception: whoever reads a chunk catches it.
        const read = readChunkHeader(chunkOf(encode([3, ...values])));
        expect(read instanceof ChunkFault || read.header.version === 3).toBe(true);
      }),
      { examples: [[[[{ ["__proto__"]: null }]]]] },
    );
  });

  test("of another version, or with a codec that nobody knows, is told so", () => {
    const [header] = fc.sample(aHeader, { numRuns: 1, seed: 1 });
    const values = decode(encodeHeader(header)) as unknown[];
    const code = (value: unknown) => checkHeader(decode(encode(value)));
    expect(code([4, ...values.slice(1)])).toMatchObject({ code: "bad_version" });
    expect(code([2, ...values.slice(1)])).toMatchObject({ code: "bad_version" });
    expect(code({ ...header, version: 3 })).toMatchObject({ code: "bad_version" });
    expect(code(values.with(19, 99))).toMatchObject({ code: "bad_codec" });
    expect(code(values.with(1, 99))).toMatchObject({ code: "bad_header", detail: "field kind" });
    expect(code(values.slice(0, 20))).toMatchObject({ code: "bad_header" });
    expect(code([])).toMatchObject({ code: "bad_version" });
    expect(code("3")).toMatchObject({ code: "bad_header" });
    // What a later version of the same number adds at the end is not ours.
    const whole = [...values, ...new Array<null>(32 - values.length).fill(null)];
    for (const more of ["more", new Uint8Array(64), [[1], { a: [2] }], { a: { b: 3 } }]) {
      expect(code([...whole, more])).toEqual(header);
      expect(readChunkHeader(chunkOf(encode([...whole, more])))).toMatchObject({ header });
    }
  });

  test("whose dictionary is of another feed, or of none, is refused", () => {
    const [header] = fc.sample(aHeader, { numRuns: 1, seed: 1 });
    const own = { ...header, feed: "nse-fo", dictionary: "nse-fo-0011223344556677" };
    const code = (dictionary: string) =>
      checkHeader(decode(encodeHeader({ ...own, dictionary }))) as ChunkFault | ChunkHeader;
    expect(code(own.dictionary)).toEqual(own);
    for (const name of ["nse-cm-0011223344556677", "nse-fo-00", "nse-fo", "../../etc/passwd"]) {
      expect(code(name)).toMatchObject({ code: "bad_header" });
    }
  });

  test("has each field in its place, for good", () => {
    const names = [
      ...["version", "kind", "collector", "boot", "number", "previous", "oldest", "feed"],
      ...["stream", "session", "firstSequence", "lastSequence"],
      ...["firstSec", "firstNsec", "lastSec", "lastNsec", "clock", "channels", "frames", "codec"],
      ...["dictionary", "rawBytes", "bodyBytes", "checksum", "runs", "copies", "runsDropped"],
      ...["clockDoubtNs", "repairs", "snapshot", "former", "command"],
    ];
    const places = Object.fromEntries(names.map((name, at) => [name, `place ${at}`]));
    // What is no value of a field goes as it is.
    const written = encodeHeader({ ...places, version: 3 } as unknown as ChunkHeader);
    expect(decode(written)).toEqual([3, ...names.slice(1).map((_, at) => `place ${at + 1}`)]);
  });

  test("of any bytes at all, in any nest, is refused or decoded, and a sound one never refused", () => {
    const nest = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 6, withCrossShrink: true },
        fc.jsonValue({ maxDepth: 0 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.double(),
        fc.array(tie("node"), { maxLength: 20 }),
        fc.dictionary(fc.string(), tie("node"), { maxKeys: 20, noNullPrototype: true }),
      ),
    })).node;
    fc.assert(
      fc.property(nest, (value) => {
        const bytes = encode(value);
        expect(isSoundMsgpack(bytes)).toBe(true);
        expect(isSoundMsgpack(bytes.subarray(0, -1))).toBe(false);
        expect(isSoundMsgpack(Uint8Array.from([...bytes, 1]))).toBe(false);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        if (isSoundMsgpack(bytes)) return;
        // So few bytes are no nest that is too deep: what is refused here, the decoder refuses.
        expect(() => decode(bytes, { maxArrayLength: 60, maxMapLength: 60 })).toThrow();
      }),
    );
  });
});

test("a chunk of version 2, made when headers had names, is read as it was", () => {
  // 52 messages of a simulated market.
  const chunk = [
    "RUJDSHsBAACaw2vc3gAbqWNvbGxlY3RvcqZjb2xvLTGkYm9vdM8AAAGXFP/VAKZudW1iZXIHqHByZXZpb3VzBaZv",
    "bGRlc3QBpGZlZWSmbnNlLWZvpnN0cmVhbQGnc2Vzc2lvbqClY2xvY2uma2VybmVspGtpbmSkbGl2Za1maXJzdFNl",
    "cXVlbmNlzV36rGxhc3RTZXF1ZW5jZc1eLaZjb3BpZXMApHJ1bnOTAM1d+s1eLatydW5zRHJvcHBlZACndmVyc2lv",
    "bgKoZmlyc3RTZWPOaDaGvKlmaXJzdE5zZWPOFHnmyKdsYXN0U2Vjzmg2hryobGFzdE5zZWPOFIhzFahjaGFubmVs",
    "c5GFpWdyb3VwqjIzOS43MC4xLjGkcG9ydM0nEKRmZWVkpm5zZS1mb6ZzdHJlYW0BpGxpbmUApmZyYW1lczSlY29k",
    "ZWOnY29sdW1uc6pkaWN0aW9uYXJ5oKhyYXdCeXRlc80Dr6lib2R5Qnl0ZXPNA2WoY2hlY2tzdW3OeVMqlSi1L/1g",
    "xAE9EwCWJ5JK0PCqAwDkIj8AUBX1KHzThy68o1kwEw7jBktTGg4F5eLC/+DmcQdVmD17LGgKNcuRBflcx4u2lU3k",
    "4/0nlW48pNrt/+3vL6WUKaV1AH0AfQD93u7u3jN32YlLZAXyoUJPszT12Tj9HO5mq9FS1JMYzGwM4h04eN/G972/",
    "PdJXoWcKZZ5M+dr3VHv6OfybTG+OAi6+HgtvZafL2Wq0FBRVe+re3760Iz11e8xx3MBQ4bbf73aeu/fzrNto12Fd",
    "oDA8t5AhgkWr0+xTY/QT5HC2WgCaqfHJfyB2Nmj43Dijr0JT5YnM+NqyHf0TSEdGJNai41AxGIRqEr0CXHwtvZWd",
    "TsWmwlDtqFniSlcep1n2qbH5OVwNxQUgN87uQceEHzfG5qNnqiQzvmS7+UlIR0ZrEdHUpHkJ+HosKribbTZStpvv",
    "ASrR60VkVIsv4mtViWKrj1ok8lDXn8paYzs8qaPqqxH+EIvpkPkytkJKeIZqqwc4VBFJYMGV0CkcCoUhQSNIjEdZ",
    "SRCQZMgKFoHDI3DEgvd3tvf097btpuf3vu1pzd7crbftBtbm9Hdpr3HIY1tlbY73WzvS+n7rQ01cImkrlmTJfk0j",
    "MqtBLqD54Nkzbr8h/EOVRUCAYV5nszrBFBichlpwWDLMAfzzUvaWbkL6B0GBCWIGXXvWyWRayBjnXWuSS5gmxMAM",
    "2H/gAMbTmV5gZjuy27PQGmMAULt2Mj0ci6LmmESbuTNBGjc2OiilFSl8fFQcCbydqtvzDUjF+oI1Y+1RutDtAQoA",
    "VybAFVeZfWgv5zhP4jAABiY0DmkcozvwFdAotS/9IOtZBwDI5nkgnSoE7qsfrClbczOQF+4EQ+pqAZsVaT+ZIzvt",
    "CJClFNRYUGRcTcU/d0evxqGHyUhpa7WsZyRzY23V/d8F1dyHo7m+dQNQGDqtIW8RC56g7h9A5egBcHyra/I0+s0H",
    "2rudub4cwtHINCSnEe2J0x67IuBK8drF5RjMJ6JLh4AoZxs+BhEhBCWsb87ccfwe08JCuHHuHDMooXPrQjppdDep",
    "gRU/3vz57jHtAoNFFFwt9NPTXsCJsU/DSgkPOMVjJibDknFPoQuGdD2Hp2VKdF7INS36mjyIwEZ6toN2voEuRSgB",
    "EEpAJB4R",
  ].join("");
  const channels = new Channels();
  const unpacked = new ChunkUnpacker(channels, openZstd()).unpack(Buffer.from(chunk, "base64"));
  if (unpacked instanceof ChunkFault) throw unpacked;
  const { header, frames } = unpacked;
  expect(header).toMatchObject({ version: 2, number: 7, previous: 5, stream: 1, kind: "live" });
  expect(header).toMatchObject({ firstSequence: 24_058, lastSequence: 24_109, dictionary: "" });
  expect(channels.list).toEqual([
    { group: "239.70.1.1", port: 10_000, feed: "nse-fo", stream: 1, line: 0 },
  ]);
  const hasher = new Bun.CryptoHasher("sha256");
  for (let i = 0; i < frames.count; i++) {
    hasher.update(frames.bytes.subarray(frames.offset[i], frames.offset[i] + frames.length[i]));
    hasher.update(`${frames.sec[i]}.${frames.nsec[i]};`);
  }
  expect([frames.count, hasher.digest("hex")]).toEqual([
    52,
    "280d19e921e537db8e93a066ca5aa45c3052299ea0c8308d560e127183b07f69",
  ]);
});
