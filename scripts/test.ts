/**
 * `npm test`: every test of the house, then one last line `N passed, N failed`.
 *
 * Arguments go to `bun test` (file names, `-t PATTERN`). A test file that cannot even be loaded is a
 * failure too, and so is a run that ends without a summary.
 */
const house = new URL("..", import.meta.url).pathname;
const started = performance.now();
// What takes long says so itself; a busy machine must not fail what is quick elsewhere.
const words = ["test", "--timeout", "60000", ...process.argv.slice(2)];
const run = Bun.spawn([process.execPath, ...words], {
  cwd: house,
  stdin: "ignore",
  stdout: "inherit",
  stderr: "pipe",
  env: { ...process.env, FORCE_COLOR: process.stderr.isTTY ? "1" : "0" },
});
process.on("SIGINT", () => run.kill("SIGINT"));

const decoder = new TextDecoder();
let tail = "";
for await (const chunk of run.stderr) {
  process.stderr.write(chunk);
  // The summary stands in the last lines; nothing before them is worth keeping.
  tail = (tail + decoder.decode(chunk, { stream: true })).slice(-20_000);
}
const code = await run.exited;

const plain = Bun.stripANSI(tail);
const passed = lastCount(plain, "pass");
const summaryFailed = lastCount(plain, "fail");
const errors = lastCount(plain, "error") + lastCount(plain, "errors");
let failed = summaryFailed + errors;
// Bun counts some load errors as failed tests and ends badly for others without any count.
if (code !== 0 && failed === 0) failed = 1;
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.error(`tests took ${seconds} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** The number in the last line ` N WORD` of the summary; 0 where there is none. */
function lastCount(text: string, word: string): number {
  const lines = [...text.matchAll(new RegExp(`^\\s*(\\d+) ${word}$`, "gm"))];
  return Number(lines.at(-1)?.[1] ?? 0);
}
