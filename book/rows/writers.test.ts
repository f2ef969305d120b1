import { describe, expect, test } from "bun:test";
import { parquetReadObjects } from "hyparquet";
import { RowFlag } from "../../feed/message-batch.ts";
import { CsvWriter } from "./csv.ts";
import { NameTable } from "./name-table.ts";
import { NdjsonWriter } from "./ndjson.ts";
import { ParquetRows } from "./parquet.ts";
import { RowBatch, type RowSink } from "./row-batch.ts";
import { bookColumns } from "./schema.ts";

class Collected {
  readonly pieces: Uint8Array[] = [];

  write(bytes: Uint8Array): void {
    this.pieces.push(bytes.slice());
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.pieces);
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }
}

const names = () => bookColumns("mbo").map((column) => column.name);

/** A full row and one with everything missing that may be missing. */
function twoRows(): RowBatch {
  const table = new NameTable();
  const batch = new RowBatch(bookColumns("mbo"), table, 4, 8);
  for (const row of [0, 1]) batch.clearRow(row);
  batch.time("ts_recv").sec[0] = 1_700_000_000;
  batch.time("ts_recv").nsec[0] = 7;
  for (const row of [0, 1]) {
    batch.number("stream").value[row] = 1;
    batch.number("sequence").value[row] = 9_007_199_254_740_991;
    batch.name("token").value[row] = table.indexOf(row === 0 ? "AAPL" : 'odd,"name"');
    batch.bytes("action").value[row] = 65;
    batch.bytes("side").value[row] = 66;
  }
  batch.number("price").value[0] = -50;
  batch.number("size").value[0] = 100;
  batch.words("order_id").lo[0] = -1;
  batch.words("order_id").hi[0] = -1;
  batch.bytes("flags").value[0] = RowFlag.Gap | RowFlag.Last | RowFlag.Snapshot;
  batch.count = 2;
  return batch;
}

function written(make: (out: Collected) => RowSink & { finish(): void }): Collected {
  const out = new Collected();
  const writer = make(out);
  writer.write(twoRows());
  writer.finish();
  return out;
}

describe("rows as text", () => {
  test("CSV has a header, exact decimals, flags in their order, and nothing where nothing is", () => {
    expect(
      written((out) => new CsvWriter(out, names()))
        .text()
        .split("\n"),
    ).toEqual([
      "ts_recv,ts_event,stream,sequence,token,action,side,price,size,order_id,flags",
      "1700000000000000007,,1,9007199254740991,AAPL,A,B,-0.0050,100,18446744073709551615,SGL",
      ',,1,9007199254740991,"odd,""name""",A,B,,,,',
      "",
    ]);
  });

  test("an output without rows still has its header", () => {
    const out = new Collected();
    new CsvWriter(out, ["a", "b"]).finish();
    expect(out.text()).toBe("a,b\n");
  });

  test("in JSON 64-bit numbers and prices are strings, missing values null", () => {
    const lines = written((out) => new NdjsonWriter(out, names()))
      .text()
      .trim()
      .split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        ts_recv: "1700000000000000007",
        ts_event: null,
        stream: 1,
        sequence: "9007199254740991",
        token: "AAPL",
        action: "A",
        side: "B",
        price: "-0.0050",
        size: 100,
        order_id: "18446744073709551615",
        flags: "SGL",
      },
      {
        ts_recv: null,
        ts_event: null,
        stream: 1,
        sequence: "9007199254740991",
        token: 'odd,"name"',
        action: "A",
        side: "B",
        price: null,
        size: null,
        order_id: null,
        flags: "",
      },
    ]);
  });

  test("rows of several shapes leave out what they do not have", () => {
    const lines = written((out) => new NdjsonWriter(out, names(), true))
      .text()
      .split("\n");
    expect(Object.keys(JSON.parse(lines[1]))).not.toContain("price");
  });
});

test("Parquet gives back times, decimals, unsigned ids and nulls", async () => {
  const out = written((sink) => new ParquetRows(sink, twoRows()));
  const { buffer } = new Uint8Array(out.bytes());
  const rows = await parquetReadObjects({
    file: buffer as ArrayBuffer,
    parsers: { timestampFromNanoseconds: (ns: bigint) => ns } as never,
  });
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({
    ts_event: null,
    stream: 1n,
    sequence: 9_007_199_254_740_991n,
    token: "AAPL",
    action: "A",
    price: -0.005,
    size: 100n,
    order_id: 18_446_744_073_709_551_615n,
    flags: "SGL",
  });
  expect(BigInt(rows[0].ts_recv as bigint)).toBe(1_700_000_000_000_000_007n);
  expect(rows[1]).toMatchObject({ ts_recv: null, price: null, order_id: null, flags: "" });
});
