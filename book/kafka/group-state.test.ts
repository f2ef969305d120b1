/** What a member fetches while another one writes: all of a moment, or nothing. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ObjectStorage } from "../../frames/object-storage.ts";
import { withVariables } from "../../tests/environment.ts";
import { CheckpointFolder } from "../checkpoint/folder.ts";
import { ToyS3 } from "../checkpoint/toy-s3.ts";
import { GroupState } from "./group-state.ts";

const ACCESS = { accessKeyId: "edge", secretAccessKey: "a secret of the test" };
const s3 = new ToyS3({ ...ACCESS, pageKeys: 100 });
const scratch = mkdtempSync(join(tmpdir(), "edgebook-group-state-"));
const restore = withVariables(s3.env);
const TOPIC = "edgebook.frames.nse-fo";

afterAll(async () => {
  restore();
  await s3.stop();
  rmSync(scratch, { recursive: true });
});

const bytes = (text: string) => new TextEncoder().encode(text);
const storage = (prefix: string) => new ObjectStorage({ bucket: "books", prefix });
const checkpoint = (number: number) => `${String(number).padStart(12, "0")}.ebcp`;

test("a checkpoint that goes while it is fetched is not left out: all is fetched again", async () => {
  const there = storage("replaced");
  const at = (name: string) => `${TOPIC}/3/${name}`;
  await there.put(at(`nse-fo-1/${checkpoint(5)}`), bytes("one"));
  await there.put(at(`nse-fo-2/${checkpoint(5)}`), bytes("two"));
  await there.put(at("place.json"), bytes('{"offset":50}'));
  // The writer is a step ahead of whoever lists: once, what was listed is gone.
  let replaced = 0;
  const get = there.within(`${TOPIC}/3`);
  const within = () => {
    const view = Object.create(get);
    view.list = async (folder: string) => {
      const listed = await get.list(folder);
      if (replaced++ === 0) {
        await there.remove(at(`nse-fo-2/${checkpoint(5)}`));
        await there.put(at(`nse-fo-2/${checkpoint(6)}`), bytes("two, newer"));
        await there.put(at("place.json"), bytes('{"offset":60}'));
      }
      return listed;
    };
    return view;
  };
  const watched = Object.assign(Object.create(there), { within }) as ObjectStorage;
  const state = new GroupState(join(scratch, "replaced"), watched);
  expect(await state.refresh(TOPIC, 3)).toBe(true);
  expect(replaced).toBe(2);
  expect(state.placeOf(TOPIC, 3)).toBe(60);
  expect(state.streamsOf(TOPIC, 3).sort()).toEqual(["nse-fo-1", "nse-fo-2"]);
  const newer = join(state.folderOf(TOPIC, 3), "nse-fo-2", checkpoint(6));
  expect(readFileSync(newer, "utf8")).toBe("two, newer");
});

test("what is not newer is left where it is, and what is newer replaces all", async () => {
  const there = storage("newer");
  const mine = new GroupState(join(scratch, "mine"), there);
  const theirs = new GroupState(join(scratch, "theirs"), there);
  expect(await mine.refresh(TOPIC, 0)).toBe(true);
  expect([mine.placeOf(TOPIC, 0), mine.streamsOf(TOPIC, 0)]).toEqual([0, []]);
  await theirs.copyOf(TOPIC, 0, "nse-fo-1")?.store.put(checkpoint(7), bytes("seven"));
  await theirs.savePlace(TOPIC, 0, 100, 1);
  expect(await mine.refresh(TOPIC, 0, 100)).toBe(false);
  expect(mine.streamsOf(TOPIC, 0)).toEqual([]);
  expect(await mine.refresh(TOPIC, 0, 99)).toBe(true);
  expect([mine.placeOf(TOPIC, 0), mine.streamsOf(TOPIC, 0)]).toEqual([100, ["nse-fo-1"]]);
  expect(existsSync(`${mine.folderOf(TOPIC, 0)}.new`)).toBe(false);
});

test("a checkpoint that does not get there is none", async () => {
  const state = new GroupState(join(scratch, "refused"), storage("refused"));
  const folder = new CheckpointFolder(
    join(state.folderOf(TOPIC, 0), "nse-fo-1"),
    state.copyOf(TOPIC, 0, "nse-fo-1"),
  );
  const write = (number: number) => {
    const writer = folder.writer(number, () => {});
    writer.write(bytes("state"));
    writer.commit();
  };
  write(1);
  await folder.seal(1);
  write(2);
  s3.failsWith = 403;
  const refused = await folder.seal(2).catch((error: Error) => error);
  s3.failsWith = 0;
  expect(refused).toBeInstanceOf(Error);
  const there = await storage("refused").list("");
  expect(there.map(({ path }) => path)).toEqual([`${TOPIC}/0/nse-fo-1/${checkpoint(1)}`]);
}, 60_000);
