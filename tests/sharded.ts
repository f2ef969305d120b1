/** Edge: the books of `book --shards` within this process, with the workers that users run. */
import { ShardedCentre, type ShardedOptions } from "../book/shards/sharded-centre.ts";
import type { BookFlags } from "../cli/book-options.ts";

const FLAGS: BookFlags = {
  masters: [],
  window: "100ms",
  date: undefined,
  certify: true,
  asOf: undefined,
  calendar: undefined,
};
const TICK_MS = 50;

type Chosen = Pick<ShardedOptions, "count" | "state" | "saveNs" | "canAsk"> &
  Partial<ShardedOptions>;

export interface Sharded {
  readonly centre: ShardedCentre;
  close(): Promise<void>;
}

/** Ticked until it is closed. Nobody has its chunks but the shards' logs. */
export function openSharded(chosen: Chosen): Sharded {
  const centre = new ShardedCentre({
    module: new URL("../cli/book-shard-worker.ts", import.meta.url),
    rest: FLAGS,
    key: "test",
    tool: "test",
    ask() {},
    onStatus() {},
    ...chosen,
  });
  const timer = setInterval(() => centre.tick(), TICK_MS);
  return {
    centre,
    async close() {
      await centre.close();
      clearInterval(timer);
    },
  };
}
