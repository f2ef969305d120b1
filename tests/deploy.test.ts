/** What `deploy/` hands to operators: settings that are taken, a unit that starts what there is. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../cli/commands/collect.ts";
import { parseCollectorConfig } from "../collector/config.ts";
import { parseJoin } from "../collector/join.ts";
import packageFile from "../package.json" with { type: "json" };
import { edgebook } from "./cli-run.ts";

const deploy = join(import.meta.dir, "../deploy");
const settings = join(deploy, "collector.nse-fo.toml");

describe("a collector of NSE's derivatives", () => {
  const config = parseCollectorConfig(
    readFileSync(settings, "utf8"),
    settings,
    packageFile.version,
  );

  test("joins eighteen streams, each on two lines and on groups of their own", () => {
    const joined = (config.join ?? []).map((text) => parseJoin(text, "nse-fo"));
    expect(joined.map((each) => `${each?.stream}/${each?.line}`).sort()).toEqual(
      Array.from({ length: 18 }, (_, at) => [`${at + 1}/0`, `${at + 1}/1`])
        .flat()
        .sort(),
    );
    expect(new Set(joined.map((each) => `${each?.group}:${each?.port}`)).size).toBe(36);
  });

  test("stays on the loopback interface until somebody says otherwise", () => {
    expect(config.interface).toBe("lo");
  });

  test("passes the check on this host", async () => {
    const { out } = await edgebook(["collect", "--config", settings, "--check"]);
    expect(out).toMatch(/^(ok|warn) +wire: 36 groups on lo/m);
    expect(out).not.toMatch(/^fail +wire/m);
  });

  test("settings for a later edgebook are refused, with what to do", async () => {
    expect(() => parseCollectorConfig('edgebook = "9.9"', "collector.toml", "0.1.0")).toThrow(
      "collector.toml was written for edgebook 9.9; this is 0.1.0",
    );
  });
});

describe("the systemd unit", () => {
  const unit = readFileSync(join(deploy, "edgebook-collect.service"), "utf8");

  test("starts the collector with flags that there are", () => {
    const known = new Set(command.flags.map(({ name }) => name));
    const starts = unit.match(/^Exec\w+=.*$/gm) ?? [];
    expect(starts).toHaveLength(2);
    for (const line of starts) {
      expect(line).toContain("/edgebook collect ");
      for (const [, flag] of line.matchAll(/ --([\w-]+)/g)) expect(known).toContain(flag);
    }
  });

  test("may open a ring and large buffers, and has no other right", () => {
    for (const key of ["AmbientCapabilities", "CapabilityBoundingSet"]) {
      expect(unit).toContain(`\n${key}=CAP_NET_RAW CAP_NET_ADMIN\n`);
    }
    expect(unit).toContain("\nNoNewPrivileges=yes\n");
  });
});
