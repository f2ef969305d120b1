/**
 * `npm run build:binary`: edgebook as one file, for linux x64 and arm64, into `dist/`.
 *
 *     npm run build:binary                  both
 *     npm run build:binary -- linux-x64     one
 *
 * Bun's own compiler puts its runtime, the bundled sources, the page and the zstd addon together.
 * An addon is built for the machine it stands on: a file for another architecture uses the zstd
 * that is built into Bun. What needs the sources or DuckDB beside it stays out (`cli/commands.ts`).
 */
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import packageFile from "../package.json" with { type: "json" };
import { pageFiles } from "../web/bundle.ts";

const house = new URL("..", import.meta.url).pathname;
const TARGETS = ["linux-x64", "linux-arm64"] as const;
type Target = (typeof TARGETS)[number];

const asked = process.argv.slice(2);
for (const name of asked) {
  if (!TARGETS.includes(name as Target)) {
    console.error(`'${name}' is no target. There are: ${TARGETS.join(", ")}.`);
    process.exit(2);
  }
}
mkdirSync(join(house, "dist"), { recursive: true });
for (const target of asked.length === 0 ? TARGETS : (asked as Target[])) await build(target);

async function build(target: Target): Promise<void> {
  const outfile = join(house, "dist", `edgebook-${target}`);
  rmSync(outfile, { force: true });
  const addon = addonFor(target);
  const words = [packageFile.version, commit(), target, addon === undefined ? "built-in zstd" : ""];
  const page = JSON.stringify([...(await pageFiles())]);
  const result = await Bun.build({
    // A worker is found by its file's name beside the entry, so names of workers are unique.
    entrypoints: [join(house, "cli/main.ts"), ...workers()],
    naming: { entry: "[name].[ext]" },
    compile: { target: `bun-${target}`, outfile },
    define: { EDGEBOOK_BUILD: JSON.stringify(words.filter((word) => word !== "").join(" ")) },
    external: ["@duckdb/*"],
    plugins: [
      {
        name: "addon and page",
        setup(builder) {
          builder.onResolve({ filter: /^zstd-napi\/binding$/ }, () =>
            addon === undefined ? { path: "none", namespace: "no-addon" } : { path: addon },
          );
          builder.onLoad({ filter: /.*/, namespace: "no-addon" }, () => ({
            contents: 'throw new Error("no zstd addon in this build");',
            loader: "js",
          }));
          builder.onLoad({ filter: /\/web\/bundle\.ts$/ }, () => ({
            contents: `export const pageFiles = async () => new Map(${page});`,
            loader: "js",
          }));
        },
      },
    ],
  });
  if (!result.success) {
    console.error(result.logs.join("\n"));
    process.exit(1);
  }
  const mebibytes = (statSync(outfile).size / 2 ** 20).toFixed(0);
  const zstd = addon === undefined ? "the zstd built into Bun" : "zstd-napi";
  console.log(`dist/edgebook-${target}: ${mebibytes} MiB, ${zstd}`);
}

/** Every file that runs as a worker of some command. */
function workers(): string[] {
  const files = [
    ...new Bun.Glob("{cli,sim,book,collector,frames,lake,replayer}/**/*-worker.ts").scanSync(house),
  ];
  return files.sort().map((file) => join(house, file));
}

/** zstd-napi's compiled addon, if it is of this architecture. */
function addonFor(target: Target): string | undefined {
  if (target !== `linux-${process.arch}`) return undefined;
  const path = join(house, "node_modules/zstd-napi/build/Release/binding.node");
  return existsSync(path) ? path : undefined;
}

/** The commit that is built, with a plus where the tree differs from it. */
function commit(): string {
  const git = (...words: string[]) => Bun.spawnSync(["git", ...words], { cwd: house });
  const head = git("rev-parse", "--short", "HEAD");
  if (head.exitCode !== 0) return "";
  const isChanged = git("status", "--porcelain").stdout.length > 0;
  return head.stdout.toString().trim() + (isChanged ? "+" : "");
}
