import { describe, expect, test } from "bun:test";
import { Channels } from "../frames/channels.ts";
import { ReplayControl } from "../replayer/control.ts";
import { HistoryServer } from "./history-server.ts";
import { listenControl } from "./replay-control.ts";
import { ReplayDoor } from "./replay-door.ts";

const tokens = [
  { role: "read", secret: "a-secret-for-those-who-look" },
  { role: "operate", secret: "a-secret-for-those-who-steer" },
] as const;
const [look, steer] = tokens.map(({ secret }) => ({ Authorization: `Bearer ${secret}` }));

describe("the door of a replay", () => {
  test("opens to other hosts only with tokens", () => {
    for (const address of ["0.0.0.0:0", "192.0.2.7:8082", "[::]:8082"]) {
      const open = () => new ReplayDoor("serve", address);
      expect(open).toThrow(expect.objectContaining({ code: "bad_flag" }));
      expect(new ReplayDoor("serve", address, { tokens }).flag).toBe("serve");
    }
    expect(new ReplayDoor("serve", "[::1]:0").urlOf(7)).toBe("http://[::1]:7");
  });

  test("whoever may look may not steer, and without a token nobody may do either", async () => {
    const control = new ReplayControl({ kind: "captured", factor: 1 });
    const listener = listenControl(control, new ReplayDoor("control", "127.0.0.1:0", { tokens }));
    const status = async (method: string, headers: Record<string, string>) =>
      (await fetch(listener.url + (method === "GET" ? "/" : "/pause"), { method, headers })).status;
    try {
      expect([await status("GET", {}), await status("POST", {})]).toEqual([401, 401]);
      expect([await status("GET", look), await status("POST", look)]).toEqual([200, 403]);
      expect(control.isHolding).toBe(false);
      expect([await status("GET", steer), await status("POST", steer)]).toEqual([200, 200]);
      expect(control.isHolding).toBe(true);
      expect(await status("GET", { Authorization: "Bearer a-secret-that-nobody-gave" })).toBe(401);
      expect((await fetch(`${listener.url}/ping`)).status).toBe(200);
    } finally {
      await listener.close();
    }
  });

  test("rows of history want a token, over HTTP and as a WebSocket", async () => {
    const server = new HistoryServer({
      paths: [],
      channels: () => new Channels(),
      feed: "nse-fo",
      spec: undefined,
      date: undefined,
      mastersFor: async () => new Map(),
    });
    const listener = server.listen(new ReplayDoor("serve", "127.0.0.1:0", { tokens }));
    const upgrade = { Upgrade: "websocket", Connection: "Upgrade" };
    const key = { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13" };
    try {
      const rows = `${listener.url}/v1/replay`;
      for (const headers of [{}, { ...upgrade, ...key }]) {
        const answer = await fetch(rows, { headers });
        expect(answer.status).toBe(401);
        expect(await answer.json()).toMatchObject({ code: "no_token" });
      }
      // With a token the request itself is read, and what is wrong with it told.
      expect((await fetch(`${rows}?speed=fast`, { headers: look })).status).toBe(400);
    } finally {
      await listener.close();
    }
  });

  test("a page whose name was made to point to this machine gets nothing", async () => {
    const control = new ReplayControl({ kind: "captured", factor: 1 });
    const listener = listenControl(control, new ReplayDoor("control", "127.0.0.1:0"));
    try {
      const headers = { Host: "elsewhere.test" };
      expect((await fetch(listener.url, { headers })).status).toBe(421);
    } finally {
      await listener.close();
    }
  });
});
