import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { ethernet, ipv4, pcapFile, type TimedPacket, udp } from "./capture-files.ts";
import { csvRows, edgebook, MAIN, statsOf } from "./cli-run.ts";
import { nseMessage } from "./nse-messages.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-cli-"));
const lineA = join(folder, "a.pcap");
const lineB = join(folder, "b.pcap");
const both = join(folder, "both.pcap");
const FEED = ["--feed", "nse-fo"];

const buy = (seq: number, id: number, price: number, size: number, token = 100) =>
  nseMessage("N", seq, { order_id: id, token, side: "B", price, quantity: size });
const sell = (seq: number, id: number, price: number, size: number, token = 100) =>
  nseMessage("N", seq, { order_id: id, token, side: "S", price, quantity: size });

/** Two orders of token 100, one of 200, an aggression of two messages, a cancel of nothing. */
const DAY = [
  buy(1, 11, 7010, 50),
  sell(2, 12, 7020, 30),
  sell(3, 13, 9000, 10, 200),
  buy(4, 14, 7020, 40),
  nseMessage("T", 5, {
    buy_order_id: 14,
    sell_order_id: 12,
    token: 100,
    price: 7020,
    quantity: 30,
  }),
  nseMessage("X", 6, { order_id: 99, token: 100, side: "B", price: 7000, quantity: 5 }),
];

function packets(messages: readonly Uint8Array[], group: string, atUsec: number): TimedPacket[] {
  return messages.map((message, at) => ({
    sec: 1_700_000_000,
    fraction: atUsec + at * 100,
    bytes: ethernet(0x0800, ipv4(group, udp(10_000, message))),
  }));
}

const without = (...left: number[]) => DAY.filter((_, at) => !left.includes(at + 1));

beforeAll(() => {
  writeFileSync(lineA, pcapFile(packets(without(2), "239.1.1.1", 0)));
  writeFileSync(lineB, pcapFile(packets(DAY, "239.1.1.2", 50)));
  writeFileSync(both, pcapFile(packets(DAY, "239.1.1.1", 0)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rebuild = (...args: string[]) => edgebook(["rebuild", ...FEED, ...args]);

describe("rebuild", () => {
  test("mbo rows are the ones of the public interface", async () => {
    const run = await rebuild(both, "--format", "csv");
    expect(run.code).toBe(0);
    expect(run.out.split("\n")[0]).toBe(
      "ts_recv,ts_event,stream,sequence,token,action,side,price,size,order_id,flags",
    );
    const rows = csvRows(run.out).map((row) =>
      [row.sequence, row.token, row.action, row.side, row.price, row.size, row.order_id].join(" "),
    );
    expect(rows).toEqual([
      "1 100 A B 70.10 50 11",
      "2 100 A A 70.20 30 12",
      "3 200 A A 90.00 10 13",
      "4 100 A B 70.20 40 14",
      "5 100 T B 70.20 30 ",
      "5 100 F B 70.20 30 14",
      "5 100 F A 70.20 30 12",
    ]);
  });

  test("every order, cancel and trade message has one row of levels, a cancel of nothing too", async () => {
    const run = await rebuild(both, "--schema", "mbp-1", "--format", "csv");
    const rows = csvRows(run.out);
    expect(rows.map((row) => row.sequence)).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(rows[3]).toMatchObject({ flags: "X", bid_px_00: "70.20", ask_px_00: "70.20" });
    expect(rows[5]).toMatchObject({
      action: "N",
      side: "N",
      price: "",
      bid_px_00: "70.20",
      bid_sz_00: "10",
      bid_ct_00: "1",
      ask_px_00: "",
      ask_sz_00: "0",
      ask_ct_00: "0",
    });
  });

  test("settled best prices keep the crossed state back, raw ones show it", async () => {
    const raw = csvRows((await rebuild(both, "--schema", "bbo", "--format", "csv")).out);
    const args = [both, "--schema", "bbo", "--settled", "--format", "csv"];
    const settled = csvRows((await rebuild(...args)).out);
    expect(raw.map((row) => row.sequence)).toEqual(["1", "2", "3", "4", "5"]);
    expect(settled.map((row) => row.sequence)).toEqual(["1", "2", "3", "5"]);
    expect(settled[3]).toMatchObject({ bid_px: "70.20", bid_sz: "10", ask_px: "", flags: "" });
  });

  test("trades name both orders", async () => {
    const run = await rebuild(both, "--schema", "trades");
    const rows = run.out.trim().split("\n");
    expect(rows).toHaveLength(1);
    expect(JSON.parse(rows[0])).toMatchObject({
      stream: 1,
      sequence: "5",
      token: "100",
      price: "70.20",
      size: 30,
      side: "B",
      trade_id: null,
      buy_order_id: "14",
      sell_order_id: "12",
      action: "T",
      ts_recv: "1700000000000400000",
    });
  });

  test("--token and --from leave rows out, not books", async () => {
    const one = await rebuild(both, "--token", "200", "--format", "csv");
    expect(csvRows(one.out).map((row) => row.sequence)).toEqual(["3"]);
    const from = ["--from", "1700000000000400000", "--clock", "recv"];
    const late = await rebuild(both, "--schema", "mbp-1", "--format", "csv", ...from);
    expect(csvRows(late.out).map((row) => row.bid_px_00)).toEqual(["70.20", "70.20"]);
  });

  test("two captures are merged as two lines: each number once, the copies counted", async () => {
    const run = await rebuild(lineA, lineB, "--schema", "none", "--stats");
    expect(run.code).toBe(0);
    expect(statsOf(run)).toMatchObject({ packets: 11, messages: 6, duplicates: 5, lost: 0 });
  });

  test("a number that no line brings is lost: rows carry G, the exit code is 3", async () => {
    const run = await rebuild(lineA, "--schema", "mbp-1", "--format", "csv", "--stats");
    expect(run.code).toBe(3);
    expect(run.err).toContain("1 numbers are lost");
    expect(csvRows(run.out).map((row) => row.flags)).toEqual(["", "G", "G", "G", "G"]);
    expect(statsOf(run)).toMatchObject({ gaps: 1, lost: 1, messages: 5 });
  });

  test("the line of --stats has every field of the public interface", async () => {
    const stats = statsOf(await rebuild(both, "--schema", "none", "--stats", "--digest"));
    expect(Object.keys(stats)).toEqual([
      "packets",
      "frames",
      "messages",
      "bytes",
      "duplicates",
      "conflicts",
      "late",
      "gaps",
      "lost",
      "recovered",
      "anomalies",
      "live_orders",
      "instruments",
      "seconds",
      "ns_per_message",
      "peak_memory_bytes",
      "bbo_changes",
      "bbo_digest",
    ]);
    expect(stats).toMatchObject({ live_orders: 3, instruments: 2, bbo_changes: 5 });
    expect(stats.bbo_digest).toMatch(/^[0-9a-f]{8}$/);
  });

  test("CSV, NDJSON and Parquet hold the same rows", async () => {
    const csv = join(folder, "rows.csv");
    const json = join(folder, "rows.ndjson");
    const parquet = join(folder, "rows.parquet");
    for (const out of [csv, json, parquet]) {
      expect(await rebuild(both, "--schema", "mbp-10", "--out", out)).toMatchObject({ code: 0 });
    }
    expect(await edgebook(["compare", csv, json])).toMatchObject({
      code: 0,
      out: "same: 6 rows\n",
    });
    const { buffer } = new Uint8Array(readFileSync(parquet));
    const rows = await parquetReadObjects({ file: buffer });
    // The reader makes doubles of decimals; as cents they are exact again.
    const cents = rows.map((row) => row.bid_px_00 && Math.round(row.bid_px_00 * 100));
    expect(cents).toEqual([7010, 7010, null, 7020, 7020, 7020]);
  });
});

describe("decode", () => {
  test("every copy on every line is a row", async () => {
    const run = await edgebook(["decode", ...FEED, lineA, lineB, "--format", "csv"]);
    const rows = csvRows(run.out);
    expect(rows).toHaveLength(11);
    expect(rows[1]).toMatchObject({ line: "B", sequence: "1", type: "N", price: "70.10" });
    expect(rows.filter((row) => row.sequence === "2").map((row) => row.line)).toEqual(["B"]);
  });

  test("a heartbeat is a row, with the last number that was sent", async () => {
    const file = join(folder, "heartbeat.pcap");
    const beat = nseMessage("Z", 0, { last_seq_no: 6 });
    writeFileSync(file, pcapFile(packets([beat], "239.1.1.1", 0)));
    const run = await edgebook(["decode", ...FEED, file, "--format", "ndjson"]);
    expect(JSON.parse(run.out)).toMatchObject({ type: "Z", sequence: "6", last_seq_no: 6 });
  });
});

describe("what goes wrong is said, with the exit code of its kind", () => {
  const cases: [what: string, args: string[], code: number, says: string][] = [
    ["an unknown command names the nearest", ["rebiuld", both], 2, "'edgebook rebuild'"],
    ["an unknown flag names the nearest", ["rebuild", both, "--shema", "bbo"], 2, "--schema"],
    ["an unknown feed names the nearest", ["rebuild", both, "--feed", "nse-fu"], 2, "nse-fo"],
    ["an unknown feed, before the file is looked for", ["rebuild", "/no", "--feed", "x"], 2, "'x'"],
    ["a feed that bytes cannot tell is asked for", ["rebuild", both], 2, "--feed"],
    ["no file at all", ["rebuild", ...FEED], 2, "FILE"],
    ["a file that is not there", ["rebuild", ...FEED, "/nowhere.pcap"], 1, "not found"],
    ["a file that is no capture", ["rebuild", ...FEED, import.meta.path], 1, "no capture"],
    ["a bad time", ["rebuild", ...FEED, both, "--from", "noon"], 2, "--from"],
    ["settled rows of another schema", ["rebuild", ...FEED, both, "--settled"], 2, "bbo"],
    ["an opaque feed without a table", ["rebuild", both, "--feed", "sequenced"], 2, "--channels"],
  ];
  for (const [what, args, code, says] of cases) {
    test(what, async () => {
      const run = await edgebook(args);
      expect(run.code).toBe(code);
      expect(run.err).toContain(says);
      expect(run.out).toBe("");
    });
  }

  test("a capture cut in the middle gives its rows and exit code 3", async () => {
    const cut = join(folder, "cut.pcap");
    writeFileSync(cut, readFileSync(both).subarray(0, -5));
    const run = await rebuild(cut, "--format", "csv", "--schema", "mbp-1");
    expect(run.code).toBe(3);
    expect(csvRows(run.out)).toHaveLength(5);
    expect(run.err).toContain("cut.pcap");
  });

  test("a file that is there is only replaced with --force", async () => {
    const out = join(folder, "kept.csv");
    writeFileSync(out, "kept");
    expect(await rebuild(both, "--out", out)).toMatchObject({ code: 2 });
    expect(readFileSync(out, "utf8")).toBe("kept");
    expect(await rebuild(both, "--out", out, "--force")).toMatchObject({ code: 0 });
    expect(readFileSync(out, "utf8")).toStartWith("ts_recv,");
  });

  test("an interrupt ends it even where its input says nothing", async () => {
    const silent = Bun.spawn([process.execPath, MAIN, "rebuild", "-", ...FEED], {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "ignore",
      timeout: 60_000,
    });
    silent.stdin.write(readFileSync(both));
    silent.stdin.flush();
    // By then it waits for more, or on a slow machine is still on its way: the end is the same.
    await Bun.sleep(1_000);
    silent.kill("SIGINT");
    expect(await silent.exited).toBe(130);
  });

  test("work that fails leaves no half-written file", async () => {
    const out = join(folder, "never.csv");
    await edgebook(["rebuild", both, "--out", out]);
    expect(existsSync(out)).toBe(false);
    expect(existsSync(`${out}.part`)).toBe(false);
  });
});

describe("the command line", () => {
  test("a flag's variable serves where the flag is not given, and the flag wins", async () => {
    const env = { EDGEBOOK_FEED: "nse-fo", EDGEBOOK_SCHEMA: "trades", EDGEBOOK_FORMAT: "csv" };
    const told = await edgebook(["rebuild", both], { env });
    expect(csvRows(told.out)).toHaveLength(1);
    const won = await edgebook(["rebuild", both, "--schema", "mbo"], { env });
    expect(csvRows(won.out)).toHaveLength(7);
  });

  test("- is standard input", async () => {
    const input = new Uint8Array(readFileSync(both));
    const run = await edgebook(["rebuild", ...FEED, "-", "--format", "csv"], { input });
    expect(run.code).toBe(0);
    expect(csvRows(run.out)).toHaveLength(7);
  });

  test("every command's help has an example that begins with its name", async () => {
    const { out } = await edgebook(["--help"]);
    const names = [...out.matchAll(/^ {2}(\S+) {2,}/gm)].map((found) => found[1]);
    expect(names).toContain("rebuild");
    for (const name of names) {
      const help = await edgebook([name, "--help"]);
      expect(help.code).toBe(0);
      expect(help.out).toContain(`  edgebook ${name}`);
    }
  });
});
