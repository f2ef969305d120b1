/**
 * The whole house on virtual time, in small: what `sim check` runs thousands of. EDGEBOOK_SEED and
 * EDGEBOOK_RUNS choose other cases, and more of them.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { openZstd } from "../../frames/zstd.ts";
import { judgeCase, runBatch } from "../check-batch.ts";
import { captureOfCase } from "../check-capture.ts";
import { addTotals, doubtfulShare, noTotals, pathTable } from "../check-totals.ts";
import { caseText, type WorldCase } from "./case.ts";
import { Judge } from "./judge.ts";
import { World } from "./world.ts";

const SEED = Number(process.env.EDGEBOOK_SEED ?? 20_260_811);
const RUNS = Number(process.env.EDGEBOOK_RUNS ?? 150);

const QUIET: WorldCase = {
  seed: 5,
  segment: "nse-fo",
  streams: 2,
  instruments: 12,
  messagesPerSecond: 1_000,
  ordersPerStream: 100,
  firstSequence: 1,
  untilMs: 800,
  restartAtMs: [],
  restartSilenceMs: 0,
  lineDelayUs: 150,
  windowMs: 100,
  keep: "first",
  codec: "raw",
  collectors: 1,
  spoolBytes: 2 ** 40,
  holdMs: 2_000,
  noise: { lines: [{}, {}], chunks: {} },
  servers: {
    offer: "nothing",
    lagMs: 0,
    partly: "short",
    periodMs: 300,
    limits: { connections: 2, messagesPerRequest: 50, spacingMs: 10 },
    tickFaults: {},
    snapshotFaults: {},
  },
  commands: [],
  isRepairable: true,
};
const BOTH = { ...QUIET.servers, offer: "both" } as const;

function judged(given: Partial<WorldCase>) {
  const totals = noTotals();
  const problems = judgeCase({ ...QUIET, ...given }, openZstd(), totals);
  return { problems, totals };
}

const drop = (line: 0 | 1 | 2, from: number, to: number) =>
  ({ kind: "drop", line, stream: 1, epoch: 0, from, to, byMs: 0 }) as const;

describe("a shard that is killed", () => {
  const kill = (kind: "kill shard" | "damage checkpoint" | "tear checkpoint", atMs: number) =>
    ({ kind, which: 0, atMs, forMs: 150 }) as const;

  function run(given: Partial<WorldCase>) {
    const judge = new Judge();
    const world = new World({ ...QUIET, saveMs: 100, ...given }, openZstd());
    world.run(judge);
    judge.end(world);
    const { resumed, refused } = world.centre.checkpoints ?? {};
    return { problems: judge.problems, resumed, refused, lives: world.centre.lives };
  }

  test("goes on from its newest checkpoint, and every book is right", () => {
    const commands = [drop(0, 41, 44), kill("kill shard", 400), kill("kill shard", 700)];
    expect(run({ commands })).toEqual({ problems: [], resumed: 2, refused: 0, lives: 3 });
  });

  for (const kind of ["damage checkpoint", "tear checkpoint"] as const) {
    test(`goes on from the one before where the newest is no good: ${kind}`, () => {
      const told = run({ commands: [kill(kind, 500)] });
      expect(told).toEqual({ problems: [], resumed: 1, refused: 1, lives: 2 });
    });
  }

  test("begins with nothing where no checkpoint is good, and asks for all", () => {
    const told = run({ saveMs: 300, commands: [kill("damage checkpoint", 500)] });
    expect(told).toEqual({ problems: [], resumed: 0, refused: 1, lives: 2 });
  });

  test("in the middle of a write leaves the checkpoint before", () => {
    for (let atMs = 200; atMs < 320; atMs += 5) {
      const { problems, refused, lives } = run({ commands: [kill("kill shard", atMs)] });
      expect({ atMs, problems, refused, lives }).toEqual({
        atMs,
        problems: [],
        refused: 0,
        lives: 2,
      });
    }
  });
});

describe("the house on virtual time", () => {
  test("with nothing wrong every book is right and nothing is held or flagged", () => {
    const { problems, totals } = judged({});
    expect(problems).toEqual([]);
    expect(totals.standing.repairable).toMatchObject({ held: 0, flagged: 0 });
    expect(totals.messages).toBeGreaterThan(500);
  });

  test("what line A loses line B brings", () => {
    const { problems, totals } = judged({ commands: [drop(0, 41, 80)], lineDelayUs: 40_000 });
    expect(problems).toEqual([]);
    expect(totals.paths["drop|other line"] ?? 0).toBeGreaterThan(0);
    expect(totals.paths["drop|flagged"]).toBeUndefined();
  });

  test("what both lines lose comes by tick recovery", () => {
    const { problems, totals } = judged({ commands: [drop(2, 41, 80)], servers: BOTH });
    expect(problems).toEqual([]);
    expect(totals.paths["drop|tick recovery"]).toBe(80);
  });

  test("what nobody can be asked for is flagged, and no book lies", () => {
    const { problems, totals } = judged({ commands: [drop(2, 41, 80)], isRepairable: false });
    expect(problems).toEqual([]);
    expect(totals.paths["drop|flagged"]).toBe(80);
    expect(totals.standing.other.flagged).toBeGreaterThan(0);
  });

  test("where only snapshots are offered one is spliced in", () => {
    const servers = { ...BOTH, offer: "snapshots" } as const;
    const { problems, totals } = judged({ commands: [drop(2, 41, 80)], servers });
    expect(problems).toEqual([]);
    expect(totals.paths["drop|snapshot"]).toBe(80);
  });

  test("a lost chunk is asked for again; a restarted shard gets all from the spool", () => {
    const { problems, totals } = judged({
      commands: [
        { kind: "lose", collector: 0, from: 3, to: 5 },
        { kind: "restart shard", which: 0, atMs: 400, forMs: 150 },
      ],
    });
    expect(problems).toEqual([]);
    expect(totals.paths["chunk lose|resend"]).toBe(3);
    expect(totals.paths["restart shard|resend"]).toBe(2);
  });

  test("a killed collector's frames come from the other one", () => {
    const { problems, totals } = judged({
      collectors: 2,
      commands: [{ kind: "kill collector", which: 0, atMs: 300, forMs: 200 }],
    });
    expect(problems).toEqual([]);
    expect(totals.paths["kill collector|other collector"]).toBe(2);
  });

  test("what cannot be repaired is told where all should be", () => {
    const { problems } = judged({ commands: [drop(2, 41, 80)] });
    expect(problems.map(({ property }) => property)).toContain("what can be repaired is");
  });

  test("one case gives one world, and its capture is the same bytes", () => {
    const given = { ...QUIET, noise: { lines: [{ lossRate: 0.1 }, {}], chunks: {} } } as const;
    const first = captureOfCase(given, openZstd());
    expect(first.length).toBeGreaterThan(50_000);
    expect(captureOfCase(given, openZstd())).toEqual(first);
    expect(judged(given).totals).toEqual(judged(given).totals);
  });

  test("what fails is told with the seed and the path that repeat it", () => {
    const broken = {
      ...openZstd(),
      compress() {
        throw new Error("broken on purpose");
      },
    };
    // A seed whose 32 bits have a sign.
    const plan = { seed: 2_435_346_491, runs: 2, path: "", shrinks: 10 };
    const { failure } = runBatch(plan, broken);
    expect(failure).toMatchObject({ seed: plan.seed, problems: [{ property: "no core throws" }] });
    const again = runBatch({ ...plan, path: failure?.path ?? "", shrinks: 0 }, broken);
    expect(again.failure?.given).toEqual(failure?.given as WorldCase);
  });

  test("a case tells in words what goes wrong", () => {
    const text = caseText({
      ...QUIET,
      commands: [drop(0, 41, 44), { kind: "restart shard", which: 0, atMs: 400, forMs: 150 }],
    });
    expect(text).toContain("drop(A, 1, 41..44) restart(shard 1, 0.40..0.55 s)");
  });
});

test(`random worlds hold every property (seed: ${SEED})`, () => {
  const totals = noTotals();
  const batch = Math.ceil(RUNS / 3);
  for (let part = 0; part < 3; part++) {
    const plan = { seed: SEED + part, runs: batch, path: "", shrinks: 200 };
    const { failure, totals: own } = runBatch(plan, openZstd());
    if (failure !== null) {
      const texts = failure.problems.map(({ property, text }) => `${property}: ${text}`);
      const again = `edgebook sim check --seed ${failure.seed} --path ${failure.path}`;
      throw new Error([caseText(failure.given), ...texts, again].join("\n"));
    }
    addTotals(totals, own);
  }
  expect(totals.cases).toBe(batch * 3);
  // Both verdicts were tried, and repair is no excuse to flag for ever.
  expect(doubtfulShare(totals.standing.repairable)).toBeLessThan(0.25);
  expect(totals.standing.other.flagged).toBeGreaterThan(0);
  expect(totals.undecidable).toBeLessThan(totals.cases / 20);
  if (process.env.EDGEBOOK_RUNS) console.log(pathTable(totals));
}, 240_000);

describe("cases that once broke something", () => {
  const folder = new URL("../corpus/", import.meta.url).pathname;
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const { broke, case: given } = JSON.parse(readFileSync(`${folder}${file}`, "utf8")) as {
      broke: string;
      case: WorldCase;
    };
    test(`${file}: ${broke}`, () => {
      expect(judgeCase(given, openZstd(), noTotals())).toEqual([]);
    });
  }
});
