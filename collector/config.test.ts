import { describe, expect, test } from "bun:test";
import { parseCollectorConfig } from "./config.ts";
import { parseJoin } from "./join.ts";

const message = (text: string) => {
  try {
    parseCollectorConfig(text, "collector.toml");
  } catch (error) {
    return (error as Error).message;
  }
  return "accepted";
};

describe("collector.toml", () => {
  test("takes every field", () => {
    const config = parseCollectorConfig(
      `name = "colo-1"
feed = "nse-fo"
interface = "lo"
join = [
  "239.1.1.1:10001=1/A",
]
to = ["mqtt://127.0.0.1:1883"]
keep = "both"
chunk_age_ms = 20
[spool]
gib = 2.5
age_hours = 36
full = "stop"
sync = "always"
[mqtt]
ca = "ca.pem"
user = "colo-1"
password_file = "password"
`,
      "collector.toml",
    );
    expect(config.spool).toEqual({ gib: 2.5, age_hours: 36, full: "stop", sync: "always" });
    expect(config.mqtt?.password_file).toBe("password");
    expect(config.join).toEqual(["239.1.1.1:10001=1/A"]);
  });

  test("an error names the line and the field", () => {
    expect(message('name = "a"\nkeep = "most"\n')).toMatch(/line 2, field keep: /);
    expect(message('name = "a"\n\n[spool]\ngib = "many"\n')).toMatch(/line 4, field spool.gib: /);
    expect(message('\nnmae = "a"\n')).toBe(
      "collector.toml, line 2, field nmae: there is no such field",
    );
    expect(message('[mqtt]\npassword = "x"\n')).toBe(
      "collector.toml, line 2, field mqtt.password: there is no such field",
    );
    expect(message('name = "a"\njoin = 7\n')).toMatch(/line 2, field join: /);
  });

  test("what is no TOML is told with its line", () => {
    expect(message('name = "a"\nto = [\n  "x",\n]\nkeep = \n')).toMatch(/line 5: this is no TOML/);
  });
});

describe("--join", () => {
  test("gives group, port, stream and line", () => {
    expect(parseJoin("239.1.1.1:10001=7/B", "nse-fo")).toEqual({
      group: "239.1.1.1",
      port: 10001,
      feed: "nse-fo",
      stream: 7,
      line: 1,
    });
    expect(parseJoin("239.1.1.1:10001", "")).toMatchObject({ stream: 0, line: -1 });
  });

  test("refuses what is none", () => {
    for (const text of ["", "239.1.1.1", "239.1.1.1:0", "239.1.1.1:70000", "h:1", "1.1.1.1:1=x"]) {
      expect(parseJoin(text, "")).toBeUndefined();
    }
    expect(parseJoin("239.1.1.1:1=1/Z", "")).toBeUndefined();
  });
});
