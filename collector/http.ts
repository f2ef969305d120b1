/**
 * Edge: the HTTP face of a collector: health for a supervisor, its status, metrics for Prometheus. Reads
 * only; nothing can be told to a collector here.
 */
import { Hono } from "hono";
import { CONTENT_TYPE } from "../metrics/exposition.ts";
import type { CollectorStatus } from "./status.ts";

export interface CollectorHttp {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws what the system says if nobody may listen there */
export function listenCollectorHttp(
  host: string,
  port: number,
  version: string,
  status: () => CollectorStatus,
  metrics: () => string,
): CollectorHttp {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("Content-Security-Policy", "default-src 'none'");
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Cache-Control", "no-store");
  });
  app.get("/ping", (c) => c.text("pong"));
  app.get("/ready", (c) => {
    const waiting = status().sinks.find(({ last_error }) => last_error !== "");
    const reason = waiting === undefined ? "" : `${waiting.to}: ${waiting.last_error}`;
    return c.json({ ready: waiting === undefined, reason }, waiting === undefined ? 200 : 503);
  });
  app.get("/version", (c) => c.json({ name: "edgebook", version }));
  app.get("/metrics", (c) => c.body(metrics(), 200, { "Content-Type": CONTENT_TYPE }));
  app.get("/v1/collector", (c) => c.json(status()));
  app.notFound((c) => {
    const hint = "There are /ping, /ready, /version, /metrics and /v1/collector.";
    return c.json({ code: "not_found", message: `there is nothing at ${c.req.path}`, hint }, 404);
  });
  const server = Bun.serve({ hostname: host, port, idleTimeout: 30, fetch: app.fetch });
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${server.port}`,
    close: () => server.stop(true),
  };
}
