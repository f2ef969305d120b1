/**
 * Every deliberately broken variant of edgebook, and what of `sim check` catches it within its default
 * number of cases. Arguments: words of the variants' names; all without.
 */
const house = new URL("../..", import.meta.url).pathname;
const args = ["sim", "canary", "--jobs", "2", ...process.argv.slice(2)];
const run = Bun.spawn([process.execPath, `${house}cli/main.ts`, ...args], {
  stdio: ["inherit", "inherit", "inherit"],
});
process.on("SIGINT", () => run.kill("SIGINT"));
process.exit(await run.exited);
