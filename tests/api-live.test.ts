/** `/v1/live` over real connections: WebSocket and NDJSON, heartbeats, replays, limits. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { decode, encode } from "@msgpack/msgpack";
import { type ApiService, startApi } from "./api-service.ts";
import { until } from "./until.ts";

interface Message {
  readonly type: string;
  readonly ts?: string;
  readonly code?: string;
  readonly complete?: boolean;
  readonly cursor?: string;
  readonly rows?: readonly { readonly sequence: string; readonly action: string }[];
}

let service: ApiService;
beforeAll(() => {
  service = startApi();
});
afterAll(() => service.close());

/** Messages of a WebSocket as they come; `until` waits for one that fits. */
async function openSocket(query = "") {
  const socket = new WebSocket(`${service.url.replace("http", "ws")}/v1/live${query}`);
  socket.binaryType = "arraybuffer";
  const got: Message[] = [];
  socket.onmessage = ({ data }) => {
    got.push((typeof data === "string" ? JSON.parse(data) : decode(data)) as Message);
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return {
    socket,
    got,
    until: (fits: (got: Message[]) => boolean) => until(() => fits(got), "messages"),
  };
}

async function* ndjson(path: string): AsyncGenerator<Message> {
  const answer = await fetch(`${service.url}${path}`, {
    headers: { accept: "application/x-ndjson" },
  });
  let rest = "";
  for await (const bytes of answer.body ?? []) {
    const lines = (rest + new TextDecoder().decode(bytes)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Message;
  }
}

describe("a WebSocket", () => {
  test("acknowledges, replays, says that it is complete, and goes on live", async () => {
    const { socket, got, until } = await openSocket("?format=msgpack");
    const { token } = service;
    const subscribe = { op: "subscribe", id: "a", feed: "nse-fo", token, schema: "trades" };
    socket.send(encode({ ...subscribe, start: "0" }));
    await until((all) => all.some(({ type }) => type === "replay_completed"));
    expect(got.map(({ type }) => type)).toEqual(["ack", "trades", "replay_completed"]);
    expect(got.at(-1)?.complete).toBe(true);
    service.push(0.8);
    await until((all) => all.at(-1)?.type === "trades");
    socket.close();
  });

  test("says that it is alive when there is nothing to say, and only then", async () => {
    const { socket, got, until } = await openSocket("?heartbeat_interval_s=1");
    await until((all) => all.length >= 2);
    expect(got.map(({ type }) => type)).toEqual(["heartbeat", "heartbeat"]);
    expect(Number(got[1].ts) - Number(got[0].ts)).toBeGreaterThan(0.8e9);
    socket.close();
  });

  test("a wrong interval, or a wrong message, is answered", async () => {
    const answer = await fetch(`${service.url}/v1/live?heartbeat_interval_s=0`, {
      headers: { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
    });
    expect([answer.status, ((await answer.json()) as Message).code]).toEqual([
      400,
      "bad_parameter",
    ]);
    const { socket, got, until } = await openSocket();
    for (const text of ["{", "[1]", '"x"', `{"id":${"[".repeat(5000)}${"]".repeat(5000)}}`]) {
      socket.send(text);
    }
    await until((all) => all.length === 4);
    expect(got.map(({ code }) => code)).toEqual(new Array(4).fill("bad_message"));
    socket.close();
  });
});

describe("NDJSON", () => {
  test("is the same messages, a line each, from the beginning on and then live", async () => {
    const path = `/v1/live?feed=nse-fo&token=${service.token}&schema=trades&start=0`;
    const types: string[] = [];
    for await (const { type } of ndjson(path)) {
      types.push(type);
      if (type === "replay_completed") service.push(1);
      if (types.length === 4) break;
    }
    expect(types).toEqual(["ack", "trades", "replay_completed", "trades"]);
    await until(() => service.listener.clients === 0, "the client to be gone");
  });

  test("several instruments in one answer, each acknowledged", async () => {
    const { books } = service.api.books("", "nse-fo", "3") as { books: { token: string }[] };
    const tokens = books.map(({ token }) => token).join(",");
    let acks = 0;
    for await (const { type } of ndjson(`/v1/live?feed=nse-fo&token=${tokens}&schema=bbo`)) {
      if (type === "ack" && ++acks === 3) break;
    }
    expect(acks).toBe(3);
  });

  test("what is wrong with a question is its answer", async () => {
    for (const query of ["", "?token=1&speed=2", "?token=1&heartbeat_interval_s=x"]) {
      const answer = await fetch(`${service.url}/v1/live${query}`, {
        headers: { accept: "application/x-ndjson" },
      });
      expect([query, answer.status]).toEqual([query, 400]);
    }
    const many = `/v1/live?feed=nse-fo&token=${new Array(101).fill("1").join(",")}`;
    const answer = await fetch(service.url + many, { headers: { accept: "application/x-ndjson" } });
    expect(answer.status).toBe(429);
  });

  test("a reader that stops reading costs a bounded memory, and ends nobody else", async () => {
    const path = `/v1/live?feed=nse-fo&token=${service.token}&schema=trades&start=0`;
    const idle = await fetch(`${service.url}${path}`, {
      headers: { accept: "application/x-ndjson" },
    });
    expect((await fetch(`${service.url}/ping`)).status).toBe(200);
    await idle.body?.cancel();
    await until(() => service.listener.clients === 0, "the client to be gone");
    expect(service.errors).toEqual([]);
  });
});
