/**
 * Runs what a document shows. Two kinds of fenced blocks are commands:
 *
 * - `sh`: lines to copy; each must end well.
 * - `console`: lines that begin with `$ ` are typed, the others are what then appears. `…` in a line
 *   stands for anything, and a line that is nothing else for any lines.
 *
 * `ts PATH` is a file that the reader writes. A document is one shell session in one folder; what it
 * starts in the background ends with it. Ports that it names are others here, which are free.
 */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";

export interface Step {
  readonly line: number;
  readonly command: string;
  /** Of a console; absent: only the exit code is told. */
  readonly shown?: readonly string[];
}

export interface Script {
  readonly steps: readonly Step[];
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

const MARK = "\u001e";

export function readScript(markdown: string): Script {
  const steps: Step[] = [];
  const files: { path: string; text: string }[] = [];
  for (const found of markdown.matchAll(/^```(sh|console|ts)(?: (\S+))?\n([\s\S]*?)^```$/gm)) {
    const [, kind, path, text] = found;
    const line = markdown.slice(0, found.index).split("\n").length + 1;
    if (kind === "ts") {
      if (path !== undefined) files.push({ path, text });
    } else steps.push(...(kind === "sh" ? shellSteps(text, line) : consoleSteps(text, line)));
  }
  return { steps, files };
}

/** Lines that belong together: after a backslash, and up to a heredoc's end. */
function shellSteps(text: string, first: number): Step[] {
  const steps: Step[] = [];
  let command = "";
  let until: string | undefined;
  let from = first;
  text.split("\n").forEach((line, at) => {
    if (command === "") from = first + at;
    command += `${line}\n`;
    until ??= /<<'?(\w+)'?/.exec(line)?.[1];
    const isOpen = until !== undefined && line !== until;
    if (isOpen || line.endsWith("\\")) return;
    until = undefined;
    if (command.trim() !== "") steps.push({ line: from, command: command.trimEnd() });
    command = "";
  });
  return steps;
}

function consoleSteps(text: string, first: number): Step[] {
  const steps: { line: number; command: string; shown: string[] }[] = [];
  let isOpen = false;
  text
    .trimEnd()
    .split("\n")
    .forEach((line, at) => {
      const last = steps.at(-1);
      if (isOpen && last) last.command += `\n${line}`;
      else if (line.startsWith("$ "))
        steps.push({ line: first + at, command: line.slice(2), shown: [] });
      else if (last && (line !== "" || last.shown.length > 0)) last.shown.push(line);
      isOpen = (isOpen || line.startsWith("$ ")) && line.endsWith("\\");
    });
  for (const { shown } of steps) while (shown.at(-1) === "") shown.pop();
  return steps;
}

export interface Ran {
  readonly step: Step;
  readonly code: number;
  readonly out: string;
}

export interface RunPlace {
  readonly folder: string;
  /** Checkout whose `edgebook` runs. */
  readonly house: string;
}

/** Every step in turn; one that never came has the code -1. */
export async function runScript(script: Script, { folder, house }: RunPlace): Promise<Ran[]> {
  for (const { path, text } of script.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const bin = join(folder, ".bin");
  mkdirSync(bin, { recursive: true });
  symlinkSync(process.execPath, join(bin, "bun"));
  const main = join(house, "cli/main.ts");
  const shim = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`;
  writeFileSync(join(bin, "edgebook"), shim, { mode: 0o755 });
  const ports = await freePorts(script.steps.map(({ command }) => command).join("\n"));
  const lines = script.steps.map(
    ({ command }, at) => `printf '${MARK}${at} '\n${command}\nprintf '${MARK}= %s${MARK}' $?`,
  );
  const text = replacePorts(
    `set -uo pipefail\nexec 2>&1\n${lines.join("\n")}\nkill $(jobs -p) 2>/dev/null; wait\n`,
    ports,
  );
  const shell = Bun.spawn(["bash", "-c", text], {
    cwd: folder,
    env: {
      ...process.env,
      PATH: `${bin}:${process.env.PATH}`,
      NO_COLOR: "1",
      EDGEBOOK_LOG: "text",
    },
    stdin: "ignore",
    stdout: "pipe",
    timeout: 190_000,
  });
  const back = new Map([...ports].map(([shown, used]) => [used, shown]));
  const out = replacePorts(await new Response(shell.stdout).text(), back);
  return script.steps.map((step, at) => {
    const found = new RegExp(`${MARK}${at} ([^${MARK}]*)${MARK}= (\\d+)${MARK}`).exec(out);
    return { step, code: Number(found?.[2] ?? -1), out: (found?.[1] ?? out).trimEnd() };
  });
}

/** Undefined where the step did what the document says; else what it did instead. */
export function complaintOf({ step, code, out }: Ran): string | undefined {
  const { shown } = step;
  const isRight =
    shown === undefined
      ? code === 0
      : [0, 1, 3].includes(code) && patternOf(shown).test(out === "" ? "" : `${out}\n`);
  return isRight ? undefined : `line ${step.line}: ${step.command}\nexit code ${code}\n${out}`;
}

function patternOf(shown: readonly string[]): RegExp {
  const lines = shown.map((line) =>
    line === "…"
      ? "(?:.*\\n)*"
      : `${line
          .split("…")
          .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
          .join(".*")}\\n`,
  );
  return new RegExp(`^${lines.join("")}$`);
}

async function freePorts(text: string): Promise<Map<string, string>> {
  const named = new Set([...text.matchAll(/127\.0\.0\.1:(\d{4,5})/g)].map(([, port]) => port));
  const servers = [...named].map((port) => {
    const server = createServer();
    return new Promise<[string, string, typeof server]>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        const free = typeof address === "object" && address !== null ? address.port : 0;
        resolve([port, String(free), server]);
      });
    });
  });
  const found = await Promise.all(servers);
  await Promise.all(found.map(([, , server]) => new Promise((done) => server.close(done))));
  return new Map(found.map(([shown, used]) => [shown, used]));
}

function replacePorts(text: string, ports: ReadonlyMap<string, string>): string {
  return text.replace(/127\.0\.0\.1:(\d{4,5})/g, (whole, port: string) =>
    ports.has(port) ? `127.0.0.1:${ports.get(port)}` : whole,
  );
}
