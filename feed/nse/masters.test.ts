import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { MastersError, parseMasters } from "./masters.ts";

const FOLDER = join(import.meta.dir, "../../../shared/data/masters");

/** A real file by segment and month; undefined, and said so, where there is none. */
function real(segment: string, month: string): string | undefined {
  const path = join(FOLDER, `${segment}_contract_stream_info.${month}.csv.gz`);
  if (existsSync(path)) return gunzipSync(readFileSync(path)).toString("latin1");
  console.log("not run: no captures");
  return undefined;
}

describe("contract files", () => {
  test("LF or CRLF, with or without last comma and header, give the same", () => {
    const option = "C,5,35000,OPTIDX,BANKNIFTY,1183818600,2100000,CE";
    const wanted = {
      symbol: "BANKNIFTY 2017-07-06 21000 CE",
      instrument: "OPTIDX",
      expiry: "2017-07-06",
      strike: 2_100_000,
      optionType: "CE",
    };
    for (const text of [
      `${option}`,
      `${option},\n`,
      `1180213580,1,\r\n${option},\r\n`,
      `1180213580,1\n\n ${option} \n\n`,
    ]) {
      const masters = parseMasters([text], 2);
      expect(masters.byName.get("35000")).toEqual(wanted);
      expect(masters.streams.get("35000")).toBe(5);
      expect([masters.contracts, masters.damagedLines, masters.remarks]).toEqual([1, 0, []]);
    }
  });

  test("a future, a share and a strike with places read as people write them", () => {
    const text = [
      "C,2,45585,FUTSTK,M&M,1183213800,0,XX",
      "C,2,1,EQUITY,GOLDSTAR,0,0,SM",
      "C,1,7,OPTSTK,X,1183213800,12250,PE",
      "C,1,8,OPTSTK,X,1183213800,3000,PE",
    ].join("\n");
    const { byName } = parseMasters([text], 2);
    expect(byName.get("45585")?.symbol).toBe("M&M 2017-06-29 FUT");
    expect(byName.get("1")).toEqual({
      symbol: "GOLDSTAR SM",
      instrument: "EQUITY",
      optionType: "SM",
    });
    expect(byName.get("7")?.symbol).toBe("X 2017-06-29 122.5 PE");
    expect(byName.get("8")?.symbol).toBe("X 2017-06-29 30 PE");
    expect(parseMasters([text], 7).byName.get("7")?.symbol).toBe("X 2017-06-29 0.001225 PE");
  });

  test("every day of a century has its own ISO date", () => {
    for (let day = 1; day < 36_525; day += 1) {
      const sec = day * 86_400 + 52_200;
      const { byName } = parseMasters([`C,1,1,F,S,${sec},0,XX`], 2);
      const wanted = new Date((sec + 315_532_800) * 1000).toISOString().slice(0, 10);
      if (byName.get("1")?.expiry !== wanted) expect(byName.get("1")?.expiry).toBe(wanted);
    }
  });

  test("a spread carries its underlying's name for either token, and promises no legs", () => {
    const contracts = "C,6,45585,FUTSTK,ABC,1183213800,0,XX\nC,6,49743,FUTSTK,ABC,1185632400,0,XX";
    const masters = parseMasters(["P,6,45585,49743,\nP,6,1,2", contracts], 2);
    const spread = { symbol: "ABC spread 45585", instrument: "SPREAD" };
    expect(masters.byName.get("S45585")).toEqual(spread);
    expect(masters.byName.get("S49743")?.symbol).toBe("ABC spread 49743");
    expect(masters.byName.get("S1")?.symbol).toBe("spread 1");
    expect(masters.streams.get("S45585")).toBe(6);
    expect([masters.contracts, masters.spreads]).toEqual([2, 2]);
  });

  test("a line that is neither is counted and shown, the others count", () => {
    const text = "1180213580,5,\nC,1,2,EQUITY,A,0,0,EQ\nC,x,3,EQUITY,B,0,0,EQ\nrubbish\nP,1,2\n";
    const masters = parseMasters([text], 2);
    expect([masters.contracts, masters.damagedLines]).toEqual([1, 3]);
    expect(masters.remarks).toEqual([
      "line 3 is neither contract nor spread: C,x,3,EQUITY,B,0,0,EQ",
      "line 4 is neither contract nor spread: rubbish",
      "line 5 is neither contract nor spread: P,1,2",
      "the header announces 5 records, the file holds 1",
    ]);
  });

  test("a file without any contract is an error that shows what one looks like", () => {
    for (const text of ["", "hello", "1180213580,0,\n", "\u0000\u0001"]) {
      expect(() => parseMasters([text], 2)).toThrow(MastersError);
    }
  });
});

describe("the real contract files", () => {
  test("derivatives of May 2017: 54,289 contracts and 446 spreads, nothing damaged", () => {
    const contracts = real("fo", "2017-05");
    const spreads = real("fo_spd", "2017-05");
    if (contracts === undefined || spreads === undefined) return;
    const masters = parseMasters([contracts, spreads], 2);
    expect([masters.contracts, masters.spreads]).toEqual([54_289, 446]);
    expect([masters.damagedLines, masters.remarks]).toEqual([0, []]);
    expect(masters.byName.get("35000")?.symbol).toBe("BANKNIFTY 2017-07-06 21000 CE");
    expect(masters.byName.get("S45585")?.symbol).toBe("ABIRLANUVO spread 45585");
    for (const [name, stream] of masters.streams) {
      if (name.startsWith("S")) expect(masters.streams.get(name.slice(1))).toBe(stream);
    }
  });

  test("shares: 26,325 of May 2017 and 39,570 of July 2025, nothing damaged", () => {
    for (const [month, count] of [
      ["2017-05", 26_325],
      ["2025-07", 39_570],
    ] as const) {
      const text = real("cm", month);
      if (text === undefined) return;
      const masters = parseMasters([text], 2);
      expect([masters.contracts, masters.byName.size]).toEqual([count, count]);
      expect([masters.damagedLines, masters.remarks]).toEqual([0, []]);
    }
  });
});
