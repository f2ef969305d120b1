import { describe, expect, test } from "bun:test";
import { isLoopback, isOwnName, parseTokens } from "./access.ts";
import { Gate } from "./gate.ts";

const READ = "r".repeat(20);
const OPERATE = "o".repeat(20);

function newGate(nowMs = () => 0) {
  const tokens = parseTokens(`# who\nread ${READ}\noperate ${OPERATE}\n`, "tokens");
  return new Gate({ tokens, isLoopback: true, isTls: true, nowMs });
}

async function status(gate: Gate, path: string, init: RequestInit = {}) {
  return (await gate.check(new Request(`http://127.0.0.1${path}`, init)))?.status;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function enter(gate: Gate, token: string) {
  const body = new URLSearchParams({ token }).toString();
  return gate.check(new Request("http://127.0.0.1/login", { method: "POST", body }));
}

describe("with tokens", () => {
  test("nothing but health is told to whoever has none", async () => {
    const gate = newGate();
    for (const path of ["/v1/books", "/metrics", "/v1/live", "/openapi.json", "/page.js", "/x"]) {
      expect([path, await status(gate, path)]).toEqual([path, 401]);
      expect(await status(gate, path, { headers: bearer("wrong".repeat(5)) })).toBe(401);
    }
    expect(await status(gate, "/ping")).toBeUndefined();
    expect(await status(gate, "/ready")).toBeUndefined();
  });

  test("who may read may look at all, and give no command", async () => {
    const gate = newGate();
    const clear = "/v1/streams/nse-fo/1/clear";
    expect(await status(gate, "/v1/books", { headers: bearer(READ) })).toBeUndefined();
    expect(await status(gate, clear, { method: "POST", headers: bearer(READ) })).toBe(403);
    expect(await status(gate, clear, { method: "POST", headers: bearer(OPERATE) })).toBeUndefined();
    expect(await status(gate, clear, { method: "POST" })).toBe(401);
  });

  test("a browser is asked at the page, and has a session for its token", async () => {
    const gate = newGate();
    const asked = await gate.check(new Request("http://127.0.0.1/"));
    expect(asked?.status).toBe(401);
    expect(await asked?.text()).toContain('type="password"');
    expect((await enter(gate, "wrong"))?.status).toBe(401);
    const entered = await enter(gate, READ);
    const cookie = entered?.headers.get("set-cookie") ?? "";
    expect(entered?.status).toBe(303);
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure$/);
    expect(cookie).not.toContain(READ);
    const headers = { cookie: cookie.split(";")[0] };
    expect(await status(gate, "/v1/live", { headers })).toBeUndefined();
    expect(await status(gate, "/v1/x", { method: "POST", headers })).toBe(403);
  });

  test("a session ends, and there are no more than a bounded number of them", async () => {
    let now = 0;
    const gate = newGate(() => now);
    const cookieOf = async () =>
      ((await enter(gate, READ))?.headers.get("set-cookie") ?? "").split(";")[0];
    const first = await cookieOf();
    expect(await status(gate, "/v1/books", { headers: { cookie: first } })).toBeUndefined();
    now = 13 * 3600e3;
    expect(await status(gate, "/v1/books", { headers: { cookie: first } })).toBe(401);
    now = 0;
    for (let i = 0; i < 1000; i++) await cookieOf();
    expect(await status(gate, "/v1/books", { headers: { cookie: first } })).toBe(401);
    expect(await status(gate, "/v1/books", { headers: { cookie: await cookieOf() } })).toBe(
      undefined,
    );
  });

  test("no wrong form lets anybody in", async () => {
    const gate = newGate();
    for (const token of ["", " ", "r", READ.slice(1), `${READ}r`, "x".repeat(60_000)]) {
      expect((await enter(gate, token))?.status).toBe(401);
    }
    const headers = { authorization: "Bearer", cookie: "edgebook_session=" };
    expect(await status(gate, "/v1/books", { headers })).toBe(401);
  });
});

describe("without tokens", () => {
  test("a name that somebody else points to this machine is refused on loopback", async () => {
    const gate = new Gate({ isLoopback: true, isTls: false });
    const named = (host: string) => status(gate, "/v1/books", { headers: { host } });
    expect(await named("evil.example")).toBe(421);
    expect(await named("127.0.0.1.evil.example:8080")).toBe(421);
    expect(await named("127.0.0.1:8080")).toBeUndefined();
    expect(await named("localhost:8080")).toBeUndefined();
    expect(await named("[::1]:8080")).toBeUndefined();
    expect(isOwnName(null)).toBe(true);
  });

  test("loopback is what no other machine reaches", () => {
    for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1"]) {
      expect(isLoopback(host)).toBe(true);
    }
    for (const host of ["0.0.0.0", "::", "example.com", "127.0.0.1.example.com"]) {
      expect(isLoopback(host)).toBe(false);
    }
  });
});

describe("a token file", () => {
  test("what is wrong is said by its line, and no token is ever shown", () => {
    const secret = "verysecretverysecret";
    for (const text of [
      "",
      "# nobody\n",
      `admin ${secret}`,
      `read ${secret} ${secret}`,
      secret,
      "read short",
      `read ${secret}\u00e9`,
    ]) {
      let said = "";
      try {
        parseTokens(text, "tokens");
      } catch (error) {
        said = `${(error as Error).message} ${(error as { hint?: string }).hint}`;
      }
      expect(said).toContain("'tokens'");
      expect(said).not.toContain(secret);
    }
  });
});
