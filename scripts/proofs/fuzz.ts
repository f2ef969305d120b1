/**
 * Gives 10,000,000 mutated inputs to every parser: no crash, no hang, no unbounded memory.
 * Arguments: inputs, or a time (`90s`, `60m`, `2h`); seed.
 */
import { runTests } from "../../tests/proof-run.ts";

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

const [length = "10000000", seed] = process.argv.slice(2);
const [, figure, unit] = /^(\d+)([smh]?)$/.exec(length) ?? [];
if (figure === undefined || unit === undefined) {
  console.error(`'${length}' is neither a number of inputs nor a time: say 10000000 or 60m`);
  process.exit(2);
}
const perUnit = UNIT_SECONDS[unit];
const settings = {
  ...(perUnit === undefined
    ? { EDGEBOOK_RUNS: figure }
    : { EDGEBOOK_SECONDS: String(Number(figure) * perUnit) }),
  ...(seed === undefined ? {} : { EDGEBOOK_SEED: seed }),
};
process.exit(await runTests("tests/fuzz.test.ts", settings));
