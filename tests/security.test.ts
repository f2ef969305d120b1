/**
 * What somebody who means harm could send, tried: each is bounded in memory and time, and ends nothing
 * but itself. docs/SECURITY.md says who could send it.
 */
import { heapStats } from "bun:jsc";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import zlib from "node:zlib";
import { encode } from "@msgpack/msgpack";
import { Live } from "../book/live.ts";
import { MESSAGE_BYTES_LIMIT, readMessage } from "../book/live-message.ts";
import { writeOrder } from "../feed/nse/writer.ts";
import { captureFrames } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import {
  CHUNK_PREFIX_BYTES,
  ChunkFault,
  ChunkPacker,
  type ChunkTitle,
  ChunkUnpacker,
  joinChunk,
  readChunkHeader,
} from "../frames/chunk.ts";
import { CHUNK_HEADER_BYTES_LIMIT } from "../frames/chunk-header.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { openInput } from "../frames/input.ts";
import { openZstd } from "../frames/zstd.ts";
import { type ApiService, startApi } from "./api-service.ts";
import { forgedChunk } from "./chunk-forge.ts";
import { edgebook } from "./cli-run.ts";
import { pcapSeed } from "./fuzz-seeds.ts";
import { runMarket } from "./live-market.ts";
import { start } from "./live-run.ts";
import { ownCertificate } from "./own-certificate.ts";
import { until } from "./until.ts";

const MEGA = 1e6;
let folder: string;
let service: ApiService;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edgebook-security-"));
  service = startApi();
});
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true });
});

/** Resident bytes that it costs, and stays to cost. */
async function costOf(run: () => Promise<unknown> | unknown): Promise<number> {
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  await run();
  Bun.gc(true);
  return process.memoryUsage.rss() - before;
}

const FEW_BYTES = Uint8Array.of(0x37, 0xa4, 0x30, 0xec, 1);

/** A chunk that is this header, with the checksum that it has. */
function chunkOf(header: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CHUNK_PREFIX_BYTES + header.length);
  joinChunk(header, new Uint8Array(0), bytes);
  return bytes;
}

const someChunk = (): Uint8Array => runMarket({ seed: 2, milliseconds: 100 }).chunks[0].bytes;

describe("whoever sends chunks", () => {
  test("a body that unpacks to far more costs what its header may say, and no more", async () => {
    const bomb = zlib.zstdCompressSync(Buffer.alloc(64 << 20));
    expect(bomb.length).toBeLessThan(1 << 20);
    const unpacker = new ChunkUnpacker(new Channels(), openZstd());
    const chunk = someChunk();
    const cost = await costOf(() => {
      for (const rawBytes of [10, 8 << 20]) {
        const unpacked = unpacker.unpack(forgedChunk(chunk, { rawBytes }, bomb));
        expect(unpacked).toMatchObject({ code: "bad_body" });
      }
    });
    expect(cost).toBeLessThan(60 * MEGA);
    const absurd = readChunkHeader(forgedChunk(chunk, { rawBytes: 2 ** 31 }));
    expect(absurd).toMatchObject({ code: "bad_header" });
  }, 30_000);

  test("a header that names four billion of anything is refused before anything is made", () => {
    const chunk = someChunk();
    const lists = [
      [0x81, 0xa1, 0x61, 0xdd, 0xff, 0xff, 0xff, 0xff],
      [0xdf, 0xff, 0xff, 0xff, 0xff],
      [0x81, 0xa1, 0x61, 0xdb, 0xff, 0xff, 0xff, 0xff],
      [0x81, 0xa1, 0x61, 0xc6, 0xff, 0xff, 0xff, 0xff],
      new Array<number>(100_000).fill(0x91),
    ];
    for (const list of lists) {
      expect(readChunkHeader(chunkOf(Uint8Array.from(list)))).toBeInstanceOf(ChunkFault);
    }
    for (const fields of [{ frames: 2 ** 32 }, { stream: -1 }, { firstSequence: 1.5 }]) {
      expect(readChunkHeader(forgedChunk(chunk, fields))).toBeInstanceOf(ChunkFault);
    }
  });

  test("a header of nests, deep or wide, costs its own bytes and not what the nests declare", async () => {
    const limit = CHUNK_HEADER_BYTES_LIMIT;
    const filled = (...unit: number[]) =>
      Uint8Array.from({ length: limit }, (_, i) => unit[i % unit.length]);
    const behind = (head: number[], rest: Uint8Array) => {
      const bytes = rest.slice();
      bytes.set(head);
      return bytes;
    };
    const nests = [
      // Arrays of 32,768, each the first element of the one around it: 11 GB of room for elements.
      filled(0xdc, 0x80, 0x00),
      filled(0xdd, 0x00, 0x00, 0x80, 0x00),
      filled(0xdc, 0xff, 0xff),
      // Maps in maps, and arrays in maps, keys before them.
      filled(0xde, 0x01, 0x00, 0xa1, 0x61),
      filled(0x81, 0xa1, 0x61, 0xdc, 0x80, 0x00),
      filled(0x91),
      filled(0x81, 0x01),
      // Side by side, two levels down: each closed by nothing.
      behind([0xdc, 0x7f, 0xff, 0xdc, 0x7f, 0xff], filled(0x92, 0x01, 0x01)),
      behind([0xdd, 0x00, 0x01, 0xff, 0xff], filled(0x01)),
    ];
    const cost = await costOf(() => {
      for (const nest of nests) {
        for (let again = 0; again < 5; again++) {
          const before = performance.now();
          expect(readChunkHeader(chunkOf(nest))).toMatchObject({ code: "bad_header" });
          expect(performance.now() - before).toBeLessThan(1000);
        }
      }
    });
    expect(cost).toBeLessThan(60 * MEGA);
    // The same in a WebSocket's message.
    const message = new Uint8Array(MESSAGE_BYTES_LIMIT).map((_, i) => [0xdc, 0x04, 0x00][i % 3]);
    expect(readMessage(message)).toBeUndefined();
    expect(readMessage(encode({ op: "ping", list: [[1]] }))).toEqual({ op: "ping" });
  }, 30_000);

  test("a header that names a dictionary of another feed is refused, and nothing is kept of names", () => {
    const { dictionaries } = openZstd();
    const chunk = someChunk();
    const known = dictionaries.learned.length;
    // What is alive, since pages that other tests left would say more of them than of this one.
    const held = () => {
      Bun.gc(true);
      return heapStats().heapSize;
    };
    const before = held();
    for (let at = 0; at < 200_000; at++) {
      const name = `f${at.toString(36).padStart(38, "0")}-${at.toString(16).padStart(16, "0")}`;
      if (dictionaries.get(name) !== undefined || dictionaries.isShipped(name)) throw name;
      dictionaries.learn(name, FEW_BYTES);
    }
    expect(held() - before).toBeLessThan(4 * MEGA);
    expect(dictionaries.learned.length).toBe(known);
    for (const feed of ["nse-cm", "f1", "constructor", "nasdaq-itch50"]) {
      const dictionary = `${feed}-0011223344556677`;
      expect(readChunkHeader(forgedChunk(chunk, { dictionary }))).toMatchObject({
        code: "bad_header",
      });
    }
  }, 30_000);

  test("new channels without end are refused once there are more than any exchange has", () => {
    const channels = new Channels();
    const unpacker = new ChunkUnpacker(channels, openZstd());
    const chunk = someChunk();
    let refused = 0;
    for (let round = 0; round < 66; round++) {
      const named = Array.from({ length: 1024 }, (_, at) => ({
        ...{ group: `239.${round}.${at >> 8}.${at & 255}`, port: 1, feed: "", stream: 0, line: -1 },
      }));
      if (unpacker.unpack(forgedChunk(chunk, { channels: named })) instanceof ChunkFault) refused++;
    }
    expect(refused).toBeGreaterThan(0);
    expect(channels.list.length).toBeLessThanOrEqual(65_536);
  }, 30_000);
});

describe("whoever sends frames", () => {
  /** Orders of the streams and tokens that `next` gives, through chunks into a service. */
  function hostile(count: number, next: (at: number) => { stream: number; token: number }): Live {
    const live = new Live({ zstd: openZstd(), ask: () => {}, intake: { canAsk: false } });
    const channels = new Channels();
    channels.add({ group: "239.0.0.1", port: 1, feed: "nse-fo", stream: 0, line: 0 });
    const packer = new ChunkPacker(channels, openZstd(), "raw");
    const frames = new FrameBatch(8192);
    const numbers = new Map<number, number>();
    let chunk = 0;
    for (let at = 0; at < count; ) {
      const bytes = new Uint8Array(8192 * 38);
      const view = new DataView(bytes.buffer);
      frames.reset(bytes);
      for (let i = 0; i < 8192 && at < count; i++, at++) {
        const { stream, token } = next(at);
        const number = (numbers.get(stream) ?? 0) + 1;
        numbers.set(stream, number);
        writeOrder(view, i * 38, 0x4e, stream, number, 0, at, at + 1, token, 0x42, 100, 1);
        frames.add(i * 38, 38, 1_700_000_000, at, 0);
      }
      const title: ChunkTitle = {
        ...{
          kind: "live",
          collector: "c",
          boot: 1,
          number: ++chunk,
          previous: chunk - 1,
          oldest: 1,
        },
        ...{ feed: "nse-fo", stream: 1, session: "", firstSequence: 1, lastSequence: 1 },
        ...{ clock: "host", runs: [], copies: 0, runsDropped: 0 },
      };
      live.push(packer.pack(title, frames).bytes, chunk * 1e6);
    }
    live.finish(1e12);
    return live;
  }

  test("2^32 instruments become no more than a bounded number", async () => {
    let live: Live | undefined;
    const cost = await costOf(() => {
      live = hostile(280_000, (at) => ({ stream: 1, token: Math.imul(at, 10_737) | 1 }));
    });
    const stream = live?.feeds.get("nse-fo")?.pipeline.streams[0];
    expect(stream?.applied).toBe(280_000);
    expect(stream?.decoder.instruments.count).toBeLessThanOrEqual(262_144);
    expect(stream?.decoder.instruments.count).toBeGreaterThan(100_000);
    console.log(`280,000 tokens cost ${(cost / MEGA).toFixed(0)} MB`);
    expect(cost).toBeLessThan(600 * MEGA);
  }, 30_000);

  test("streams without end are refused at a bounded number", async () => {
    let live: Live | undefined;
    const cost = await costOf(() => {
      live = hostile(4300, (at) => ({ stream: at + 1, token: 1 }));
    });
    const count = live?.feeds.get("nse-fo")?.pipeline.sequencer.streams.length ?? 0;
    console.log(`${count} streams cost ${(cost / MEGA).toFixed(0)} MB`);
    expect(count).toBeLessThanOrEqual(4096);
    expect(cost).toBeLessThan(3000 * MEGA);
  }, 30_000);
});

describe("whoever gives us a file", () => {
  test("a capture that unpacks to a hundred times its size is read in bounded memory", async () => {
    const zeros = Buffer.alloc(24 << 20);
    const path = join(folder, "bomb.pcap.gz");
    const member = zlib.gzipSync(zeros, { level: 1 });
    writeFileSync(path, Buffer.concat([zlib.gzipSync(pcapSeed()), ...new Array(4).fill(member)]));
    const counters = new CaptureCounters();
    const cost = await costOf(async () => {
      await captureFrames(await openInput(path), new Channels(), counters, () => {});
    });
    expect(counters.frames).toBe(8);
    expect(cost).toBeLessThan(150 * MEGA);
  }, 30_000);
});

describe("whoever reaches the HTTP port", () => {
  const status = async (path: string, init: RequestInit = {}) =>
    (await fetch(service.url + path, init)).status;

  test("no path leads to a file", async () => {
    for (const path of [
      "/../../etc/passwd",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/..%2f..%2fetc%2fpasswd",
      "/page.js/../../package.json",
      "/v1/certificates/..%2f..%2fetc%2fpasswd",
      "/v1/books/nse-fo/..%2f..%2fetc%2fpasswd",
      "//etc/passwd",
      "/%00",
    ]) {
      expect([path, [400, 404].includes(await status(path))]).toEqual([path, true]);
    }
  });

  test("bodies, headers and addresses are bounded", async () => {
    const post = { method: "POST", body: "x".repeat(1 << 20) };
    expect(await status("/v1/streams/nse-fo/1/clear", post)).toBe(413);
    const long = await fetch(service.url, { headers: { "x-long": "x".repeat(100_000) } });
    expect(long.status).toBe(431);
    expect(await status(`/v1/books?search=${"x".repeat(8000)}`)).toBe(200);
    expect(await status(`/v1/books?limit=${"9".repeat(400)}`)).toBe(400);
  });

  test("requests that never end keep nobody else out", async () => {
    const { hostname, port } = new URL(service.url);
    const sockets = await Promise.all(
      Array.from({ length: 200 }, () =>
        Bun.connect({
          hostname,
          port: Number(port),
          socket: {
            data() {},
            open: (socket) => void socket.write("GET /v1/books HTTP/1.1\r\nX-A: "),
          },
        }),
      ),
    );
    const started = performance.now();
    for (const socket of sockets) socket.write("b");
    expect(await status("/v1/books?limit=1")).toBe(200);
    expect(performance.now() - started).toBeLessThan(3000);
    for (const socket of sockets) socket.end();
  });

  test("a WebSocket has at most a hundred subscriptions, and sends no large message", async () => {
    const socket = new WebSocket(`${service.url.replace("http", "ws")}/v1/live`);
    const codes: unknown[] = [];
    socket.onmessage = ({ data }) => void codes.push(JSON.parse(String(data)).code);
    await new Promise((resolve) => {
      socket.onopen = resolve;
    });
    const closed = new Promise<{ code: number }>((resolve) => {
      socket.onclose = resolve;
    });
    const { books } = service.api.books("", "", "500") as { books: { token: string }[] };
    const schemas = ["mbp-10", "mbp-1", "bbo", "trades", "mbo"];
    for (const { token } of books) {
      for (const schema of schemas) {
        socket.send(JSON.stringify({ op: "subscribe", feed: "nse-fo", token, schema }));
      }
    }
    await until(() => codes.includes("too_many"), "a refusal");
    socket.send("x".repeat(64 << 10));
    expect((await closed).code).not.toBe(1000);
    expect(await status("/ping")).toBe(200);
    expect(service.errors).toEqual([]);
  });

  test("every answer forbids scripts of others, guessing of types and caches", async () => {
    for (const path of ["/", "/v1/books", "/nothing"]) {
      const { headers } = await fetch(service.url + path);
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });
});

describe("tokens and TLS", () => {
  test("the service speaks TLS, and a token is asked of everybody", async () => {
    const made = ownCertificate(folder);
    if (made === undefined) {
      console.log("not run: no openssl");
      return;
    }
    const { certificate: cert, key } = made;
    const tokens = join(folder, "tokens");
    const secret = "a-secret-that-nobody-knows";
    writeFileSync(tokens, `read ${secret}\n`);
    const tls = ["--http-tls-cert", cert, "--http-tls-key", key, "--token-file", tokens];
    const book = start("book", "--broker", "127.0.0.1:0", "--http", "127.0.0.1:0", ...tls);
    const url = await book.hears(/books at (https:\S+)/);
    const ask = (headers: Record<string, string>, method = "GET") =>
      fetch(`${url}/v1/streams`, { headers, method, tls: { ca: Bun.file(cert) } });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: `Bearer ${secret}` })).status).toBe(200);
    expect((await ask({ authorization: `Bearer ${secret}` }, "POST")).status).toBe(403);
    const plain = await fetch(`${url.replace("https", "http")}/ping`).catch(() => undefined);
    expect(plain?.ok ?? false).toBe(false);
    const { out, err } = await book.interrupt();
    expect(out + err).not.toContain(secret);
  }, 30_000);

  test("a secret that is wrong is never repeated in the error", async () => {
    const tokens = join(folder, "wrong");
    writeFileSync(tokens, "admin hunter2hunter2hunter2hunter2\n");
    const { code, err } = await edgebook(["book", "--broker", "0", "--token-file", tokens]);
    expect(code).toBe(2);
    expect(err).toContain("line 1");
    expect(err).not.toContain("hunter2");
  });
});
