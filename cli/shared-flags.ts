/** Flags that several commands share, so that they are called and explained alike everywhere. */
import type { FlagSpec } from "./command.ts";

export const FEED_FLAG: FlagSpec = {
  name: "feed",
  kind: "text",
  placeholder: "FEED",
  doc: "The exchange's feed; 'edgebook feeds' lists them.",
};

export const CHANNELS_FLAG: FlagSpec = {
  name: "channels",
  kind: "text",
  placeholder: "FILE",
  doc: "TOML table of channels: group and port to feed, stream and line.",
};

export const MASTERS_FLAG: FlagSpec = {
  name: "masters",
  kind: "text",
  repeatable: true,
  placeholder: "FILE",
  doc: "Contract file of the exchange: symbols, expiries, strikes.",
};

export const WINDOW_FLAG: FlagSpec = {
  name: "window",
  kind: "text",
  placeholder: "TIME[,MESSAGES]",
  fallback: "100ms,1000000",
  doc:
    "How long a missing number is waited for, in capture time, and how many messages of a stream " +
    "wait at most: 100ms, 5000messages, or both; 0 runs on at once.",
};

export const DATE_FLAG: FlagSpec = {
  name: "date",
  kind: "text",
  placeholder: "YYYY-MM-DD",
  doc: "Trading day, for feeds that give time since midnight.",
};

export const SPEC_FLAG: FlagSpec = {
  name: "spec",
  kind: "text",
  placeholder: "VERSION",
  doc: "Protocol version, for feeds whose layouts differ between versions.",
};

export const FORMAT_FLAG: FlagSpec = {
  name: "format",
  kind: "text",
  values: ["ndjson", "csv", "parquet"],
  doc: "How rows are written; else by the ending of --out, else ndjson.",
};

export const OUT_FLAG: FlagSpec = {
  name: "out",
  kind: "text",
  placeholder: "FILE",
  doc: "Where rows are written instead of standard output.",
};

export const FORCE_FLAG: FlagSpec = {
  name: "force",
  kind: "boolean",
  doc: "Overwrite files that are already there.",
};

export const CHECKSUMS_FLAG: FlagSpec = {
  name: "verify-checksums",
  kind: "boolean",
  doc: "Count wrong IP and UDP checksums; such datagrams are used all the same.",
};

/** How frames are found and read: for every command that reads captures. */
export const CAPTURE_FLAGS: readonly FlagSpec[] = [
  FEED_FLAG,
  CHANNELS_FLAG,
  MASTERS_FLAG,
  WINDOW_FLAG,
  DATE_FLAG,
  SPEC_FLAG,
];

/** How rows are written. */
export const ROW_FLAGS: readonly FlagSpec[] = [FORMAT_FLAG, OUT_FLAG, FORCE_FLAG];
