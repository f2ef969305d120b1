/** Runs Prometheus' own checker, where it is installed (Debian's package `prometheus`). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const promtool = Bun.which("promtool");
if (promtool === null) console.log("not run: no promtool (Debian's prometheus)");

export interface Checked {
  readonly ok: boolean;
  readonly text: string;
}

export function check(args: readonly string[], input = "", cwd?: string): Checked {
  const run = Bun.spawnSync([promtool ?? "promtool", ...args], {
    stdin: Buffer.from(input),
    timeout: 20_000,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return { ok: run.success, text: `${run.stdout}${run.stderr}` };
}

/** Checks files that exist only for the check. */
export function checkFiles(
  args: readonly string[],
  files: Readonly<Record<string, string>>,
): Checked {
  const folder = mkdtempSync(join(tmpdir(), "edgebook-promtool-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return check(args, "", folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
