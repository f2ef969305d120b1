import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseS3Address } from "../../frames/object-storage.ts";
import { withVariables } from "../../tests/environment.ts";
import { runMarket } from "../../tests/live-market.ts";
import { startService } from "../service.ts";
import { CheckpointFolder } from "./folder.ts";
import { S3Store } from "./s3-store.ts";
import { fetchCheckpoints, type StateStore } from "./state-store.ts";
import { ToyS3 } from "./toy-s3.ts";

const ACCESS = { accessKeyId: "edge", secretAccessKey: "a secret of the test" };
const s3 = new ToyS3({ ...ACCESS, pageKeys: 2 });
const scratch = mkdtempSync(join(tmpdir(), "edgebook-s3-"));
const restore = withVariables(s3.env);

beforeEach(() => {
  s3.objects.clear();
  s3.requests.length = 0;
  s3.failsWith = 0;
});
afterAll(async () => {
  restore();
  await s3.stop();
  rmSync(scratch, { recursive: true });
});

const store = () => new S3Store({ bucket: "books", prefix: "colo/one" });
let folders = 0;
const folder = () => new CheckpointFolder(join(scratch, `folder-${++folders}`));

describe.each<[string, () => StateStore]>([
  ["a directory", folder],
  ["object storage", store],
])("a state store: %s", (_, open) => {
  test("gives back what was put, in whole, and lists the names", async () => {
    const there = open();
    const bytes = new Uint8Array(3 << 20).map((_, at) => at * 7);
    for (const name of ["3.x", "1.x", "2.x"]) await there.put(name, bytes.subarray(name.length));
    expect((await there.list()).sort()).toEqual(["1.x", "2.x", "3.x"]);
    expect(Buffer.compare(await there.get("2.x"), bytes.subarray(3))).toBe(0);
    await there.put("2.x", Uint8Array.of(1));
    expect([...(await there.get("2.x"))]).toEqual([1]);
    await there.remove("2.x");
    await there.remove("2.x");
    expect((await there.list()).sort()).toEqual(["1.x", "3.x"]);
    expect(await there.get("2.x").catch((error: Error) => error)).toBeInstanceOf(Error);
  });
});

describe("checkpoints on object storage", () => {
  test("are asked for by plain requests of S3 with a signature, below their prefix", async () => {
    await store().put("000000000001.ebcp", Uint8Array.of(1, 2, 3));
    await store().within("shard-1-of-2").put("000000000009.ebcp", Uint8Array.of(4));
    expect(await store().list()).toEqual(["000000000001.ebcp"]);
    expect([...s3.objects.keys()]).toEqual([
      "books/colo/one/000000000001.ebcp",
      "books/colo/one/shard-1-of-2/000000000009.ebcp",
    ]);
    expect(s3.requests.slice(0, 2)).toEqual([
      "PUT /books/colo/one/000000000001.ebcp",
      "PUT /books/colo/one/shard-1-of-2/000000000009.ebcp",
    ]);
    expect(s3.refused).toBe(0);
    process.env.AWS_SECRET_ACCESS_KEY = "another";
    const stranger = store();
    process.env.AWS_SECRET_ACCESS_KEY = ACCESS.secretAccessKey;
    await expect(stranger.list()).rejects.toThrow("LIST s3://books/colo/one/");
    expect(s3.refused).toBe(1);
  });

  test("the newest two go there, and a life elsewhere begins with them", async () => {
    const failures: Error[] = [];
    const own = new CheckpointFolder(join(scratch, "own"), {
      store: store(),
      failed: (error) => failures.push(error),
    });
    for (const number of [1, 2, 3]) {
      const writer = own.writer(number, () => {});
      writer.write(Uint8Array.of(number));
      writer.commit();
      await own.seal(number);
    }
    const elsewhere = folder();
    expect(await fetchCheckpoints(store(), elsewhere)).toBe(2);
    expect(elsewhere.numbers()).toEqual([3, 2]);
    expect([...elsewhere.read(3)]).toEqual([3]);
    // Where it cannot be reached the checkpoint is on the disk, and that is told.
    s3.failsWith = 503;
    const writer = own.writer(4, () => {});
    writer.commit();
    await own.seal(4);
    expect(own.numbers()).toEqual([4, 3]);
    expect(failures.map(({ message }) => message)).toEqual([
      expect.stringContaining("PUT s3://books/colo/one/000000000004.ebcp"),
    ]);
  });

  test("an address names bucket and prefix; all else is a directory", () => {
    expect(parseS3Address("s3://books")).toEqual({ bucket: "books", prefix: "" });
    expect(parseS3Address("s3://books/a/b/")).toEqual({ bucket: "books", prefix: "a/b" });
    for (const path of ["s3", "/var/lib/s3", "s3:books", ""]) {
      expect(parseS3Address(path)).toBeUndefined();
    }
  });

  test("a service saves there, and another begins where it ended", async () => {
    const market = runMarket({ seed: 5, milliseconds: 300 });
    const said: string[] = [];
    const start = () =>
      startService({
        version: "test",
        from: [],
        broker: { host: "127.0.0.1", port: 0 },
        http: { host: "127.0.0.1", port: 0 },
        page: new Map(),
        consumer: "book",
        state: "s3://books/live",
        onStatus: (text) => said.push(text),
      });
    const first = await start();
    for (const { bytes } of market.chunks) first.local?.live.push(bytes, 1.78e18);
    const books = (service: typeof first) =>
      service.local?.streams().streams.map(({ position }) => position);
    const stood = books(first);
    await first.close();
    expect([...s3.objects.keys()]).toEqual(["books/live/000000000001.ebcp"]);
    const second = await start();
    expect(books(second)).toEqual(stood);
    expect(stood?.length).toBe(2);
    await second.close();
    expect(said).toContain("checkpoints fetched from s3://books/live: 1");
    s3.failsWith = 403;
    await expect(start()).rejects.toThrow("The state cannot be read. LIST s3://books/live/");
  }, 30_000);
});
