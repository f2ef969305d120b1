import { describe, expect, test } from "bun:test";
import { ReplayControl } from "../replayer/control.ts";
import { controlApp, listenControl } from "./replay-control.ts";
import { ReplayDoor } from "./replay-door.ts";

const REAL_TIME = { kind: "captured", factor: 1 } as const;

async function post(app: ReturnType<typeof controlApp>, path: string, body?: object) {
  const answer = await app.request(path, {
    method: "POST",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

describe("the control of a replay", () => {
  test("says how it stands, and after each request how it stands then", async () => {
    const control = new ReplayControl(REAL_TIME);
    const app = controlApp(control);
    const fresh = { state: "playing", speed: "1x", sent: 0, ts_recv: null };
    expect(await (await app.request("/")).json()).toEqual(fresh);
    control.passed(5, 1_700_000_000, 7);
    const playing = { ...fresh, sent: 5, ts_recv: "1700000000000000007" };
    const paused = { ...playing, state: "paused" };
    expect(await post(app, "/pause")).toEqual({ status: 200, body: paused });
    expect((await post(app, "/speed", { speed: "50000pps" })).body.speed).toBe("50000pps");
    expect((await post(app, "/speed?speed=10x")).body.speed).toBe("10x");
    expect((await post(app, "/step", { frames: 2 })).body.state).toBe("paused");
    expect(control.isStepping).toBe(true);
    expect((await post(app, "/resume")).body.state).toBe("playing");
    await post(app, "/seek", { to: "2023-11-14T22:13:20.5Z" });
    expect(control.takePlace()).toEqual({ sec: 1_700_000_000, nsec: 500_000_000 });
    expect(control.takePlace()).toBeUndefined();
  });

  test("refuses what it cannot do, and says how to ask, and nothing changes", async () => {
    const control = new ReplayControl(REAL_TIME);
    const app = controlApp(control);
    for (const [path, body] of [
      ["/stop", {}],
      ["/speed", {}],
      ["/speed", { speed: "fast" }],
      ["/seek", { to: "noon" }],
      ["/step", { frames: -1 }],
      ["/speed", "10x"],
    ] as const) {
      const answer = await post(app, path, body as object);
      expect(answer.status).toBe(400);
      expect(Object.keys(answer.body)).toEqual(["code", "message", "hint"]);
      expect(answer.body.hint).not.toBe("");
    }
    expect((await app.request("/nowhere")).status).toBe(404);
    expect(control.wishes).toBe(0);
  });

  test("listens where it is told to, but not to pages of other origins", async () => {
    const listener = listenControl(
      new ReplayControl(REAL_TIME),
      new ReplayDoor("control", "127.0.0.1:0"),
    );
    try {
      expect((await fetch(`${listener.url}/ping`)).status).toBe(200);
      const headers = { origin: "http://elsewhere.test" };
      const foreign = await fetch(`${listener.url}/pause`, { method: "POST", headers });
      expect(foreign.status).toBe(403);
      const port = new URL(listener.url).port;
      const again = () =>
        listenControl(new ReplayControl(REAL_TIME), new ReplayDoor("control", `127.0.0.1:${port}`));
      expect(again).toThrow(expect.objectContaining({ code: "address_in_use" }));
    } finally {
      await listener.close();
    }
  });
});
