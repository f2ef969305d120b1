/**
 * Ten thousand random worlds through the production cores on virtual time, and every property of each.
 * Arguments: cases, seed. Pairs of fault and path that were taken less than ten times are named.
 */
const [runs = "10000", seed = "1"] = process.argv.slice(2);
const house = new URL("../..", import.meta.url).pathname;
const args = ["sim", "check", "--runs", runs, "--seed", seed, "--jobs", "2"];
const run = Bun.spawn([process.execPath, `${house}cli/main.ts`, ...args], {
  stdio: ["inherit", "inherit", "inherit"],
});
process.on("SIGINT", () => run.kill("SIGINT"));
process.exit(await run.exited);
