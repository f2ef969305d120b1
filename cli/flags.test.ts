import { describe, expect, test } from "bun:test";
import type { FlagSpec } from "./command.ts";
import { CliError } from "./errors.ts";
import { parseFlags } from "./flags.ts";
import { parseMoment } from "./moment.ts";
import { nearest } from "./nearest.ts";
import { parseWindow } from "./window.ts";

const SPECS: FlagSpec[] = [
  { name: "feed", kind: "text", doc: "" },
  { name: "masters", kind: "text", repeatable: true, doc: "" },
  { name: "force", kind: "boolean", doc: "" },
  { name: "depth", kind: "integer", doc: "" },
  { name: "wait", kind: "duration", fallback: "100ms", doc: "" },
  { name: "format", kind: "text", values: ["csv", "ndjson"], doc: "" },
];
const parse = (...words: string[]) => parseFlags(words, SPECS, {});

/** What the error says, and how it says to mend it. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof CliError) return `${thrown.exitCode} ${thrown.message} ${thrown.hint}`;
  }
  return "accepted";
}

describe("flags", () => {
  test("values stand behind a space or an equals sign, arguments anywhere", () => {
    const { flags, args } = parse("a.pcap", "--feed", "x", "--depth=5", "-", "--", "--force");
    expect(flags.text("feed")).toBe("x");
    expect(flags.integer("depth")).toBe(5);
    expect(flags.on("force")).toBe(false);
    expect(args).toEqual(["a.pcap", "-", "--force"]);
  });

  test("a repeatable flag keeps all its values, another may be given once", () => {
    expect(parse("--masters", "a", "--masters", "b").flags.texts("masters")).toEqual(["a", "b"]);
    expect(refusal(() => parse("--feed", "a", "--feed", "b"))).toContain(
      "2 '--feed' is given twice",
    );
  });

  test("a boolean can be denied", () => {
    expect(parse("--force").flags.on("force")).toBe(true);
    expect(parse("--force", "--no-force").flags.on("force")).toBe(false);
    expect(parse("--force=no").flags.on("force")).toBe(false);
  });

  test("the environment serves where the line says nothing, then the fallback", () => {
    const env = { EDGEBOOK_MASTERS: "a,b", EDGEBOOK_WAIT: "2s", EDGEBOOK_FORCE: "1" };
    const { flags } = parseFlags(["--wait", "5us"], SPECS, env);
    expect(flags.texts("masters")).toEqual(["a", "b"]);
    expect(flags.durationNs("wait")).toBe(5000);
    expect(flags.on("force")).toBe(true);
    expect(parse().flags.durationNs("wait")).toBe(100e6);
  });

  test("what is wrong is named, and what was probably meant", () => {
    expect(refusal(() => parse("--fed", "x"))).toContain("Did you mean --feed?");
    expect(refusal(() => parse("--format", "cvs"))).toContain("Did you mean csv?");
    expect(refusal(() => parse("--depth", "-1"))).toContain("not a whole number");
    expect(refusal(() => parse("--wait", "3"))).toContain("with its unit");
    expect(refusal(() => parse("--feed"))).toContain("needs a value");
    expect(refusal(() => parse("--feed", "--force"))).toContain("needs a value");
    expect(refusal(() => parseFlags([], SPECS, { EDGEBOOK_DEPTH: "x" }))).toContain(
      "EDGEBOOK_DEPTH",
    );
  });

  test("a word that is like none suggests nothing", () => {
    expect(nearest("zzzzzz", ["feed", "force"])).toBeUndefined();
  });
});

describe("values with a meaning of their own", () => {
  test("a window is a time, a number of messages, or both", () => {
    expect(parseWindow("100ms")).toEqual({ windowNs: 100e6 });
    expect(parseWindow("0")).toEqual({ windowNs: 0 });
    expect(parseWindow("5000messages")).toEqual({ windowMessages: 5000 });
    expect(parseWindow("1s, 20")).toEqual({ windowNs: 1e9, windowMessages: 20 });
    expect(refusal(() => parseWindow("soon"))).toContain("soon");
  });

  test("a time is ISO 8601 or nanoseconds, exact to the last digit", () => {
    expect(parseMoment("from", "1700000000123456789")).toEqual({
      sec: 1_700_000_000,
      nsec: 123_456_789,
    });
    expect(parseMoment("from", "2023-10-02T11:34:00.000000001Z")).toEqual({
      sec: 1_696_246_440,
      nsec: 1,
    });
    expect(parseMoment("from", "2023-10-02T17:04:00+05:30").sec).toBe(1_696_246_440);
    expect(parseMoment("from", "2023-10-02").sec).toBe(1_696_204_800);
    expect(refusal(() => parseMoment("until", "2023-13-02"))).toContain("--until");
  });
});
