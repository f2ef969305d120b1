import { describe, expect, test } from "bun:test";
import { openZstd } from "../frames/zstd.ts";
import { runMarket } from "../tests/live-market.ts";
import { Live } from "./live.ts";
import { LiveApi } from "./live-api.ts";
import { Subscriber } from "./live-subscriber.ts";

interface Row {
  readonly sequence: string;
  readonly ts_recv: string;
  readonly action: string;
}
interface Message {
  readonly type: string;
  readonly rows?: Row[];
  readonly cursor?: string;
  readonly missed?: number;
  readonly complete?: boolean;
  readonly code?: string;
  readonly state?: string;
  readonly from?: string;
}

const SEED = 11;

/** A service that has taken a part of its chunks, and the rest to come. */
function newService(isLost?: (line: number, stream: number, sendNs: number) => boolean) {
  const market = runMarket({ seed: SEED, milliseconds: 1500, ...(isLost && { isLost }) });
  const live = new Live({ zstd: openZstd(), ask: () => {} });
  const api = new LiveApi(live);
  let at = 0;
  const push = (share: number) => {
    const end = Math.floor(market.chunks.length * share);
    for (; at < end; at++) live.push(market.chunks[at].bytes, 0);
  };
  return { live, api, push };
}

function newClient(api: LiveApi) {
  const got: Message[] = [];
  const wire = { waiting: 0, accepts: true };
  const client = new Subscriber(api, {
    send(message) {
      if (wire.accepts) got.push(message as Message);
      return wire.accepts;
    },
    waiting: () => wire.waiting,
    setFormat: () => {},
  });
  return { client, got, wire };
}

/** The instrument with the most trades. */
function busiest(api: LiveApi): { token: string; trades: Row[] } {
  const { books } = api.books("", "nse-fo", "100") as { books: { token: string }[] };
  const all = books.map(({ token }) => {
    const { trades } = api.trades("nse-fo", token, "1000") as { trades: Row[] };
    return { token, trades: trades.reverse() };
  });
  return all.sort((a, b) => b.trades.length - a.trades.length)[0];
}

const keyOf = ({ sequence, action }: Row) => `${sequence} ${action}`;
const rowsOf = (got: readonly Message[]) => got.flatMap(({ rows }) => rows ?? []).map(keyOf);

describe("a client that asks for what was", () => {
  test("gets all of it in order, is told that it is complete, and goes on live", () => {
    const { api, push } = newService();
    push(0.6);
    const { token } = busiest(api);
    const { client, got } = newClient(api);
    client.message({ op: "subscribe", feed: "nse-fo", token, schema: "trades", start: "0" });
    client.tick();
    push(1);
    client.tick();
    const types = got.map(({ type }) => type);
    expect(types).toEqual(["ack", "trades", "replay_completed", "trades"]);
    expect(got[2].complete).toBe(true);
    expect(rowsOf(got)).toEqual(busiest(api).trades.map(keyOf));
  });

  test("goes on behind the last row it has, wherever it was cut off", () => {
    const { api, push } = newService();
    push(0.5);
    const { token } = busiest(api);
    const first = newClient(api);
    const subscribe = { op: "subscribe", feed: "nse-fo", token, schema: "trades" };
    first.client.message({ ...subscribe, start: 0 });
    const before = rowsOf(first.got);
    const cursor = first.got.findLast(({ rows }) => rows !== undefined)?.cursor;
    first.client.close();
    push(1);
    const second = newClient(api);
    second.client.message({ ...subscribe, cursor });
    second.client.tick();
    expect([...before, ...rowsOf(second.got)]).toEqual(busiest(api).trades.map(keyOf));
    expect(second.got.at(-1)).toMatchObject({ type: "replay_completed", complete: true });
  });

  test("a cursor holds for another service of the same stream", () => {
    const one = newService();
    const other = newService();
    one.push(0.5);
    other.push(1);
    const { token } = busiest(one.api);
    const first = newClient(one.api);
    const subscribe = { op: "subscribe", feed: "nse-fo", token, schema: "trades" };
    first.client.message({ ...subscribe, start: 0 });
    const cursor = first.got.findLast(({ rows }) => rows !== undefined)?.cursor;
    const second = newClient(other.api);
    second.client.message({ ...subscribe, cursor });
    const all = busiest(other.api).trades.map(keyOf);
    expect([...rowsOf(first.got), ...rowsOf(second.got)]).toEqual(all);
  });

  test("a start is a capture time: rows of then and later", () => {
    const { api, push } = newService();
    push(1);
    const { token, trades } = busiest(api);
    const middle = trades[trades.length >> 1];
    const { client, got } = newClient(api);
    client.message({
      ...{ op: "subscribe", feed: "nse-fo", token, schema: "trades" },
      start: middle.ts_recv,
    });
    const wanted = trades.filter(({ ts_recv }) => BigInt(ts_recv) >= BigInt(middle.ts_recv));
    expect(rowsOf(got)).toEqual(wanted.map(keyOf));
  });

  test("order events from before anybody watched are not said to be complete", () => {
    const { api, push } = newService();
    push(0.5);
    const { token } = busiest(api);
    const { client, got } = newClient(api);
    const subscribe = { op: "subscribe", feed: "nse-fo", token, schema: "mbo" };
    client.message({ ...subscribe, start: 0 });
    expect(got.at(-1)).toMatchObject({ type: "replay_completed", complete: false });
    push(0.8);
    client.tick();
    const cursor = got.at(-1)?.cursor;
    push(1);
    client.tick();
    const rest = rowsOf(got.slice(-1));
    const second = newClient(api);
    second.client.message({ ...subscribe, cursor });
    expect(rowsOf(second.got)).toEqual(rest);
    expect(second.got.at(-1)).toMatchObject({ type: "replay_completed", complete: true });
  });

  test("what is no beginning is refused, and takes nothing away", () => {
    const { api, push } = newService();
    push(1);
    const { token } = busiest(api);
    const { client, got } = newClient(api);
    const subscribe = { op: "subscribe", feed: "nse-fo", token };
    const wrong = [
      { ...subscribe, schema: "mbp-10", start: "0" },
      { ...subscribe, schema: "trades", start: "yesterday" },
      { ...subscribe, schema: "trades", cursor: "1.2" },
      { ...subscribe, schema: "mbo", cursor: 5 },
      { ...subscribe, schema: "trades", start: { deep: [[[]]] } },
    ];
    for (const message of wrong) client.message(message);
    expect(got.map(({ type }) => type)).toEqual(wrong.map(() => "error"));
    expect(client.subscriptions.size).toBe(0);
  });
});

describe("a client", () => {
  test("gets every row though its connection drops some and is full for a while", () => {
    const { api, push } = newService();
    push(0.4);
    const { token } = busiest(api);
    const { client, got, wire } = newClient(api);
    client.message({ op: "subscribe", feed: "nse-fo", token, schema: "trades", start: 0 });
    for (let step = 4; step <= 10; step++) {
      wire.accepts = step % 2 === 0;
      wire.waiting = step === 6 || step === 8 ? 2 << 20 : 0;
      push(step / 10);
      client.tick();
    }
    expect(rowsOf(got)).toEqual(busiest(api).trades.map(keyOf));
    expect(got.some(({ type }) => type === "slow")).toBe(true);
  });

  test("is told of a gap that is held, and of its loss before any row behind it", () => {
    const isLost = (_line: number, _stream: number, sendNs: number) =>
      sendNs > 700e6 && sendNs < 720e6;
    const { live, api, push } = newService(isLost);
    push(0.4);
    const { token } = busiest(api);
    const { client, got } = newClient(api);
    client.message({ op: "subscribe", feed: "nse-fo", token, schema: "trades", start: 0 });
    for (let step = 40; step <= 100; step++) {
      push(step / 100);
      client.tick();
    }
    live.finish(1e9);
    client.tick();
    const gaps = got.filter(({ type }) => type === "gap");
    expect(gaps.map(({ state }) => state)).toContain("lost");
    const [lost] = gaps.filter(({ state }) => state === "lost");
    const behind = got.findIndex(({ rows }) =>
      rows?.some(({ sequence }) => Number(sequence) > Number(lost.from)),
    );
    expect(behind === -1 || got.indexOf(lost) < behind).toBe(true);
    const held = gaps.filter(({ state, from }) => state === "held" && from === lost.from);
    expect(held.length).toBe(1);
  });
});
