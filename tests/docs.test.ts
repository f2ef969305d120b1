/** What the documents show is what happens: every command of them runs, and says what they say. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { COMMANDS } from "../cli/commands.ts";
import { complaintOf, type Ran, readScript, runScript } from "./docs-run.ts";

const house = join(import.meta.dir, "..");
const scratch = mkdtempSync(join(tmpdir(), "edgebook-docs-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Of a machine that has much else to do. */
const LIMIT_MS = 200_000;

const guides = readdirSync(join(house, "docs/guides")).map((name) => `docs/guides/${name}`);
/** Documents that are a session of their own. */
const RUN = [...guides, "README.md", "docs/JUDGE-YOUR-HANDLER.md"];
/** In this one the reader writes files of a checkout. */
const WRITES_SOURCES = "docs/guides/write-a-feed.md";

describe("a reader who types what stands there", () => {
  const sessions = new Map<string, Promise<Ran[]>>();
  // Side by side: most of their time is waiting for processes to begin.
  beforeAll(() => {
    for (const path of RUN) sessions.set(path, typed(path));
  });

  for (const path of RUN) {
    const name = `sees what ${path} shows`;
    test(
      name,
      async () => {
        const ran = (await sessions.get(path)) ?? [];
        expect(ran.length).toBeGreaterThan(0);
        expect(ran.map(complaintOf).find((each) => each !== undefined)).toBeUndefined();
      },
      LIMIT_MS,
    );
  }
});

function typed(path: string): Promise<Ran[]> {
  const folder = mkdtempSync(join(scratch, "run-"));
  const isCheckout = path === WRITES_SOURCES;
  if (isCheckout) copyCheckout(folder);
  else for (const name of ["bin", "deploy"]) symlinkSync(join(house, name), join(folder, name));
  const script = readScript(readFileSync(join(house, path), "utf8"));
  return runScript(script, { folder, house: isCheckout ? folder : house });
}

test("every link between documents leads somewhere", () => {
  const pages = [
    ...RUN,
    "CONTRIBUTING.md",
    ...readdirSync(join(house, "docs"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `docs/${name}`),
  ];
  const dead: string[] = [];
  for (const page of new Set(pages)) {
    const text = readFileSync(join(house, page), "utf8");
    for (const [, target] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      if (!existsSync(join(house, dirname(page), target))) dead.push(`${page}: ${target}`);
    }
  }
  expect(dead).toEqual([]);
});

test("what other documents show has commands and flags that there are", async () => {
  const wrong: string[] = [];
  const rooms = readdirSync(house).filter((name) => !/^\.|node_modules|dist/.test(name));
  const pages = rooms.flatMap((room) => [...new Bun.Glob(`${room}/*.md`).scanSync(house)]);
  let seen = 0;
  for (const page of pages) {
    const text = readFileSync(join(house, page), "utf8");
    for (const line of shownCommands(text)) {
      seen++;
      const complaint = await complaintOfCommand(line);
      if (complaint !== undefined) wrong.push(`${page}: ${line}: ${complaint}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(20);
});

describe("the reader of documents", () => {
  test("joins lines, waits for a heredoc's end, and takes output as output", () => {
    const { steps, files } = readScript(
      "```sh\na \\\n  b\ncat > x <<'EOF'\none\nEOF\n```\n```console\n$ c\nd …\n$ e\n```\n```ts x.ts\n1;\n```\n",
    );
    expect(steps.map(({ command }) => command)).toEqual([
      "a \\\n  b",
      "cat > x <<'EOF'\none\nEOF",
      "c",
      "e",
    ]);
    expect(steps.map(({ shown }) => shown)).toEqual([undefined, undefined, ["d …"], []]);
    expect(files).toEqual([{ path: "x.ts", text: "1;\n" }]);
  });

  test("notices another output, another exit code, and a command that never ran", async () => {
    const folder = mkdtempSync(join(scratch, "wrong-"));
    const text =
      "```console\n$ echo one\ntwo\n$ echo one\n…e\n```\n```sh\nfalse\nexit 0\ntrue\n```\n";
    const ran = await runScript(readScript(text), { folder, house });
    const wrong = ran.map((each) => complaintOf(each) !== undefined);
    expect(wrong).toEqual([true, false, true, true, true]);
  });
});

/** The sources alone; what is installed is shared. */
function copyCheckout(folder: string): void {
  const skip = /^(\.|node_modules$|dist$|docs$|deploy$|bench$)/;
  for (const name of readdirSync(house).filter((each) => !skip.test(each))) {
    cpSync(join(house, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(house, "node_modules"), join(folder, "node_modules"));
}

/** Lines of fenced blocks that begin with edgebook, whole. */
function shownCommands(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```(?:sh|console|bash)?\n([\s\S]*?)^```$/gm)];
  const lines = blocks.flatMap(([, text]) => text.replaceAll(/\\\n\s*/g, " ").split("\n"));
  return lines.flatMap((line) => /^(?:\$ )?(?:bin\/)?(edgebook [a-z].*)$/.exec(line)?.[1] ?? []);
}

async function complaintOfCommand(line: string): Promise<string | undefined> {
  const [typed] = line.split(/ [|>&#]| 2>/);
  const [name, part, ...rest] = typed
    .replaceAll(/"[^"]*"|'[^']*'/g, "x")
    .split(/\s+/)
    .slice(1);
  const loaded = Object.hasOwn(COMMANDS, name) ? await COMMANDS[name].load() : undefined;
  if (loaded === undefined) return `there is no command ${name}`;
  const parts = loaded.subcommands ?? {};
  const isPart = part !== undefined && Object.hasOwn(parts, part);
  const { flags } = isPart ? (await parts[part].load()).command : loaded.command;
  const known = new Set(["help", ...flags.flatMap((flag) => [flag.name, `no-${flag.name}`])]);
  const words = isPart ? rest : [part ?? "", ...rest];
  const unknown = words.find(
    (word) => /^--\w/.test(word) && !known.has(word.slice(2).split("=")[0]),
  );
  return unknown === undefined ? undefined : `there is no flag ${unknown}`;
}
