/**
 * Edge: a real S3 server on this machine, on loopback, for tests and proofs: Versity's gateway over a
 * folder, whose conditional writes are exclusive. Go builds it once from its module proxy, which takes
 * some minutes of a processor; it stays in the user's cache folder.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { goProgram } from "./go.ts";

const MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
const BUILD_MS = 900_000;
const START_MS = 20_000;
export const BUCKET = "edgebook";

export interface S3Server {
  readonly endpoint: string;
  /** For whoever speaks to it: AWS_ENDPOINT and so on. */
  readonly env: Readonly<Record<string, string>>;
  /** An object's key is its path below it. */
  readonly folder: string;
  stop(): Promise<void>;
}

/** Says why, and what to do. */
export class S3Missing extends Error {}

/**
 * @param mayBuild false: only where it was built before
 * @throws S3Missing where it cannot be had
 */
export async function startS3(mayBuild: boolean): Promise<S3Server> {
  const program = s3Program(mayBuild);
  const root = mkdtempSync(join(tmpdir(), "edgebook-s3-server-"));
  const folder = join(root, "buckets", BUCKET);
  for (const each of [folder, join(root, "sidecar")]) mkdirSync(each, { recursive: true });
  const [key, secret] = ["edgebook", "only for tests"];
  const port = await freePort();
  const words = ["--port", `127.0.0.1:${port}`, "--quiet", "posix", "--sidecar"];
  const child = Bun.spawn([program, ...words, join(root, "sidecar"), join(root, "buckets")], {
    cwd: root,
    env: { ...process.env, ROOT_ACCESS_KEY: key, ROOT_SECRET_KEY: secret },
    stdio: ["ignore", "ignore", Bun.file(join(root, "server.err"))],
  });
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(root, { recursive: true, force: true });
  };
  // Bun ends what it started with itself only where nobody kills it.
  process.once("exit", () => child.kill("SIGKILL"));
  const endpoint = `http://127.0.0.1:${port}`;
  const end = performance.now() + START_MS;
  while (!(await answers(endpoint))) {
    if (child.exitCode === null && performance.now() < end) {
      await Bun.sleep(50);
      continue;
    }
    const said = await Bun.file(join(root, "server.err")).text();
    await stop();
    throw new Error(`the S3 server does not start: ${said.trim().slice(-400)}`);
  }
  const env = {
    AWS_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: key,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_REGION: "us-east-1",
  };
  return { endpoint, env, folder, stop };
}

/** @throws S3Missing */
export function s3Program(mayBuild: boolean): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const version = MODULE.slice(MODULE.lastIndexOf("@") + 1);
  const folder = join(cache, "edgebook", `versitygw-${version}`);
  const program = join(folder, "versitygw");
  if (existsSync(program)) return program;
  if (!mayBuild) {
    throw new S3Missing(
      "it takes minutes to build: node scripts/with-bun.mjs scripts/s3.ts --build",
    );
  }
  const found = goProgram();
  if ("obstacle" in found) throw new S3Missing(`the S3 server is built by Go: ${found.obstacle}`);
  console.error(`edgebook: building ${MODULE} (once)`);
  // Whole or not at all: somebody else may be building too.
  const part = `${folder}.part-${process.pid}`;
  const env = { ...process.env, GOBIN: part, GOFLAGS: "-mod=mod", CGO_ENABLED: "0" };
  const built = Bun.spawnSync([found.go, "install", MODULE], { env, timeout: BUILD_MS });
  if (built.exitCode === 0) {
    rmSync(folder, { recursive: true, force: true });
    renameSync(part, folder);
    return program;
  }
  rmSync(part, { recursive: true, force: true });
  throw new S3Missing(`Go cannot build it: ${built.stderr.toString().trim().slice(-300)}`);
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    const answer = await fetch(endpoint, { signal: AbortSignal.timeout(1_000) });
    await answer.arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
