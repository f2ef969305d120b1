/**
 * Runs a TypeScript file of the house with Bun on a machine that has only Node 20 and npm:
 *
 *     node scripts/with-bun.mjs cli/main.ts demo
 *
 * Installs what is missing first and nothing else, so that a second run starts at once. Bun comes
 * from its npm package. zstd-napi is built once with npm's own node-gyp; where that fails (no
 * compiler) one line says so and the zstd that is built into Bun serves instead.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const house = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(house, "node_modules");
const underBun = process.versions.bun !== undefined;

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** Why an install is needed, or undefined: what stands in node_modules is what the lock file asks for. */
function staleBecause() {
  if (!existsSync(modules)) return "node_modules is not there";
  const wanted = readJson(join(house, "package-lock.json"))?.packages ?? {};
  const installed = readJson(join(modules, ".package-lock.json"))?.packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "") continue;
    const found = installed ? installed[path] : readJson(join(house, path, "package.json"));
    // Without npm's own list (`bun install`) only the direct dependencies must be where npm has them.
    const needed = !entry.optional && (installed !== undefined || isDirect(wanted, path));
    if (found === undefined && !needed) continue;
    if (found?.version !== entry.version) return `${path.slice(13)} ${entry.version} is not there`;
  }
  return undefined;
}

function isDirect(wanted, path) {
  const name = path.slice("node_modules/".length);
  const root = wanted[""] ?? {};
  return name in (root.dependencies ?? {}) || name in (root.devDependencies ?? {});
}

/** npm builds addons against the headers beside the running Node, so that none are fetched. */
function buildEnvironment() {
  const prefix = dirname(dirname(process.execPath));
  const headers = existsSync(join(prefix, "include/node/node_api.h"));
  return headers ? { ...process.env, npm_config_nodedir: prefix } : process.env;
}

function npm(args, quiet) {
  return spawnSync("npm", args, {
    cwd: house,
    env: buildEnvironment(),
    stdio: quiet ? "ignore" : ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
}

function install(reason) {
  console.error(`edgebook: installing dependencies (${reason})`);
  const result = underBun
    ? spawnSync(process.execPath, ["install", "--no-save"], { cwd: house, stdio: "inherit" })
    : npm(["ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"], false);
  if (result.status === 0) return;
  console.error(
    "edgebook: the install failed; the lines above say why. Mend that and start again.",
  );
  process.exit(1);
}

/** Builds the zstd addon at most once for each install; the outcome is remembered beside it. */
function buildZstd() {
  const addon = join(modules, "zstd-napi");
  const outcome = join(addon, ".edgebook-build");
  if (underBun || !existsSync(addon) || existsSync(outcome)) return;
  if (existsSync(join(addon, "build/Release/binding.node"))) return;
  console.error("edgebook: building the zstd addon (once, half a minute)");
  const built = npm(["rebuild", "zstd-napi", "--foreground-scripts=false"], true).status === 0;
  if (!built) {
    console.error("edgebook: the zstd addon cannot be built here; using the zstd built into Bun");
  }
  if (existsSync(addon)) writeFileSync(outcome, built ? "built\n" : "failed\n");
}

/** Where install scripts were held back, Bun's own has yet to put the binary into its place. */
function placeBun() {
  const binary = join(modules, "bun/bin/bun.exe");
  if (underBun || !existsSync(binary) || statSync(binary).size > 1_000_000) return;
  npm(["rebuild", "bun"], true);
}

/** Bun's binary: where its install script puts it, or in the platform package where that did not run. */
function findBun() {
  if (underBun) return process.execPath;
  const candidates = [join(modules, "bun/bin/bun.exe")];
  for (const name of listed(join(modules, "@oven"))) {
    candidates.push(join(modules, "@oven", name, "bin/bun"));
    candidates.push(join(modules, "@oven", name, "bin/bun.exe"));
  }
  for (const path of candidates) {
    // The package ships a few lines of shell as a placeholder where the binary will be.
    if (existsSync(path) && statSync(path).size > 1_000_000 && runs(path)) return path;
  }
  return undefined;
}

/** Two platform packages may be there (with and without AVX2, glibc and musl): take the one that runs. */
function runs(path) {
  if (path.endsWith("bun.exe") && process.platform !== "win32") return true;
  return spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0;
}

function listed(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function main() {
  const [script, ...rest] = process.argv.slice(2);
  if (script === undefined) {
    console.error("usage: node scripts/with-bun.mjs SCRIPT [ARGUMENTS]");
    process.exit(2);
  }
  const reason = staleBecause();
  if (reason !== undefined) install(reason);
  placeBun();
  buildZstd();
  const bun = findBun();
  if (bun === undefined) {
    console.error(
      `edgebook: Bun has no binary for ${process.platform} ${process.arch} in node_modules.\n` +
        "Remove node_modules and run 'npm ci'; if it stays away, install Bun itself and use 'bun start'.",
    );
    process.exit(1);
  }
  const child = spawn(bun, [join(house, script), ...rest], { stdio: "inherit" });
  // A terminal's Ctrl-C reaches the child by itself; this process only has to outlive it.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("error", (error) => {
    console.error(`edgebook: cannot run Bun at ${bun}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === "SIGINT") process.exit(130);
    process.exit(signal === null ? (code ?? 1) : 1);
  });
}

main();
