/**
 * `scripts/audit.ts`: asks the npm registry whether a version that the lock file names has a known
 * vulnerability. One question, bounded in time. Ends with 1 only if there is one of severity high or
 * critical; where the registry does not answer it says so and ends with 0: no news is no finding.
 */
const ANSWER_MS = 15_000;

interface Audit {
  readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string }>>;
}

const npm = Bun.which("npm");
if (npm === null) {
  console.log("not run: no npm");
  process.exit(0);
}
const run = Bun.spawnSync([npm, "audit", "--json", "--package-lock-only"], {
  cwd: new URL("..", import.meta.url).pathname,
  timeout: ANSWER_MS,
  stderr: "ignore",
});
const audit = parsed(run.stdout.toString());
const found = audit?.metadata?.vulnerabilities;
if (found === undefined) {
  console.log(`not run: the registry gave no answer within ${ANSWER_MS / 1000} s`);
  process.exit(0);
}
const counts = Object.entries(found).filter(([, count]) => count > 0);
console.log(
  `audit: ${counts.map(([severity, count]) => `${count} ${severity}`).join(", ") || "nothing known"}`,
);
for (const [name, { severity }] of Object.entries(audit?.vulnerabilities ?? {})) {
  console.log(`  ${severity}: ${name}`);
}
process.exit((found.high ?? 0) + (found.critical ?? 0) > 0 ? 1 : 0);

function parsed(text: string): Audit | undefined {
  try {
    return JSON.parse(text) as Audit;
  } catch {
    return undefined;
  }
}
