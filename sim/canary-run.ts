/**
 * Edge: makes a copy of the sources in the system's folder for temporary files, breaks it as a canary
 * says, and lets the copy's own `sim check` judge it.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Canary, edited } from "./canaries.ts";

/** What the copy does without: all that is no source, and what only stands beside it. */
const LEFT_OUT = new Set(["node_modules", "bench", "deploy", "dist", "docs", "scripts", "tests"]);
const FILES = new Set(["package.json", "tsconfig.json"]);

export interface CanaryVerdict {
  readonly name: string;
  /** The property that it broke; empty: nothing noticed. */
  readonly caughtBy: string;
  readonly what: string;
  /** Cases that ran before. */
  readonly cases: number;
  readonly seconds: number;
}

export interface CanaryOptions {
  readonly runs: number;
  readonly seed: number;
  readonly workers: number;
  readonly signal: AbortSignal;
}

export class CanaryCage {
  private readonly house: string;
  private readonly folder: string;

  /** @param house the checkout; throws where there is none */
  constructor(house: string) {
    if (!existsSync(join(house, "sim/canaries.ts"))) {
      throw new Error("canaries are edits of the sources, so they need a checkout of them");
    }
    this.house = house;
    this.folder = mkdtempSync(join(tmpdir(), "edgebook-canary-"));
    for (const entry of readdirSync(house, { withFileTypes: true })) {
      const { name } = entry;
      const isRoom = entry.isDirectory() && !name.startsWith(".") && !LEFT_OUT.has(name);
      if (!isRoom && !FILES.has(name)) continue;
      cpSync(join(house, name), join(this.folder, name), { recursive: true });
    }
    symlinkSync(join(house, "node_modules"), join(this.folder, "node_modules"));
  }

  async judge(canary: Canary, options: CanaryOptions): Promise<CanaryVerdict> {
    const files = new Set(canary.edits.map(({ file }) => file));
    const started = performance.now();
    try {
      for (const edit of canary.edits) this.apply(edit);
      const found = await this.check(options);
      return { name: canary.name, ...found, seconds: (performance.now() - started) / 1000 };
    } finally {
      for (const file of files) cpSync(join(this.house, file), join(this.folder, file));
    }
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private apply(edit: Canary["edits"][number]): void {
    const path = join(this.folder, edit.file);
    const made = edited(readFileSync(path, "utf8"), edit);
    if ("why" in made) throw new Error(`a canary does not fit the sources any more: ${made.why}`);
    writeFileSync(path, made.text);
  }

  private async check({ runs, seed, workers, signal }: CanaryOptions) {
    const args = ["sim", "check", "--format", "json", "--shrinks", "0", "--out", this.folder];
    const numbers = ["--runs", `${runs}`, "--seed", `${seed}`, "--jobs", `${workers}`];
    const run = Bun.spawn([process.execPath, "cli/main.ts", ...args, ...numbers], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
      signal,
    });
    const [out, err] = await Promise.all([
      new Response(run.stdout).text(),
      new Response(run.stderr).text(),
    ]);
    const line = out.trim().split("\n").at(-1) ?? "";
    if (!line.startsWith("{")) throw new Error(`the check itself failed: ${err.slice(-2000)}`);
    const { cases, failure } = JSON.parse(line) as {
      cases: number;
      failure: { problems: { property: string; text: string }[] } | null;
    };
    const [first] = failure?.problems ?? [];
    return { caughtBy: first?.property ?? "", what: first?.text ?? "", cases };
  }
}
