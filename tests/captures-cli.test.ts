import { expect, test } from "bun:test";
import { capinfosRows, tryAll } from "./captures-cli.ts";

const rows = capinfosRows();
/** The full proof takes every file. */
const EVERY = 20;

test.if(rows !== undefined)(
  "rebuild reads captures of all kinds as capinfos does, or ends with a word and the right code",
  async () => {
    const all = rows ?? [];
    const unreadable = all.filter(({ readable }) => !readable).slice(0, 10);
    const some = [...all.filter((_, at) => at % EVERY === 0), ...unreadable];
    const tried = await tryAll(some);
    expect(tried.map(({ complaint }) => complaint).filter(Boolean)).toEqual([]);
    expect(some.length).toBeGreaterThan(30);
  },
  120_000,
);
