/**
 * Gives 10,000,000 mutated inputs to every parser: no crash, no hang, no unbounded memory.
 * Arguments: inputs, seed.
 */
import { runTests } from "../../tests/proof-run.ts";

const [runs = "10000000", seed] = process.argv.slice(2);
const settings = { EDGEBOOK_RUNS: runs, ...(seed === undefined ? {} : { EDGEBOOK_SEED: seed }) };
process.exit(await runTests("tests/fuzz.test.ts", settings));
