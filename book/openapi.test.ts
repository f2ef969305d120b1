import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { decode } from "@msgpack/msgpack";
import { type ApiService, startApi } from "../tests/api-service.ts";
import { ROUTES } from "./api-routes.ts";
import { SHAPES } from "./api-shapes.ts";
import { openApi } from "./openapi.ts";

let service: ApiService;
let price: string;
beforeAll(async () => {
  service = startApi({}, 1);
  service.api.live.finish(0);
  const book = (await json(`/v1/books/nse-fo/${service.token}`)) as { bids: { price: string }[] };
  price = book.bids[0].price;
});
afterAll(() => service.close());

async function json(path: string, init: RequestInit = {}): Promise<unknown> {
  return (await fetch(service.url + path, init)).json();
}

/** Of a page of books or trades. */
interface Page {
  readonly total: number;
  readonly books: readonly { readonly feed: string; readonly token: string }[];
  readonly trades: readonly { readonly sequence: string }[];
  readonly next: string | null;
}

const filled = (path: string): string =>
  path
    .replace("{feed}", "nse-fo")
    .replace("{token}", service.token)
    .replace("{stream}", "1")
    .replace(/queue$/, `queue?side=B&price=${price}`);

describe("the description", () => {
  test("every answer has the very shape that it says, and no field more", async () => {
    const { dates } = (await json("/v1/certificates")) as { dates: string[] };
    for (const { path, method, answer } of ROUTES) {
      if (typeof answer !== "string" || path === "/v1/replay") continue;
      const date = dates[0] ?? "2026-01-02";
      const value = await json(filled(path).replace("{date}", date), { method });
      const read = SHAPES[answer].safeParse(value);
      expect([path, read.error?.issues ?? []]).toEqual([path, []]);
      expect([path, read.data]).toEqual([path, value as typeof read.data]);
    }
    const paged = await json("/v1/books?after=&limit=2");
    expect(SHAPES.Books.parse(paged)).toEqual(paged as never);
    const wrong = await json("/v1/books?limit=0");
    expect(SHAPES.Error.parse(wrong)).toEqual(wrong as never);
  });

  test("the document holds together: references, parameters, names", () => {
    const document = JSON.parse(JSON.stringify(openApi("1.2.3")));
    const text = JSON.stringify(document);
    for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
    expect(text).not.toContain("$id");
    const ids: string[] = [];
    for (const [path, methods] of Object.entries<Record<string, never>>(document.paths)) {
      for (const operation of Object.values<{ operationId: string; parameters: Parameter[] }>(
        methods,
      )) {
        ids.push(operation.operationId);
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        const named = operation.parameters.filter((each) => each.in === "path");
        expect(named.map(({ name }) => name).sort()).toEqual(inPath.sort());
        for (const { schema } of operation.parameters) expect(schema.type).toBeString();
      }
    }
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("limits of parameters are those that hold", async () => {
    const { paths } = openApi("1") as {
      paths: Record<string, { get?: { parameters: Parameter[] } }>;
    };
    for (const [path, { get }] of Object.entries(paths)) {
      for (const { name, schema } of get?.parameters ?? []) {
        if (schema.maximum === undefined || schema.maximum > 1e9 || path === "/v1/live") continue;
        const ask = (value: number) => fetch(`${service.url}${filled(path)}?${name}=${value}`);
        expect([path, name, (await ask(schema.maximum)).status]).toEqual([path, name, 200]);
        expect([path, name, (await ask(schema.maximum + 1)).status]).toEqual([path, name, 400]);
      }
    }
  });
});

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: { readonly type?: string; readonly maximum?: number };
}

describe("pages", () => {
  test("all instruments come by name, each once, whatever moves meanwhile", async () => {
    const seen: string[] = [];
    let total = 0;
    for (let after: string | null = ""; after !== null; ) {
      const page = (await json(`/v1/books?limit=7&after=${encodeURIComponent(after)}`)) as Page;
      seen.push(...page.books.map(({ feed, token }) => `${feed}/${token}`));
      expect(page.books.length).toBeGreaterThan(0);
      total = page.total;
      after = page.next;
    }
    expect(seen).toEqual([...seen].sort());
    expect(new Set(seen).size).toBe(total);
  });

  test("trades go back page by page to the first, none twice, none left out", async () => {
    const path = `/v1/trades/nse-fo/${service.token}`;
    const whole = (await json(`${path}?limit=1000`)) as Page;
    expect(whole.next).toBeNull();
    const seen: unknown[] = [];
    for (let before: string | null = ""; before !== null; ) {
      const page = (await json(`${path}?limit=3&before=${before}`)) as Page;
      seen.push(...page.trades);
      before = page.next;
    }
    expect(seen).toEqual([...whole.trades]);
    expect(seen.length).toBeGreaterThan(6);
  });
});

describe("forms", () => {
  test("MessagePack says what JSON says, NDJSON a row a line", async () => {
    const path = `/v1/trades/nse-fo/${service.token}?limit=5`;
    const plain = (await json(path)) as Page;
    const packed = await fetch(service.url + path, { headers: { accept: "application/msgpack" } });
    expect(packed.headers.get("content-type")).toBe("application/msgpack");
    expect(decode(await packed.arrayBuffer())).toEqual(plain);
    const lines = await fetch(service.url + path, { headers: { accept: "application/x-ndjson" } });
    const rows = (await lines.text()).trimEnd().split("\n");
    expect(rows.map((row) => JSON.parse(row))).toEqual([...plain.trades]);
  });
});
