/**
 * Reads 200,000 mutations of the captures: no crash, no hang, no unbounded memory.
 * Arguments: mutations, seed.
 */
import { runTests } from "../../tests/proof-run.ts";

const [runs = "200000", seed] = process.argv.slice(2);
const settings = { EDGEBOOK_RUNS: runs, ...(seed === undefined ? {} : { EDGEBOOK_SEED: seed }) };
process.exit(await runTests("tests/mutations.test.ts", settings));
