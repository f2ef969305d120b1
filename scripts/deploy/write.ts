/**
 * `node scripts/with-bun.mjs scripts/deploy/write.ts`: writes `deploy/kubernetes/` anew from its
 * tables, and the plot of a day by them.
 */
import { writeFileSync } from "node:fs";
import { manifests } from "./manifests.ts";
import { plans } from "./plans.ts";
import { plotOf } from "./plot.ts";

const deploy = new URL("../../deploy/", import.meta.url).pathname;
for (const [name, text] of manifests()) writeFileSync(`${deploy}kubernetes/${name}`, text);
const both = plans();
writeFileSync(`${deploy}day-plan.svg`, plotOf(both));
for (const { numbers, day } of Object.values(both)) {
  console.log(
    `${numbers.name}: at most ${(day.lagMax / 1e6).toFixed(0)} M wait, ` +
      `${day.behindSecondsMax} s behind, ${Math.max(...day.ready)} replicas`,
  );
}
