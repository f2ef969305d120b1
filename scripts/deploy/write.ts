/** `node scripts/with-bun.mjs scripts/deploy/write.ts`: writes `deploy/kubernetes/` anew from its tables. */
import { writeFileSync } from "node:fs";
import { manifests } from "./manifests.ts";

const folder = new URL("../../deploy/kubernetes/", import.meta.url).pathname;
for (const [name, text] of manifests()) writeFileSync(folder + name, text);
