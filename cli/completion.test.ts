import { beforeAll, describe, expect, test } from "bun:test";
import { COMMANDS } from "./commands.ts";
import {
  type CompletedCommand,
  completedCommands,
  completionScript,
  SHELLS,
} from "./completion.ts";
import { parseFlags } from "./flags.ts";

let commands: CompletedCommand[];
beforeAll(async () => {
  commands = await completedCommands(COMMANDS);
});

/** What bash would offer for the last of these words. */
function offeredByBash(...words: string[]): string[] {
  const given = ["edgebook", ...words].map((word) => `'${word}'`).join(" ");
  const script = `${completionScript("bash", commands)}
COMP_WORDS=(${given}); COMP_CWORD=${words.length}; _edgebook; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = Bun.spawnSync(["bash", "-c", script], { cwd: import.meta.dir });
  expect(stderr.toString()).toBe("");
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

describe("bash completes", () => {
  test("commands", () => {
    expect(offeredByBash("re")).toEqual(["rebuild", "replay"]);
    expect(offeredByBash("")).toEqual(expect.arrayContaining([...Object.keys(COMMANDS), "--help"]));
  });

  test("flags of the command, and no others", () => {
    expect(offeredByBash("rebuild", "--set")).toEqual(["--settled"]);
    expect(offeredByBash("collect", "--set")).toEqual([]);
  });

  test("values of a flag that has a list, after a blank and after an equals sign", () => {
    expect(offeredByBash("decode", "--format", "p")).toEqual(["parquet"]);
    expect(offeredByBash("decode", "--feed", "=", "iex")).toEqual(["iex-deep", "iex-tops"]);
    expect(offeredByBash("decode", "--format", "=")).toEqual(["ndjson", "csv", "parquet"]);
  });

  test("parts of a command, and their flags", () => {
    expect(offeredByBash("sim", "c")).toEqual(["check", "canary"]);
    expect(offeredByBash("sim", "check", "--see")).toEqual(["--seed"]);
  });

  test("files where files go, and nothing where nobody can know", () => {
    expect(offeredByBash("rebuild", "completion.te")).toEqual(["completion.test.ts"]);
    expect(offeredByBash("rebuild", "--token", "c")).toEqual([]);
  });
});

describe("every shell's script", () => {
  test("names every command and every flag", () => {
    for (const shell of SHELLS) {
      const script = completionScript(shell, commands);
      for (const { words, flags } of commands) {
        expect(script).toContain(words.split(" ").at(-1) ?? "");
        for (const { name } of flags)
          expect(script).toContain(shell === "fish" ? `-l ${name}` : `--${name}`);
      }
    }
  });

  test("is one that its shell can read", () => {
    for (const shell of SHELLS) {
      if (Bun.which(shell) === null) {
        console.log(`not run: no ${shell}`);
        continue;
      }
      const script = new TextEncoder().encode(completionScript(shell, commands));
      const { exitCode, stderr } = Bun.spawnSync([shell, "-n"], { stdin: script });
      expect([exitCode, stderr.toString()]).toEqual([0, ""]);
    }
  });
});

test("every command has examples, and their flags are flags of the command", async () => {
  for (const [name, entry] of Object.entries(COMMANDS)) {
    const { command, subcommands = {} } = await entry.load();
    const parts = await Promise.all(
      Object.entries(subcommands).map(async ([part, { load }]) => {
        return [`${name} ${part}`, (await load()).command] as const;
      }),
    );
    for (const [words, each] of [[name, command] as const, ...parts]) {
      expect(each.examples.length).toBeGreaterThan(0);
      for (const [line] of each.examples) {
        // A family's examples are of its parts, which have their own.
        if (!line.startsWith(`edgebook ${words} `) || (parts.length > 0 && words === name))
          continue;
        const typed = line.slice(`edgebook ${words} `.length).split(/ [|>] /)[0];
        const flags = typed.split(" ").filter((word) => /^--\w/.test(word));
        for (const flag of flags.map((word) => word.slice(2).split("=")[0])) {
          const known = each.flags.map((spec) => spec.name);
          expect([line, known.includes(flag.replace(/^no-/, "")) || known.includes(flag)]).toEqual([
            line,
            true,
          ]);
        }
      }
    }
  }
  expect(() => parseFlags(["--nothing"], [], {})).toThrow("There is no flag");
});
