/**
 * Reads every capture of the captures folder and holds it against capinfos, damaged ones included.
 * The same test as in `npm test`, which has it whole.
 */
import { runTests } from "../../tests/proof-run.ts";

process.exit(await runTests("tests/captures.test.ts"));
