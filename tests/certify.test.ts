/** `edgebook certify` as its users run it: captures, chunks, a running service, and real traffic. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BookService, startService } from "../book/service.ts";
import type { Certificate } from "../streams/certificate.ts";
import { ethernet, ipv4, pcapFile, udp } from "./capture-files.ts";
import { csvRows, edgebook } from "./cli-run.ts";
import { capturePath } from "./feed-reading.ts";
import { type Datagram, numbersTo, OPEN_SEC, onLine, order } from "./nse-lines.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-certify-"));
const path = (name: string) => join(folder, name);
const NSE = ["--feed", "nse-fo"];
const LAST = 2000;

function writePcap(name: string, datagrams: readonly Datagram[], net = "239.1.1"): void {
  const packets = datagrams.map(({ line, atUsec, bytes }) => ({
    sec: OPEN_SEC + Math.floor(atUsec / 1e6),
    fraction: atUsec % 1e6,
    bytes: ethernet(0x0800, ipv4(`${net}.${line === "A" ? 1 : 2}`, udp(10_000, bytes))),
  }));
  writeFileSync(path(name), pcapFile(packets));
}

beforeAll(async () => {
  writePcap("a.pcap", onLine("A", numbersTo(LAST)));
  writePcap("b.pcap", onLine("B", numbersTo(LAST, 41, 42, 43, 44), 250));
  writePcap("dropped.pcap", onLine("A", numbersTo(LAST, 700, 701)));
  const changed = onLine("A", numbersTo(LAST));
  changed[1499] = { ...changed[1499], bytes: order(1500, 6999) };
  writePcap("changed.pcap", changed);
  await certify(path("a.pcap"), "--out", path("a.cert"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const certify = (...args: string[]) => edgebook(["certify", ...args, ...NSE]);
const check = (...args: string[]) => certify(...args, "--check", path("a.cert"));

function certificatesIn(text: string): Certificate[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("certify", () => {
  test("writes a line of JSON for each epoch of a stream, or one array", async () => {
    const [certificate] = certificatesIn(readFileSync(path("a.cert"), "utf8"));
    expect(certificate).toMatchObject({
      tool: expect.stringMatching(/^edgebook \d/),
      day: "2026-05-28",
      delivered: LAST,
      lost: 0,
      lines: [{ line: "A", loss: 0 }],
    });
    const array = await certify(path("a.pcap"), "--format", "json");
    expect(array.code).toBe(0);
    expect(JSON.parse(array.out)).toEqual([certificate]);
  });

  test("both lines together are equal to the line that lost nothing", async () => {
    const same = await check(path("a.pcap"), path("b.pcap"));
    expect([same.code, same.out]).toEqual([0, "1 certificate: equal\n"]);
    const strict = await check(path("a.pcap"), path("b.pcap"), "--strict");
    expect(strict.code).toBe(1);
    expect(strict.out).toContain("lines.B is there in the input, missing in");
  });

  test("what differs is named: stream, epoch, field and numbers", async () => {
    const dropped = await check(path("dropped.pcap"));
    expect(dropped.code).toBe(1);
    const there = path("a.cert");
    const where = "nse-fo stream 1 epoch 0 (2026-05-28): ";
    expect(dropped.out).toContain(`${where}lost is 2 in the input, 0 in ${there}\n`);
    expect(dropped.out).toContain(`${where}lost_ranges hold 700..701 only in the input\n`);
    const changed = await check(path("changed.pcap"));
    expect(changed.code).toBe(1);
    expect(changed.out).toMatch(
      /digest is .* messages differ within 1024\.\.2000\n1 differences\n$/,
    );
  });

  test("lost numbers and a cut capture are an incomplete input", async () => {
    const lossy = await certify(path("dropped.pcap"));
    expect(lossy.code).toBe(3);
    expect(lossy.err).toContain("2 numbers are lost");
    writeFileSync(path("cut.pcap"), readFileSync(path("a.pcap")).subarray(0, 100_001));
    const cut = await check(path("cut.pcap"));
    expect(cut.code).toBe(3);
    expect(cut.err).toContain("ends at byte");
    expect(cut.out).toContain("high_water_mark");
  });

  test("canary: a certificate with one wrong number is caught, alone and against its capture", async () => {
    const text = readFileSync(path("a.cert"), "utf8");
    writeFileSync(path("wrong.cert"), text.replace('"M":667', '"M":668'));
    expect(readFileSync(path("wrong.cert"), "utf8")).not.toBe(text);
    const alone = await edgebook(["certify", "--check", path("wrong.cert")]);
    expect(alone.code).toBe(1);
    expect(alone.out).toContain("seal does not hold");
    const held = await certify(path("a.pcap"), "--check", path("wrong.cert"));
    expect(held.code).toBe(1);
    expect(held.out).toContain("types.M is");
    const sound = await edgebook(["certify", "--check", path("a.cert")]);
    expect([sound.code, sound.out]).toEqual([0, "1 certificate: sound\n"]);
    const both = await edgebook(["certify", path("a.cert"), "--check", path("wrong.cert")]);
    expect(both.code).toBe(1);
  });

  test("the ledger has a row for each gap: who, how much, repaired by whom or lost", async () => {
    const run = await certify(
      ...[path("dropped.pcap"), path("b.pcap"), "--out", path("both.cert")],
      ...["--ledger", path("gaps.csv")],
    );
    expect(run.code).toBe(0);
    const rows = csvRows(readFileSync(path("gaps.csv"), "utf8"));
    expect(rows).toMatchObject([
      {
        feed: "nse-fo",
        stream: "1",
        epoch: "0",
        from: "700",
        to: "701",
        count: "2",
        state: "repaired",
        cause: "line A",
        repaired_by: "line B",
      },
    ]);
    expect(BigInt(rows[0].closed) > BigInt(rows[0].detected)).toBe(true);
    await certify(path("dropped.pcap"), "--ledger", path("gaps.ndjson"));
    const [gap] = readFileSync(path("gaps.ndjson"), "utf8").trimEnd().split("\n");
    expect(JSON.parse(gap)).toMatchObject({ from: "700", count: 2, state: "lost", end: "window" });
  });

  test("a file that is not there is not found, after a feed that does not exist", async () => {
    const feed = await edgebook(["certify", path("absent"), "--feed", "nse-xx"]);
    expect([feed.code, feed.err]).toEqual([2, expect.stringContaining("no feed 'nse-xx'")]);
    expect(feed.err).toContain("nse-fo");
    for (const words of [[path("absent")], ["--check", path("absent")]]) {
      const { code, err } = await edgebook(["certify", ...words]);
      expect([code, err]).toEqual([1, expect.stringContaining(`${path("absent")} was not found`)]);
      expect(err).not.toContain("ENOENT");
    }
  });

  test("wrong usage says how to mend it; nothing is overwritten unasked", async () => {
    expect((await edgebook(["certify"])).code).toBe(2);
    expect((await certify(path("a.pcap"), "--from", "http://127.0.0.1:1")).code).toBe(2);
    expect((await certify(path("a.pcap"), "--strict")).code).toBe(2);
    const there = await certify(path("a.pcap"), "--out", path("a.cert"));
    expect(there.code).toBe(2);
    expect(there.err).toContain("--force");
    const noCert = await certify(path("a.pcap"), "--check", path("a.pcap"));
    expect([noCert.code, noCert.err.split("\n")[0]]).toEqual([1, expect.stringContaining("JSON")]);
    const nobody = await edgebook(["certify", "--from", "http://127.0.0.1:1"]);
    expect(nobody.code).toBe(1);
    expect(nobody.err).toContain("No book service answers");
  });
});

describe("certify, what went through the collector", () => {
  let service: BookService;
  const chunks = path("chunks");

  beforeAll(async () => {
    const captures = ["--pcap", path("a.pcap"), "--pcap", path("b.pcap")];
    const collected = await edgebook(["collect", ...captures, ...NSE, "--to", `dir:${chunks}`]);
    expect(collected.code).toBe(0);
    service = await startService({
      version: "0",
      from: [`dir:${chunks}`],
      http: { host: "127.0.0.1", port: 0 },
      page: new Map(),
      consumer: "test",
      onStatus: () => {},
    });
    await service.sourcesDone;
  });
  afterAll(async () => service.close());

  test("chunks are equal to the captures, though they hold the first copies only", async () => {
    const run = await check(chunks);
    expect([run.out, run.code]).toEqual(["1 certificate: equal\n", 0]);
    const { out } = await certify(chunks);
    const [a, b] = certificatesIn(out)[0].lines;
    expect(a).toMatchObject({ messages: LAST, loss: 0, lead_mean_ns: null });
    // The collector forwarded none of B's copies, but says what B brought.
    expect(b).toMatchObject({ messages: LAST - 4, loss: 4, duplicates: null });
  });

  test("frames of another feed in the same folder are left out", async () => {
    writePcap("cm.pcap", onLine("A", numbersTo(LAST)), "239.2.1");
    const other = ["--pcap", path("cm.pcap"), "--feed", "nse-cm", "--to", `dir:${chunks}`];
    await edgebook(["collect", ...other]);
    const run = await check(chunks);
    expect([run.out, run.code]).toEqual(["1 certificate: equal\n", 0]);
    expect(run.err).toContain(`${LAST} frames of other feeds were left out`);
  });

  test("the running service is equal to the captures, by day or for all days", async () => {
    const all = await edgebook(["certify", "--from", service.url, "--check", path("a.cert")]);
    expect([all.out, all.code]).toEqual(["1 certificate: equal\n", 0]);
    const day = ["--date", "2026-05-28"];
    const one = await edgebook([
      "certify",
      "--from",
      service.url,
      ...day,
      "--ledger",
      path("s.csv"),
    ]);
    expect(one.code).toBe(0);
    expect(certificatesIn(one.out)).toHaveLength(1);
    const none = await edgebook(["certify", "--from", service.url, "--date", "2026-05-27"]);
    expect(none.code).toBe(1);
    expect(none.err).toContain("no certificate for 2026-05-27");
  });
});

const amzn = capturePath("books/amzn_l5.mold64.pcap.gz");

describe.if(amzn !== undefined)("certify, real traffic", () => {
  test("AMZN: the MoldUDP64 capture and the ITCH file have the same certificate", async () => {
    const args = ["--feed", "nasdaq-itch50", "--date", "2012-06-21"];
    const written = await edgebook(["certify", amzn ?? "", ...args, "--out", path("amzn.cert")]);
    expect(written.code).toBe(0);
    const [certificate] = certificatesIn(readFileSync(path("amzn.cert"), "utf8"));
    expect(certificate).toMatchObject({ day: "2012-06-21", messages: 178_367, lost: 0 });
    const file = capturePath("books/amzn_l5.itch50.gz") ?? "";
    const same = await edgebook(["certify", file, ...args, "--check", path("amzn.cert")]);
    expect([same.out, same.code]).toEqual(["1 certificate: equal\n", 0]);
  });

  test("IEX DEEP: certified, checked, and equal through chunks", async () => {
    const capture = capturePath("captures/iex-deep/iex-deep-2023-10-02.pcap.gz") ?? "";
    const written = await edgebook(["certify", capture, "--out", path("iex.cert")]);
    expect(written.code).toBe(0);
    const [certificate] = certificatesIn(readFileSync(path("iex.cert"), "utf8"));
    expect(certificate).toMatchObject({
      feed: "iex-deep",
      day: "2023-10-02",
      messages: 48_325,
      types: { "5": 1226, "8": 1526, T: 37, D: 3 },
    });
    const to = `dir:${path("iex")}`;
    await edgebook(["collect", "--pcap", capture, "--feed", "iex-deep", "--to", to]);
    const same = await edgebook(["certify", path("iex"), "--check", path("iex.cert")]);
    expect([same.out, same.code]).toEqual(["1 certificate: equal\n", 0]);
  });

  test("CME: two lines of opaque datagrams, each first as often as another count has it", async () => {
    const table = ["224.0.31.11:14320", "224.0.32.11:15320"].map((address, line) => {
      const [group, port] = address.split(":");
      return [
        "[[channel]]",
        `group = "${group}"`,
        `port = ${port}`,
        'feed = "sequenced"',
        "stream = 1",
        `line = "${line === 0 ? "A" : "B"}"`,
        "offset = 0",
        "width = 4",
        'endianness = "little"',
      ].join("\n");
    });
    writeFileSync(path("cme.toml"), `${table.join("\n\n")}\n`);
    const capture = capturePath("captures/other/Cme.Mdp3.Sbe.v8.1.Example.pcap.gz") ?? "";
    const run = await edgebook(["certify", capture, "--channels", path("cme.toml")]);
    expect([run.err, run.code]).toEqual(["", 0]);
    expect(certificatesIn(run.out)).toMatchObject([
      {
        first: "17347815",
        high_water_mark: "17352814",
        delivered: 5000,
        lost: 0,
        types: {},
        lines: [
          { line: "A", first_arrivals: 1256, loss: 0 },
          { line: "B", first_arrivals: 3744, loss: 0 },
        ],
      },
    ]);
  });
});
