/** A lake on object storage, by a real S3 server: whoever is first at a name is the only one. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ObjectStorage, StorageUnfit } from "../frames/object-storage.ts";
import { LakeQuery } from "../lake/lake-query.ts";
import { LocalFiles } from "../lake/local-files.ts";
import { BUCKET, S3Missing, type S3Server, startS3 } from "../scripts/s3/server.ts";
import { edgebook } from "./cli-run.ts";
import { withVariables } from "./environment.ts";
import { contents, ingestKilled } from "./lake-run.ts";
import { pythonWithPackages } from "./python.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-lake-s3-"));
const capture = join(folder, "day.pcap");
const LIMIT_MS = 120_000;
let restore = () => {};
let server: S3Server | undefined;
let python: string | undefined;

beforeAll(async () => {
  try {
    server = await startS3(process.env.CI !== undefined);
  } catch (error) {
    if (!(error instanceof S3Missing) || process.env.CI) throw error;
    console.log(`not run: no S3 server (${error.message})`);
    return;
  }
  // Before the cache is another one.
  python = pythonWithPackages();
  restore = withVariables({ ...server.env, XDG_CACHE_HOME: join(folder, "cache") });
  const market = ["--seed", "11", "--duration", "5s", "--rate", "400", "--streams", "2"];
  await edgebook(["sim", "serve", ...market, "--write-pcap", capture]);
}, 900_000);

afterAll(async () => {
  restore();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const bytesOf = (text: string) => new TextEncoder().encode(text);
const storage = (prefix: string) => new ObjectStorage({ bucket: BUCKET, prefix });
const words = (lake: string, ...more: string[]) =>
  ["ingest", capture, "--feed", "nse-fo", "--lake", lake, ...more] as const;

describe("putting what is not there", () => {
  test("is done by exactly one of many at a time, and the others are told", async () => {
    if (server === undefined) return;
    const writers = Array.from({ length: 6 }, () => storage("race"));
    for (let round = 0; round < 20; round++) {
      const name = `commit-${round}`;
      const told = await Promise.all(
        writers.map((writer, who) => writer.putIfAbsent(name, bytesOf(`writer ${who}`))),
      );
      expect(told.filter((isFirst) => isFirst)).toHaveLength(1);
      const there = await writers[0].get(name);
      expect(new TextDecoder().decode(there)).toBe(`writer ${told.indexOf(true)}`);
    }
  });

  test("is known to be done also when its answer was lost on the way", async () => {
    if (server === undefined) return;
    const { endpoint } = server;
    let lost = 0;
    const proxy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        const answer = await fetch(endpoint + pathname + search, {
          method: request.method,
          headers: request.headers,
          ...(request.method === "PUT" && { body: await request.arrayBuffer() }),
        });
        if (!pathname.endsWith("/commit") || request.method !== "PUT" || lost > 0) return answer;
        lost++;
        return new Response("gone astray", { status: 502 });
      },
    });
    process.env.AWS_ENDPOINT = `http://127.0.0.1:${proxy.port}`;
    const behind = storage("astray");
    process.env.AWS_ENDPOINT = endpoint;
    expect(await behind.putIfAbsent("commit", bytesOf("ours"))).toBe(true);
    expect(lost).toBe(1);
    expect(await behind.putIfAbsent("commit", bytesOf("another's"))).toBe(false);
    await proxy.stop(true);
  });

  test("is refused by name where storage makes no difference", async () => {
    const careless = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(""),
    });
    const access = { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "y" };
    const former = { ...process.env };
    Object.assign(process.env, access, { AWS_ENDPOINT: `http://127.0.0.1:${careless.port}` });
    const found = storage("any");
    for (const name of [...Object.keys(access), "AWS_ENDPOINT"]) {
      if (former[name] === undefined) delete process.env[name];
      else process.env[name] = former[name];
    }
    const refusal = await found.putIfAbsent("x", bytesOf("x")).catch((error: Error) => error);
    expect(refusal).toBeInstanceOf(StorageUnfit);
    await careless.stop(true);
  });
});

describe("a lake on object storage", () => {
  test(
    "has the rows of one in a folder, for us and for another reader of Delta",
    async () => {
      if (server === undefined) return;
      const here = join(folder, "here");
      const there = `s3://${BUCKET}/day/one`;
      await edgebook(words(here));
      const { code, err } = await edgebook(words(there, "--rows-per-commit", "700"));
      expect({ code, err }).toMatchObject({ code: 0 });
      for (const table of ["events", "trades", "bbo"]) {
        expect(await contents(there, table)).toEqual(await contents(here, table));
      }
      const proved = await edgebook([
        "query",
        "SELECT count(*) AS n FROM events",
        ...["--lake", there, "--stream", "1", "--prove"],
      ]);
      expect(proved.err).toMatch(/stream 1: \d+ events, .*: whole/);
      expect(proved.err).not.toContain("stream 2");
      const events = await contents(here, "events");
      const compacted = await edgebook(["ingest", "--compact", "--lake", there]);
      expect(compacted.err).toMatch(/events: \d+ files became 2/);
      expect(await contents(there, "events")).toEqual(events);
      if (python === undefined) return;
      expect(deltalakeCount(python, `${there}/events`, server)).toBe(events.rows);
    },
    LIMIT_MS,
  );

  test(
    "has each row once, whoever is killed while it fills it",
    async () => {
      if (server === undefined) return;
      const there = `s3://${BUCKET}/killed`;
      const more = ["--rows-per-commit", "100"];
      const onDisk = join(server.folder, "killed");
      mkdirSync(onDisk, { recursive: true });
      const kills = await ingestKilled(
        onDisk,
        words(there, ...more).slice(1),
        () => 300 + Math.random() * 500,
      );
      const { rows, places } = await contents(there, "events");
      const whole = await contents(join(folder, "here"), "events");
      expect({ kills, rows, places }).toEqual({ kills, rows: whole.rows, places: whole.rows });
    },
    LIMIT_MS,
  );

  test(
    "is kept on this machine only as far as it is asked and as the bound goes",
    async () => {
      if (server === undefined) return;
      const there = `s3://${BUCKET}/day/one`;
      const cache = join(folder, "small");
      const files = new LocalFiles(1, cache);
      const one = await LakeQuery.open(there, { files, sql: "SELECT 1 FROM trades" });
      one.close();
      const kept = readdirSync(cache, { recursive: true }).map(String);
      expect(kept.filter((name) => name.endsWith(".parquet"))).toHaveLength(2);
      await expect(
        LakeQuery.open(there, { files: new LocalFiles(0, join(folder, "none")) }),
      ).rejects.toMatchObject({ code: "cache_too_small" });
      expect(existsSync(join(folder, "none"))).toBe(false);
    },
    LIMIT_MS,
  );
});

function deltalakeCount(python: string, address: string, { env }: S3Server): number {
  const script =
    "import os, sys\nfrom deltalake import DeltaTable\n" +
    "options = {'AWS_ENDPOINT_URL': os.environ['AWS_ENDPOINT'], 'AWS_ALLOW_HTTP': 'true'}\n" +
    "table = DeltaTable(sys.argv[1], storage_options=options)\n" +
    "print(table.to_pyarrow_table().num_rows, flush=True)\nos._exit(0)";
  const done = Bun.spawnSync([python, "-c", script, address], {
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
  return Number(done.stdout.toString());
}
