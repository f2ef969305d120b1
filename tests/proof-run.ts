/** Edge: runs one test file at its full size, for a proof. */

/** @returns the exit code of `bun test` */
export async function runTests(
  file: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<number> {
  const run = Bun.spawn([process.execPath, "test", file], {
    cwd: new URL("..", import.meta.url).pathname,
    env: { ...process.env, ...settings },
    stdio: ["ignore", "inherit", "inherit"],
  });
  process.on("SIGINT", () => run.kill("SIGINT"));
  return run.exited;
}
