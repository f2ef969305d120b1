/**
 * Edge: `replay --control HOST:PORT`: a running replay looked at and steered over HTTP. GET / says
 * how it stands; POST /pause, /resume, /step, /speed and /seek say how it stands then.
 */
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { listenError } from "../book/service-error.ts";
import type { ReplayControl } from "../replayer/control.ts";
import { paceText, parsePace } from "../replayer/pace.ts";
import { CliError } from "./errors.ts";
import { parseMoment } from "./moment.ts";
import type { Listener, ReplayDoor } from "./replay-door.ts";
import { SPEED_HINT } from "./replay-settings.ts";

const STEP_FRAMES_MAX = 1_000_000;

/** How a replay stands; times are nanoseconds since 1970, as text. */
export function stateOf(control: ReplayControl): object {
  const { phase, pace, sent, positionSec, positionNsec } = control;
  const position = sent > 0 ? nsText(positionSec, positionNsec) : null;
  return { state: phase, speed: paceText(pace), sent, ts_recv: position };
}

export function nsText(sec: number, nsec: number): string {
  return (BigInt(sec) * 1_000_000_000n + BigInt(nsec)).toString();
}

/**
 * What can be asked of a replay, by name: over HTTP and over a WebSocket alike. @throws CliError
 */
export function steer(control: ReplayControl, op: string, asked: Record<string, unknown>): void {
  if (op === "pause") control.pause();
  else if (op === "resume") control.resume();
  else if (op === "step") control.step(framesOf(asked.frames));
  else if (op === "speed") {
    const pace = parsePace(String(asked.speed ?? ""));
    if (!pace) throw new CliError("bad_flag", "'speed' is missing, or no speed.", SPEED_HINT);
    control.speed(pace);
  } else if (op === "seek") control.seek(parseMoment("to", String(asked.to ?? "")));
  else {
    const hint = "There are pause, resume, step, speed and seek.";
    throw new CliError("bad_argument", `'${op}' is nothing that a replay does.`, hint);
  }
}

function framesOf(asked: unknown): number {
  const frames = asked === undefined ? 1 : Number(asked);
  if (Number.isInteger(frames) && frames > 0 && frames <= STEP_FRAMES_MAX) return frames;
  const message = `'frames' is '${asked}', not a number of frames.`;
  throw new CliError("bad_argument", message, `Give 1 to ${STEP_FRAMES_MAX}.`);
}

export function controlApp(control: ReplayControl): Hono {
  const app = new Hono();
  app.get("/", (c) => c.json(stateOf(control)));
  app.get("/ping", (c) => c.text("pong"));
  app.post("/:op", async (c) => {
    const text = await c.req.text();
    steer(control, c.req.param("op"), { ...c.req.query(), ...jsonObject(text) });
    return c.json(stateOf(control));
  });
  app.notFound((c) => {
    const error = new CliError(
      "bad_argument",
      `There is nothing at ${c.req.path}.`,
      "GET / or POST /pause.",
    );
    return c.json(errorBody(error), 404);
  });
  app.onError((thrown, c) => {
    const error = thrown instanceof CliError ? thrown : undefined;
    const status = (error === undefined ? 500 : 400) satisfies ContentfulStatusCode;
    return c.json(errorBody(error ?? new CliError("unexpected", thrown.message)), status);
  });
  return app;
}

export function errorBody({ code, message, hint }: CliError): object {
  return { code, message, hint };
}

/** The object in a request's body; nothing where it is empty. @throws CliError */
export function jsonObject(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw new CliError("bad_argument", "The body is no JSON object.", 'Send {"speed":"10x"}.');
}

/** @throws ServiceError if nobody may listen there */
export function listenControl(control: ReplayControl, door: ReplayDoor): Listener {
  const app = controlApp(control);
  const { hostname, port } = door.address;
  try {
    const server = Bun.serve({
      ...door.address,
      maxRequestBodySize: 1 << 14,
      fetch: (request) => door.check(request) ?? app.fetch(request),
    });
    return { url: door.urlOf(server.port), close: () => server.stop(true) };
  } catch (cause) {
    throw listenError(door.flag, hostname, port, cause as Error);
  }
}
