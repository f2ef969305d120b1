/**
 * NSE's contract and spread files (`*_contract_stream_info.csv`): which token is what, and on which
 * stream. They are read as they are found: CRLF or LF, with or without the comma at a line's end,
 * with or without the header; a line that is neither contract nor spread is counted and shown.
 *
 * A spread file names two tokens, the feed's spread messages only one, and nobody says which. So
 * `S` and either token give the underlying's name, and no pair of legs is promised.
 */
import { exactDecimal } from "../decimal.ts";
import type { InstrumentMaster } from "../instruments.ts";

export interface NseMasters {
  /** By instrument name as the decoder makes it: `61684`, `S45585`. */
  readonly byName: Map<string, InstrumentMaster>;
  /** Stream of each instrument, by the same name. */
  readonly streams: Map<string, number>;
  readonly contracts: number;
  readonly spreads: number;
  /** Lines that could not be read. */
  readonly damagedLines: number;
  /** The first few of those, doubled tokens, and counts that disagree with a header. */
  readonly remarks: readonly string[];
}

/** The text is no contract file at all. */
export class MastersError extends Error {
  readonly code = "bad_masters_file";

  constructor() {
    super(
      "no contract found: a contract file has lines such as " +
        "'C,5,35000,OPTIDX,BANKNIFTY,1183818600,2100000,CE', a spread file 'P,6,45585,49743'",
    );
    this.name = "MastersError";
  }
}

const MOST_REMARKS = 10;

interface Reading {
  readonly byName: Map<string, InstrumentMaster>;
  readonly streams: Map<string, number>;
  readonly underlyings: Map<number, string>;
  readonly spreads: { readonly stream: number; readonly tokens: readonly [number, number] }[];
  contracts: number;
  damagedLines: number;
  readonly remarks: string[];
}

/**
 * Reads contract and spread files together, in any order.
 * @param texts whole files, decompressed
 * @param priceDecimals places of a strike: the feed's
 * @throws MastersError none of them holds a single contract or spread
 */
export function parseMasters(texts: readonly string[], priceDecimals: number): NseMasters {
  const reading: Reading = {
    byName: new Map(),
    streams: new Map(),
    underlyings: new Map(),
    spreads: [],
    contracts: 0,
    damagedLines: 0,
    remarks: [],
  };
  for (const text of texts) readFile(text, priceDecimals, reading);
  if (reading.contracts + reading.spreads.length === 0) throw new MastersError();
  for (const { stream, tokens } of reading.spreads) {
    for (const token of tokens) addSpread(token, stream, reading);
  }
  const { byName, streams, contracts, damagedLines, remarks } = reading;
  return { byName, streams, contracts, spreads: reading.spreads.length, damagedLines, remarks };
}

function readFile(text: string, priceDecimals: number, reading: Reading): void {
  const before = reading.contracts + reading.spreads.length;
  let declared: number | undefined;
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const fields = lines[i].trim().split(",");
    const type = fields[0].trim();
    if (type === "C" || type === "P") {
      const read =
        type === "C" ? readContract(fields, priceDecimals, reading) : readSpread(fields, reading);
      if (!read) damaged(reading, i, lines[i]);
    } else if (i === 0 && wholeNumber(fields[0]) !== undefined) {
      declared = wholeNumber(fields[1]);
    } else if (type !== "" || fields.length > 1) {
      damaged(reading, i, lines[i]);
    }
  }
  const found = reading.contracts + reading.spreads.length - before;
  if (declared !== undefined && declared !== found) {
    remark(reading, `the header announces ${declared} records, the file holds ${found}`);
  }
}

function readContract(fields: readonly string[], priceDecimals: number, into: Reading): boolean {
  const stream = wholeNumber(fields[1]);
  const token = wholeNumber(fields[2]);
  const symbol = fields[4]?.trim() ?? "";
  if (stream === undefined || token === undefined || symbol === "") return false;
  const instrument = fields[3].trim();
  const expirySec = wholeNumber(fields[5]) ?? 0;
  const strike = wholeNumber(fields[6]) ?? 0;
  const code = fields[7]?.trim() ?? "";
  const optionType = code === "XX" ? "" : code;
  const expiry = expirySec > 0 ? isoDate(expirySec) : undefined;
  const words = [symbol];
  if (expiry !== undefined) words.push(expiry);
  if (strike > 0) words.push(plainPrice(strike, priceDecimals));
  words.push(optionType !== "" ? optionType : expiry !== undefined ? "FUT" : "");
  const name = String(token);
  if (into.byName.has(name))
    remark(into, `token ${name} occurs more than once, the last one counts`);
  into.byName.set(name, {
    symbol: words.filter((word) => word !== "").join(" "),
    instrument,
    ...(expiry !== undefined && { expiry }),
    ...(strike > 0 && { strike }),
    ...(optionType !== "" && { optionType }),
  });
  into.streams.set(name, stream);
  into.underlyings.set(token, symbol);
  into.contracts++;
  return true;
}

function readSpread(fields: readonly string[], into: Reading): boolean {
  const stream = wholeNumber(fields[1]);
  const near = wholeNumber(fields[2]);
  const far = wholeNumber(fields[3]);
  if (stream === undefined || near === undefined || far === undefined) return false;
  into.spreads.push({ stream, tokens: [near, far] });
  return true;
}

function addSpread(token: number, stream: number, into: Reading): void {
  const name = `S${token}`;
  const underlying = into.underlyings.get(token);
  into.byName.set(name, {
    symbol: underlying === undefined ? `spread ${token}` : `${underlying} spread ${token}`,
    instrument: "SPREAD",
  });
  into.streams.set(name, stream);
}

function damaged(reading: Reading, index: number, line: string): void {
  reading.damagedLines++;
  remark(reading, `line ${index + 1} is neither contract nor spread: ${line.trim().slice(0, 80)}`);
}

function remark(reading: Reading, text: string): void {
  if (reading.remarks.length < MOST_REMARKS) reading.remarks.push(text);
}

function wholeNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  return /^-?\d{1,15}$/.test(trimmed) ? Number(trimmed) : undefined;
}

/** 2100000 with two places is "21000": nobody writes a strike's empty places. */
function plainPrice(integer: number, decimals: number): string {
  const text = exactDecimal(integer, decimals);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** ISO date of seconds since 1980-01-01, by arithmetic: the file's zone is the exchange's own. */
function isoDate(sec: number): string {
  // Days since 0000-03-01, so that the leap day ends its year; 400 years are 146,097 days.
  const days = Math.floor(sec / 86_400) + 723_120;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const leapsBefore = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - (365 * yearOfEra + leapsBefore);
  const march = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * march + 2) / 5) + 1;
  const month = march < 10 ? march + 3 : march - 9;
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}
