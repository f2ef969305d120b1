/**
 * Whole books beside a package that others use: `nodejs-order-book` of npm, on the same simulated day.
 * It is installed into a folder that is removed again; all books must end in the same best prices.
 * Arguments: messages.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machineLine, thisMachine } from "../../bench/machine.ts";
import { marketFile } from "../../bench/market-files.ts";

const PEER = "nodejs-order-book";
const VERSION = "10.1.1";
const RUN = join(import.meta.dir, "../../bench/peer-run.ts");
const messages = Number(process.argv[2] ?? 1_000_000);

console.log(machineLine(thisMachine()));
const day = marketFile("itch", messages, 2000, Math.ceil(messages / 5));
const folder = mkdtempSync(join(tmpdir(), "edgebook-peer-"));
try {
  const install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"];
  const done = Bun.spawnSync([...install, "--prefix", folder, `${PEER}@${VERSION}`]);
  if (!done.success) {
    console.log(`not run: ${PEER} could not be installed from the npm registry`);
    process.exit(0);
  }
  const module = join(folder, "node_modules", PEER, "dist/esm/index.js");
  const theirs = run(PEER, module);
  const ours = run("edgebook", "");
  const each = (built: Built) => (built.ns / built.messages).toFixed(0);
  console.log(`${PEER} ${VERSION}: ${each(theirs)} ns a message, ${theirs.messages} messages`);
  console.log(`edgebook: ${each(ours)} ns a message, ${ours.messages} messages`);
  const isSame = theirs.digest === ours.digest;
  console.log(`${isSame ? "the same" : "NOT the same"} best prices at the end, ${ours.digest}`);
  process.exitCode = isSame ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Built {
  readonly messages: number;
  readonly ns: number;
  readonly digest: string;
}

function run(who: string, module: string): Built {
  const done = Bun.spawnSync([process.execPath, RUN, who, day.path, module]);
  if (!done.success) throw new Error(`${who} failed: ${done.stderr}`);
  return JSON.parse(done.stdout.toString());
}
