/**
 * `npm run prove -- NAME [ARGUMENTS]`: the full size of a check whose small size runs in `npm test`.
 * A proof is a file of `scripts/proofs/`; its first sentence says what it shows.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";

const folder = new URL("proofs/", import.meta.url).pathname;
const [name, ...rest] = process.argv.slice(2);
const files = existsSync(folder) ? readdirSync(folder) : [];
const names = files
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .map((file) => file.slice(0, -3))
  .sort();

if (name === undefined || !/^[a-z0-9-]+$/.test(name) || !existsSync(`${folder}${name}.ts`)) {
  const out = name === undefined ? console.log : console.error;
  if (name !== undefined) out(`There is no proof named '${name}'.`);
  out("Proofs (npm run prove -- NAME):");
  for (const each of names) out(`  ${each.padEnd(20)} ${summaryOf(each)}`);
  process.exit(name === undefined ? 0 : 2);
}

const run = Bun.spawn([process.execPath, `${folder}${name}.ts`, ...rest], {
  stdio: ["inherit", "inherit", "inherit"],
  // Proofs read logs as people do.
  env: { ...process.env, EDGEBOOK_LOG: process.env.EDGEBOOK_LOG ?? "text" },
});
process.on("SIGINT", () => run.kill("SIGINT"));
process.exit(await run.exited);

/** The first sentence of the file's head. */
function summaryOf(proof: string): string {
  const head = /\/\*\*\s*([\s\S]*?)\*\//.exec(readFileSync(`${folder}${proof}.ts`, "utf8"))?.[1];
  const text = (head ?? "").replace(/^\s*\* ?/gm, "").replace(/\s+/g, " ");
  return text.split(/(?<=\.) /)[0]?.trim() ?? "";
}
