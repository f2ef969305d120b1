/** Edge: two shards for tests, with a collector that still has every chunk of a simulated market. */

import type { RowsPort } from "../book/shards/shard-edge.ts";
import { ShardedCentre } from "../book/shards/sharded-centre.ts";
import type { ToyFaults } from "../book/shards/toy-shard.ts";
import type { ControlRequest, RepairRequest } from "../frames/transport.ts";
import type { Market } from "./live-market.ts";

export interface ToyServiceOptions {
  readonly market: Market;
  /** Directory of the shards' state. */
  readonly state: string;
  readonly faults?: Partial<ToyFaults>;
  readonly hangNs?: number | undefined;
  readonly rows?: RowsPort;
  /** Between two checkpoints. */
  readonly saveNs?: number;
}

export interface ToyService {
  readonly centre: ShardedCentre;
  /** What it told people. */
  readonly said: readonly string[];
  readonly state: string;
  /** The market's chunks up to that many. */
  push(upTo: number, pauseMs?: number): Promise<void>;
  close(): Promise<void>;
}

const NO_FAULTS: ToyFaults = { throwAt: 0, hangAt: 0, once: "" };
/** On a busy machine a thread may stand still for long, and is well all the same. */
const PATIENT_NS = 60e9;
const SAVE_NS = 200e6;
const TICK_MS = 20;

export function openToyService(options: ToyServiceOptions): ToyService {
  const { market, state, faults, hangNs = PATIENT_NS, rows, saveNs = SAVE_NS } = options;
  const said: string[] = [];
  let pushed = 0;
  const ask = (_: string, request: ControlRequest | RepairRequest) => {
    if (request.ask !== "resend" && request.ask !== "from") return;
    const to = request.ask === "resend" ? request.to : pushed;
    for (const { header, bytes } of market.chunks) {
      if (header.number >= request.from && header.number <= to) centre.push(bytes);
    }
  };
  const centre = new ShardedCentre({
    count: 2,
    module: new URL("../book/shards/toy-shard.ts", import.meta.url),
    rest: { ...NO_FAULTS, ...faults },
    state,
    key: "test",
    tool: "test",
    saveNs,
    canAsk: true,
    ask,
    rows,
    onStatus: (text) => said.push(text),
    hangNs,
  });
  const timer = setInterval(() => centre.tick(), TICK_MS);
  centre.begin();
  return {
    centre,
    said,
    state,
    async push(upTo, pauseMs = 0) {
      while (pushed < upTo) {
        await centre.push(market.chunks[pushed++].bytes);
        if (pauseMs > 0) await Bun.sleep(pauseMs);
      }
    },
    async close() {
      await centre.close();
      clearInterval(timer);
    },
  };
}
