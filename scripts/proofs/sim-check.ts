/**
 * Ten thousand random worlds through the production cores on virtual time, and every property of each.
 * Arguments: cases, seed. Of ten thousand, each pair of fault and repair path that can occur must have
 * been taken ten times.
 */
const [runs = "10000", seed = "1"] = process.argv.slice(2);
const house = new URL("../..", import.meta.url).pathname;
const least = Number(runs) >= 10_000 ? "10" : "0";
const args = ["sim", "check", "--runs", runs, "--seed", seed, "--jobs", "2", "--least", least];
const run = Bun.spawn([process.execPath, `${house}cli/main.ts`, ...args], {
  stdio: ["inherit", "inherit", "inherit"],
});
process.on("SIGINT", () => run.kill("SIGINT"));
process.exit(await run.exited);
