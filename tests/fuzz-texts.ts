/** Fuzz targets of what reads texts and values from elsewhere: control, files, flags, HTTP, WebSocket. */
import { encode } from "@msgpack/msgpack";
import { parseTokens } from "../book/access.ts";
import { asOfDeclaration } from "../book/asof/declaration.ts";
import { readCheckpoint } from "../book/checkpoint/file.ts";
import { CheckpointSaver } from "../book/checkpoint/saver.ts";
import { httpApp } from "../book/http.ts";
import { Live } from "../book/live.ts";
import { integerPrice, LiveApi } from "../book/live-api.ts";
import { readMessage } from "../book/live-message.ts";
import { Subscriber } from "../book/live-subscriber.ts";
import { parseAddress } from "../book/service-error.ts";
import { parseDurationNs } from "../cli/flag-values.ts";
import { parseHistoryQuery } from "../cli/history-query.ts";
import { parseMoment } from "../cli/moment.ts";
import { parseWindow } from "../cli/window.ts";
import { MastersError, parseMasters } from "../feed/nse/masters.ts";
import { parseChannelFile } from "../frames/channel-file.ts";
import { crc32c } from "../frames/chunk-checksum.ts";
import { parseDeparture, parsePosition, parseRepair, parseRequest } from "../frames/transport.ts";
import { openZstd } from "../frames/zstd.ts";
import { CertificateError, parseCertificates } from "../streams/certificate-read.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { runMarket } from "./live-market.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

/** Errors with a code are answers; anything else is a finding. */
function allowing(
  run: () => unknown,
  ...kinds: readonly (new (
    ...args: never[]
  ) => Error)[]
): void {
  try {
    run();
  } catch (error) {
    if (kinds.some((kind) => error instanceof kind)) return;
    const { code } = error as { code?: unknown };
    if (typeof code !== "string" || code === "unexpected" || code === "failed") throw error;
  }
}

export function textTargets(): FuzzTarget[] {
  const market = runMarket({ seed: 4, milliseconds: 60 });
  const live = new Live({ zstd: openZstd(), ask: () => {}, intake: { canAsk: false } });
  for (const { bytes } of market.chunks) live.push(bytes, 0);
  live.finish(0);
  const api = new LiveApi(live);
  return [
    controlTarget(),
    settingsTarget(),
    mastersTarget(),
    channelFileTarget(),
    certificateTarget(api),
    liveMessageTarget(api),
    priceTarget(),
    checkpointTarget(live),
    requestTarget(api),
  ];
}

function controlTarget(): FuzzTarget {
  const seeds = [
    { ask: "resend", boot: 1, from: 2, to: 3 },
    { ask: "from", boot: 1, from: 2 },
    { ask: "range", feed: "nse-fo", stream: 1, from: 1, to: 5 },
    { ask: "snapshot", feed: "nse-fo", stream: 1, atLeast: 5 },
    { ask: "clear", feed: "nse-fo", stream: 1, command: "a" },
    { consumer: "book", collector: "a", boot: 1, chunk: 5 },
    { gone: "book" },
  ];
  return {
    name: "control",
    share: 16,
    seeds: seeds.map((value) => bytesOf(JSON.stringify(value))),
    take(input) {
      const text = textOf(input);
      parseRequest(text);
      parseRepair(text);
      parsePosition(text);
      parseDeparture(text);
    },
  };
}

function settingsTarget(): FuzzTarget {
  const seeds = [
    "2023-10-02T11:34:00.5Z",
    "1700000000000000000",
    "100ms,5000messages",
    "127.0.0.1:8080",
    "[::1]:1",
    "read aaaaaaaaaaaaaaaaaaaaaaaa\noperate bbbbbbbbbbbbbbbbbbbbbbbb\n",
    "feed=nse-fo&schema=mbo&from=2023-10-02&until=1&speed=10x&symbols=A,B",
  ];
  return {
    name: "settings",
    share: 8,
    seeds: seeds.map(bytesOf),
    take(input) {
      const text = textOf(input);
      allowing(() => parseMoment("from", text));
      allowing(() => parseWindow(text));
      allowing(() => parseAddress("http", text));
      allowing(() => parseTokens(text, "tokens"));
      allowing(() => parseHistoryQuery(new URLSearchParams(text)));
      parseDurationNs(text);
    },
  };
}

function mastersTarget(): FuzzTarget {
  const text =
    "H,5,2\nC,5,35000,OPTIDX,BANKNIFTY,1183818600,2100000,CE\nC,5,35001,FUTSTK,SBIN,1183818600,,\n";
  return {
    name: "masters",
    share: 4,
    seeds: [bytesOf(text), bytesOf("P,6,45585,49743\n")],
    take: (input) => allowing(() => parseMasters([textOf(input)], 2), MastersError),
  };
}

function channelFileTarget(): FuzzTarget {
  const text =
    '[[channel]]\ngroup = "239.1.0.1"\nport = 9000\nfeed = "nse-fo"\nstream = 1\nline = "A"\n' +
    'sequence = { offset = 4, width = 4, endian = "little", count = { offset = 8, width = 2 } }\n' +
    '[[join]]\nname = "x"\ninstrument = "own"\n';
  return {
    name: "channel file",
    share: 2,
    seeds: [bytesOf(text)],
    take(input) {
      allowing(() => parseChannelFile(textOf(input)), Error);
      let value: unknown;
      try {
        value = Bun.TOML.parse(textOf(input));
      } catch {
        return;
      }
      allowing(() => asOfDeclaration(value as Record<string, unknown>), Error);
    },
  };
}

function certificateTarget(api: LiveApi): FuzzTarget {
  const dates = api.certificateDates().dates;
  const some = dates.length === 0 ? [] : api.certificate(dates[0]).certificates.slice(0, 1);
  return {
    name: "certificate",
    share: 2,
    seeds: [
      bytesOf(JSON.stringify(some[0] ?? {})),
      bytesOf(JSON.stringify({ certificates: some })),
    ],
    take: (input) => allowing(() => parseCertificates(textOf(input), "file"), CertificateError),
  };
}

/** What a client may send over the WebSocket: bytes as MessagePack, else as JSON. */
function liveMessageTarget(api: LiveApi): FuzzTarget {
  const { books } = api.books("", "", "1") as { books: { token: string }[] };
  const subscribe = { op: "subscribe", id: 1, feed: "nse-fo", token: books[0].token };
  const seeds = [
    { ...subscribe, schema: "mbp-10" },
    { ...subscribe, schema: "trades", start: "0" },
    { ...subscribe, schema: "mbo", start: "1.2.3" },
    { ...subscribe, op: "unsubscribe" },
    { op: "format", format: "msgpack" },
    { op: "ping", id: [1] },
  ];
  let inputs = 0;
  let client = newClient(api);
  return {
    name: "live message",
    share: 4,
    seeds: seeds.flatMap((value) => [encode(value), bytesOf(JSON.stringify(value))]),
    take(input) {
      if (++inputs % 1024 === 0) {
        client.close();
        client = newClient(api);
      }
      for (const message of [input, textOf(input)]) {
        const value = readMessage(message);
        if (value !== undefined) client.message(value);
      }
      client.tick();
    },
  };
}

function newClient(api: LiveApi): Subscriber {
  return new Subscriber(api, {
    send: (message) => JSON.stringify(message).length > 0,
    waiting: () => 0,
    setFormat: () => {},
  });
}

function priceTarget(): FuzzTarget {
  return {
    name: "price",
    share: 8,
    seeds: ["70.20", "-0.05", "123456789012.1"].map(bytesOf),
    take: (input) => allowing(() => integerPrice(textOf(input), 2)),
  };
}

/** A checkpoint of one piece of any bytes, whose checksum is right; and any bytes at all. */
function checkpointTarget(live: Live): FuzzTarget {
  const zstd = openZstd();
  const written: Uint8Array[] = [];
  const writer = {
    write: (bytes: Uint8Array) => void written.push(bytes.slice()),
    commit: () => {},
    abort: () => {},
  };
  new CheckpointSaver(live, "k", zstd, 0, {
    open: () => writer,
    clockNs: () => 0,
    saved: () => {},
    failed: (error) => {
      throw error;
    },
  }).saveNow(0);
  const [mark, ...pieces] = written;
  const raw = pieces.map((piece) => piece.slice(16)).filter(({ length }) => length < 4096);
  return {
    name: "checkpoint",
    share: 2,
    seeds: raw.map((packed) => zstd.decompress(packed, sizeOf(pieces, packed)) ?? packed),
    take(input) {
      const packed = zstd.compress(input);
      const bytes = new Uint8Array(mark.length + 16 + packed.length);
      const view = new DataView(bytes.buffer, mark.length);
      bytes.set(mark);
      view.setUint32(0, input.length % 5, true);
      view.setUint32(4, input.length, true);
      view.setUint32(8, packed.length, true);
      view.setUint32(12, crc32c(packed), true);
      bytes.set(packed, mark.length + 16);
      readCheckpoint(bytes, "k", zstd);
      readCheckpoint(input, "k", zstd);
    },
  };
}

/** Of the piece with that body: its size before compression. */
function sizeOf(pieces: readonly Uint8Array[], packed: Uint8Array): number {
  const piece = pieces.find(({ length }) => length === packed.length + 16) ?? pieces[0];
  return new DataView(piece.buffer, piece.byteOffset).getUint32(4, true);
}

/** Any path and query that a URL can be: an answer of the closed list, and never `failed`. */
function requestTarget(api: LiveApi): FuzzTarget {
  const failures: Error[] = [];
  const app = httpApp(api, {
    version: "0",
    readiness: () => ({ ready: true, reason: "" }),
    metrics: () => ({ uptimeSeconds: 0, memoryBytes: 0, clients: 0 }),
    page: new Map(),
    onError: (error) => void failures.push(error),
  });
  const seeds = [
    "/v1/books/nse-fo/35001?depth=5",
    "/v1/books?search=a&limit=3&feed=nse-fo",
    "/v1/books/nse-fo/35001/queue?side=B&price=1.00",
    "/v1/trades/nse-fo/35001?limit=3",
    "/v1/certificates/2026-01-02",
    "/v1/gaps?limit=2",
    "/../../%2e%2e/etc/passwd",
  ];
  return {
    name: "request",
    share: 1,
    seeds: seeds.map(bytesOf),
    take(input) {
      const url = `http://127.0.0.1/${textOf(input).replace(/^\/+/, "")}`;
      if (!URL.canParse(url)) return;
      // Answers come later: what one of them failed with is found by the next input.
      if (failures.length > 0) throw failures[0];
      app.fetch(new Request(url));
    },
  };
}
