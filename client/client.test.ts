import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type ApiService, startApi } from "../tests/api-service.ts";
import { Edgebook, EdgebookError, type LiveMessage, type Trade } from "./edgebook.ts";

const READ = "readreadreadreadreadread";
const OPERATE = "operateoperateoperate";
let service: ApiService;
let client: Edgebook;
beforeAll(() => {
  const tokens = [
    { role: "read", secret: READ } as const,
    { role: "operate", secret: OPERATE } as const,
  ];
  service = startApi({ tokens }, 0.5);
  client = new Edgebook(service.url, { token: READ, retryMs: 20 });
});
afterAll(() => service.close());

const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => "answered",
    (error: unknown) => (error instanceof EdgebookError ? error.code : String(error)),
  );

/** All trades that the service has of the instrument, oldest first. */
const allTrades = () =>
  (service.api.trades("nse-fo", service.token, "1000") as { trades: Trade[] }).trades.reverse();

describe("the TypeScript client", () => {
  test("asks for everything that there is, and has what the service has", async () => {
    expect((await client.version()).name).toBe("edgebook");
    const [stream] = await client.streams();
    expect(stream.feed).toBe("nse-fo");
    const book = await client.book("nse-fo", service.token, 3);
    expect(book).toEqual(service.api.book("nse-fo", service.token, "3") as never);
    const [bid] = book.bids;
    const queue = await client.queue("nse-fo", service.token, "B", bid.price);
    expect(queue.orders.length).toBe(bid.orders);
    const page = await client.trades("nse-fo", service.token, 2);
    const older = await client.trades("nse-fo", service.token, 2, page.next ?? "");
    expect([...page.trades, ...older.trades]).toEqual(allTrades().reverse().slice(0, 4));
    const names: string[] = [];
    for await (const { token } of client.allBooks()) names.push(token);
    expect(names.length).toBe((await client.books()).total);
    expect((await client.gaps({ limit: 1 })).gaps.length).toBeLessThan(2);
  });

  test("is told why not, with a code", async () => {
    expect(await codeOf(client.book("nse-fo", "nothing"))).toBe("unknown_token");
    expect(await codeOf(client.clear("nse-fo", 1))).toBe("not_allowed");
    expect(await codeOf(new Edgebook(service.url).streams())).toBe("no_token");
    const wrong = client.live({ feed: "nse-fo", token: "nothing" });
    expect(await codeOf(wrong.next().then(() => wrong.next()))).toBe("unknown_token");
  });

  test("gets every trade once, though its connection is cut", async () => {
    const query = { feed: "nse-fo", token: service.token, schema: "trades", start: "0" } as const;
    const got: Trade[] = [];
    const kinds: LiveMessage["type"][] = [];
    let connections = 0;
    const { fetch } = globalThis;
    // The first connection ends behind its first rows.
    globalThis.fetch = Object.assign(
      async (...asked: Parameters<typeof fetch>) => {
        const answer = await fetch(...asked);
        if (++connections > 1 || answer.body === null) return answer;
        const reader = answer.body.getReader();
        const cut = new ReadableStream({
          async pull(controller) {
            const { value } = await reader.read();
            controller.enqueue(value);
            if (!new TextDecoder().decode(value).includes('"rows"')) return;
            controller.close();
            reader.cancel();
          },
        });
        return new Response(cut, { headers: answer.headers });
      },
      { preconnect: fetch.preconnect },
    );
    try {
      for await (const message of client.live(query)) {
        kinds.push(message.type);
        if (message.type === "trades") got.push(...message.rows);
        if (message.type === "replay_completed" && connections === 2) service.push(1);
        if (connections >= 2 && got.length >= allTrades().length) break;
      }
    } finally {
      globalThis.fetch = fetch;
    }
    expect(connections).toBe(2);
    expect(got).toEqual(allTrades());
    expect(kinds.filter((kind) => kind === "ack").length).toBe(2);
  });
});

describe("the Python example", () => {
  test("prints the trades that the service has", async () => {
    const python = Bun.which("python3");
    if (python === null) {
      if (process.env.CI) throw new Error("no python3");
      console.log("not run: no python3");
      return;
    }
    const script = join(import.meta.dir, "trades.py");
    const wanted = allTrades();
    const words = [service.url, "nse-fo", service.token, String(wanted.length)];
    const run = Bun.spawn([python, script, ...words], {
      env: { ...process.env, EDGEBOOK_TOKEN: READ },
      stdout: "pipe",
      stderr: "pipe",
      timeout: 30_000,
    });
    const out = await new Response(run.stdout).text();
    expect([await run.exited, await new Response(run.stderr).text()]).toEqual([0, ""]);
    const lines = wanted.map(({ ts_event, price, size, side }) =>
      [ts_event, price, size, side].join(" "),
    );
    expect(out.trimEnd().split("\n")).toEqual(lines);
    const refused = Bun.spawn([python, script, service.url, "nse-fo", service.token], {
      env: { ...process.env, EDGEBOOK_TOKEN: "wrongwrongwrongwrong" },
      stderr: "pipe",
      timeout: 30_000,
    });
    expect(await new Response(refused.stderr).text()).toBe("this service wants a token\n");
    expect(await refused.exited).toBe(1);
  }, 60_000);
});
