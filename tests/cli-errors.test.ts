/**
 * Bad input, as users meet it: each of these ends with the right exit code and a message that says
 * what is wrong, where, and how to mend it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import zlib from "node:zlib";
import { startBroker } from "../book/service-broker.ts";
import { ethernet, ipv4, pcapFile, udp } from "./capture-files.ts";
import { edgebook, type Finished } from "./cli-run.ts";
import { freeGroup, freePort } from "./live-mqtt-broker.ts";
import { type Running, run, start } from "./live-run.ts";
import { nseMessage } from "./nse-messages.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-errors-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ORDERS = 50;
const FEED = ["--feed", "nse-fo"];
const packets = Array.from({ length: ORDERS }, (_, at) => ({
  sec: 1_700_000_000,
  fraction: at * 100,
  bytes: ethernet(0x0800, ipv4("239.1.1.1", udp(10_000, order(at + 1)))),
}));
const capture = pcapFile(packets);

function order(sequence: number): Uint8Array {
  const values = { order_id: 100 + sequence, token: 7, side: "B", price: 7000, quantity: 50 };
  return nseMessage("N", sequence, values);
}

/** A file of the folder, by its name. */
const at = (name: string) => join(folder, name);

function write(name: string, bytes: Uint8Array | string): string {
  writeFileSync(at(name), bytes);
  return at(name);
}

const whole = write("whole.pcap", capture);
const firstHalf = write("first.pcap", pcapFile(packets.slice(0, ORDERS / 2)));
const secondHalf = write("second.pcap", pcapFile(packets.slice(ORDERS / 2)));
const absent = at("absent.pcap");
const GROUP = freeGroup();

/** One message and its hint, no stack trace. */
function expectClear({ code, err }: Finished, exit: number, ...says: string[]): void {
  expect([code, err]).toEqual([exit, expect.stringContaining(says[0])]);
  for (const each of says) expect(err).toContain(each);
  expect(err).toStartWith("edgebook: ");
  expect(err).not.toMatch(/\n\s+at .*\.ts:\d+/);
}

/** The commands that read captures, with this file. */
const readers = (file: string, ...more: string[]): string[][] => [
  ["rebuild", file, ...more],
  ["decode", file, ...more],
  ["replay", file, "--speed", "max", "--to", `dir:${mkdtempSync(at("out-"))}`, ...more],
  ["collect", "--pcap", file, "--to", `dir:${mkdtempSync(at("out-"))}`, ...more],
];

describe("an unknown feed", () => {
  test("is told, with the nearest that there is, even where the file is absent", async () => {
    for (const words of readers(absent, "--feed", "nse-foo")) {
      expectClear(await edgebook(words), 2, "There is no feed 'nse-foo'", "Did you mean nse-fo?");
    }
    expectClear(await edgebook(["feeds", "describe", "nse-foo"]), 2, "There is no feed 'nse-foo'");
    const join = ["collect", "--feed", "nse-foo", "--join", "239.1.1.1:1", "--to", "dir:x"];
    expectClear(await edgebook(join), 2, "There is no feed 'nse-foo'");
  }, 30_000);

  test("in a channel table is told with its line", async () => {
    const entry = '[[channel]]\ngroup = "239.1.1.1"\nport = 10000\nstream = 1\nfeed = "nse-foo"\n';
    const table = write("feed.toml", entry);
    const run = await edgebook(["rebuild", absent, "--channels", table]);
    expectClear(run, 2, `${table}, line 5`, "feed is", "nse-fo");
  });
});

describe("a file that is no capture", () => {
  test("ends with 1 and with what it begins with", async () => {
    const file = write("text.pcap", "These are words, and nothing else.\n".repeat(50));
    for (const words of readers(file, ...FEED)) {
      expectClear(await edgebook(words), 1, `${file} is no capture`, "54 68 65 73 65");
    }
  }, 30_000);

  test("is told apart from one that is absent, empty or a folder", async () => {
    const empty = write("empty.pcap", "");
    for (const words of readers(absent, ...FEED)) {
      expectClear(await edgebook(words), 1, `${absent} was not found`);
    }
    expectClear(await edgebook(["rebuild", empty, ...FEED]), 1, `${empty} is empty`);
    expectClear(
      await edgebook(["rebuild", folder, ...FEED]),
      1,
      `no chunk files (*.ebch) below '${folder}'`,
    );
  }, 30_000);

  test("leaves no output file behind", async () => {
    const out = at("rows.csv");
    const file = write("other.pcap", "no capture at all, whatever its name says");
    expectClear(await edgebook(["rebuild", file, ...FEED, "--out", out]), 1, "is no capture");
    expect(existsSync(out)).toBe(false);
  });
});

describe("a damaged capture", () => {
  const cut = write("cut.pcap", capture.subarray(0, capture.length - 10));

  test("gives what it holds, then ends with 3 and says where it stops", async () => {
    for (const words of readers(cut, ...FEED)) {
      expectClear(await edgebook(words), 3, `${cut}: `, "the file ends inside a packet");
    }
    const run = await edgebook(["rebuild", cut, ...FEED, "--format", "csv"]);
    expect(run.out.trimEnd().split("\n")).toHaveLength(1 + ORDERS - 1);
  }, 30_000);

  test("whose packing is cut off says at which packed byte", async () => {
    const packed = zlib.gzipSync(capture);
    const file = write("cut.pcap.gz", packed.subarray(0, packed.length >> 1));
    const run = await edgebook(["rebuild", file, ...FEED, "--schema", "none"]);
    expectClear(run, 3, `${file}: ends at byte`, `packed byte ${packed.length >> 1}`);
  });

  test("with an impossible length inside keeps what stood before it", async () => {
    const bytes = capture.slice();
    const size = (capture.length - 24) / ORDERS;
    new DataView(bytes.buffer).setUint32(24 + 20 * size + 8, 0x7fffffff, true);
    const file = write("length.pcap", bytes);
    const run = await edgebook(["rebuild", file, ...FEED, "--format", "csv"]);
    expectClear(run, 3, `${file}: ends at byte ${24 + 20 * size}`);
    expect(run.out.trimEnd().split("\n")).toHaveLength(1 + 20);
  });

  test("whose packets are nonsense says how many were set aside", async () => {
    const bad = [1, 2, 3].map((fraction) => ({
      sec: 1_700_000_000,
      fraction,
      bytes: ethernet(0x0800, ipv4("239.1.1.1", udp(10_000, new Uint8Array(7).fill(0xff)))),
    }));
    const file = write("nonsense.pcap", pcapFile(bad));
    const run = await edgebook(["rebuild", file, ...FEED, "--schema", "none"]);
    expectClear(run, 3, "3 datagrams or packets set aside");
  });
});

describe("a bad line of a configuration", () => {
  const cases: [string, string, string[]][] = [
    ["a value", 'name = "x"\n\nkeep = "none"\n', ["line 3", "field keep", "first"]],
    ["an unknown field", 'name = "x"\nspol = 1\n', ["line 2", "field spol", "no such field"]],
    ["a field of a table", "[spool]\ngib = -3\n", ["line 2", "field spool.gib"]],
    ["a broken line", 'name = "x"\nto = ["dir:y"\nkeep "first"\n', ["no TOML"]],
    ["a channel", '[[channel]]\ngroup = "239.1.1.1"\nport = 0\n', ["line 3", "port is 0"]],
  ];
  for (const [what, text, says] of cases) {
    test(`is named with its line and field: ${what}`, async () => {
      const file = write("collector.toml", text);
      const run = await edgebook(["collect", "--config", file]);
      expectClear(run, 2, file, ...says);
    });
  }

  test("of a channel table is named with its line and field", async () => {
    const entry = '[[channel]]\ngroup = "239.1.1.1"\nport = 70000\nfeed = "nse-fo"\nstream = 1\n';
    const file = write("channels.toml", entry);
    const run = await edgebook(["rebuild", whole, "--channels", file]);
    expectClear(run, 2, `${file}, line 3`, "port is 70000", "1 to 65535");
  });

  test("file that is not there is named", async () => {
    const missing = at("missing.toml");
    expectClear(await edgebook(["collect", "--config", missing]), 2, missing, "--config");
    const run = await edgebook(["rebuild", whole, "--channels", missing]);
    expectClear(run, 2, missing, "--channels");
  });
});

describe("a port in use", () => {
  let taken: Server;
  let address = "";
  beforeAll(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const where = taken.address();
    address = `127.0.0.1:${typeof where === "object" && where !== null ? where.port : 0}`;
  });
  afterAll(() => taken.close());

  test("is named, with the flag that mends it", async () => {
    const http = ["book", "--broker", "127.0.0.1:0", "--http", address];
    expectClear(await edgebook(http), 1, `${address} is taken`, "--http");
    const broker = ["book", "--http", "127.0.0.1:0", "--broker", address];
    expectClear(await edgebook(broker), 1, `${address} is taken`, "--broker");
    expectClear(await edgebook(["demo", "--http", address]), 1, `${address} is taken`, "--http");
  }, 30_000);

  test("that is none is a matter of usage", async () => {
    const run = await edgebook(["book", "--broker", "127.0.0.1:99999"]);
    expectClear(run, 2, "'--broker' is '127.0.0.1:99999'", "HOST:PORT");
  });
});

const ABSENT = "the broker is not there (ECONNREFUSED); trying again every second";

describe("a broker that is not there", () => {
  const running: Running[] = [];
  const endAll = () => Promise.all(running.map((each) => each.interrupt()));
  afterAll(async () => {
    await endAll();
  });
  const begin = (...words: string[]) => {
    const process = start(...words);
    running.push(process);
    return process;
  };

  test("is waited for, which is said; when it comes, nothing was lost", async () => {
    const port = await freePort();
    const url = `mqtt://127.0.0.1:${port}`;
    const reader = begin("book", "--from", url, "--http", "127.0.0.1:0");
    const lines = ["--join", GROUP, "--interface", "lo", ...FEED];
    const to = ["--to", url, "--spool", at("spool"), "--name", "patient"];
    const collector = begin("collect", ...lines, ...to);
    for (const each of [reader, collector]) await each.says(`${url}: ${ABSENT}`);
    await collector.says("collecting");
    await replay(firstHalf);
    // What is sent now stays in the spool; and of what goes out before the reader is there, the
    // next chunk tells, and the reader asks.
    await Bun.sleep(300);
    const broker = await startBroker("127.0.0.1", port);
    try {
      for (const each of [reader, collector]) await each.says(`${url}: connected again`);
      await replay(secondHalf);
      const api = await reader.hears(/books at (http:\S+)/);
      expect(await messagesAt(api)).toBe(ORDERS);
    } finally {
      await endAll();
      await broker.close();
    }
  }, 60_000);
});

async function replay(file: string): Promise<void> {
  const to = ["--to", `udp://${GROUP}`, "--interface", "lo"];
  const sent = await run("replay", file, ...to, "--speed", "1000pps");
  expect(sent.code).toBe(0);
}

/** Messages that a book service has, once it has all of them, or after 20 s. */
async function messagesAt(url: string): Promise<number> {
  let messages = 0;
  for (const end = performance.now() + 20_000; performance.now() < end; await Bun.sleep(50)) {
    const answer = await fetch(`${url}/v1/streams`, { signal: AbortSignal.timeout(5000) });
    const { streams } = (await answer.json()) as { streams: { messages: number }[] };
    messages = streams[0]?.messages ?? 0;
    if (messages === ORDERS) break;
  }
  return messages;
}
