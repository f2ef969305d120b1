import { describe, expect, test } from "bun:test";
import { parseChannelFile } from "./channel-file.ts";
import { InputError } from "./input-error.ts";

const table = `
# the CME example
[[channel]]
group = "224.0.31.11"
port = 14320
feed = "sequenced"
stream = 7
line = "A"
offset = 0
width = 4
endianness = "little"

[[channel]]
group = "FF15:0::1"
port = 15320
line = 2
`;

function failure(text: string, feeds?: string[]): string {
  try {
    parseChannelFile(text, feeds === undefined ? {} : { feeds });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.code).toBe("bad_channel_file");
    return error.message;
  }
  return "";
}

describe("a channel table", () => {
  test("gives its channels in order, addresses in one spelling", () => {
    expect(parseChannelFile(table)).toEqual([
      {
        group: "224.0.31.11",
        port: 14320,
        feed: "sequenced",
        stream: 7,
        line: 0,
        sequenceField: { offset: 0, width: 4, littleEndian: true },
      },
      { group: "ff15::1", port: 15320, feed: "", stream: 0, line: 1 },
    ]);
  });

  test("takes [[channels]], short byte orders, and the count in either form", () => {
    const start = `[[channels]]\ngroup = "239.1.1.1"\nport = 1\nfeed = "sequenced"\n`;
    const place = `offset = 8\nwidth = 8\nendian = "be"\n`;
    for (const count of ["count = { offset = 16, width = 2 }", "count-offset=16\ncount_width=2"]) {
      expect(parseChannelFile(start + place + count)[0].sequenceField).toEqual({
        offset: 8,
        width: 8,
        littleEndian: false,
        count: { offset: 16, width: 2 },
      });
    }
  });

  test("an error names the line, the entry and the field, and says what to write", () => {
    const place = "the channel file, line 15: [[channel]] entry 2: ";
    expect(failure(table.replace("15320", '"x"'))).toBe(
      `${place}port is "x"; write a whole number from 1 to 65535`,
    );
    expect(failure(table.replace("line = 2", "lime = 2"))).toContain(
      "line 16: [[channel]] entry 2: lime is no field of a channel; these are: group",
    );
  });

  test.each([
    ["group", table.replace("224.0.31.11", "224.0.31.256"), 'group is "224.0.31.256"'],
    ["group missing", "[[channel]]\nport = 1", "line 1: [[channel]] entry 1: group is missing"],
    ["line", table.replace("line = 2", "line = 0"), 'line is 0; write "A" or "B"'],
    ["width", table.replace("width = 4", "width = 3"), "width is 3; write 1, 2, 4 or 8"],
    ["no width", table.replace("width = 4", ""), "width is missing"],
    ["order", table.replace('"little"', '"middle"'), 'endianness is "middle"'],
    ["count", table.replace("width = 4", "width = 4\ncount = 3"), "count is 3; write {"],
    ["not sequenced", table.replace('"sequenced"', '"nse-fo"'), "offset is only for"],
    ["same address", `${table}${table}`, "port gives 224.0.31.11:14320 again, as entry 1 does"],
    ["no entry", "", "has no [[channel]] entry"],
    ["no TOML", `${table}\ngroup = \nport = 3\n`, "line 18: TOML Parse error"],
  ])("%s", (_, text, message) => {
    expect(failure(text)).toContain(message);
  });

  test("a feed that nobody knows is refused with those that there are", () => {
    expect(failure(table, ["nse-fo", "iex-deep"])).toContain(
      'feed is "sequenced"; write one of nse-fo, iex-deep',
    );
  });
});
