/**
 * What goes wrong is seen three times over: as a metric, as the alert that Prometheus makes of it, and
 * as one line of the log. The alerts are played by promtool with the very numbers that were scraped.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker } from "../book/service-broker.ts";
import { ShardedCentre } from "../book/shards/sharded-centre.ts";
import { openCollecting } from "../cli/collecting.ts";
import { logTo } from "../cli/log.ts";
import { collectorMetrics } from "../collector/metrics.ts";
import { sequenced } from "../feed/sequenced/feed.ts";
import { Channels } from "../frames/channels.ts";
import { alertRules, alertTestsOf, type PlayedScene } from "../metrics/alert-files.ts";
import { ALERTS } from "../metrics/alerts.ts";
import { samplesOf } from "../metrics/page.ts";
import { checkFiles, promtool } from "./promtool.ts";
import { SeenWire } from "./seen-wire.ts";
import { until } from "./until.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-seen-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface LogLine {
  readonly event: string;
  readonly level: string;
  readonly text: string;
  readonly [place: string]: unknown;
}

function newLog() {
  const lines: LogLine[] = [];
  const now = () => new Date();
  const tell = logTo("json", (line) => lines.push(JSON.parse(line) as LogLine), now);
  return { tell, of: (event: string) => lines.filter((line) => line.event === event) };
}

/** Plays an alert over two scraped pages: for two and a half minutes the one, then the other. */
function fires(name: string, pages: readonly [string, string], labels: Record<string, string>) {
  const when = ALERTS.find((alert) => alert.name === name)?.when ?? "";
  const used: readonly string[] = when.match(/edgebook_\w+/g) ?? [];
  const [before, after] = pages.map(samplesOf);
  const series = [...after]
    .filter(([key]) => used.includes(key.split("{")[0]))
    .map(([key, value]): [string, string] => {
      const old = before.get(key) ?? 0;
      // A counter that grew goes on doing so; everything else stands.
      const grows = key.includes("_packets_total") && value > old ? `+${value - old}` : "";
      return [key, grows === "" ? `${old}x10 ${value}x10` : `${old}${grows}x20`];
    });
  expect(series.length).toBeGreaterThan(0);
  const scene: PlayedScene = { name, series, fires: labels };
  if (promtool === null) return;
  const files = { "alerts.yml": alertRules(), "seen.yml": alertTestsOf([scene]) };
  const done = checkFiles(["test", "rules", "seen.yml"], files);
  expect(done.text).toContain("SUCCESS");
}

const OF_STREAM = { feed: "sequenced", stream: "1" };

describe("at a collector", () => {
  test("a gap, a dead line, a stopped broker and a full spool", async () => {
    const log = newLog();
    const broker = await startBroker("127.0.0.1", 0);
    const channels = SeenWire.channels(new Channels());
    const spool = { bytesLimit: 16 << 20, segmentBytes: 1 << 20, whenFull: "stop" } as const;
    const { collector, core, watch } = openCollecting({
      name: "seen",
      to: [broker.url],
      channels,
      feed: sequenced,
      keep: "first",
      clock: "kernel",
      spoolDirectory: join(scratch, "spool"),
      spool,
      tell: log.tell,
    });
    const wire = new SeenWire();
    const ending = new AbortController();
    const receiving = collector.receive(wire, ending.signal);
    const who = { name: "seen", boot: 1, uptimeSeconds: 1, memoryBytes: 1 };
    const scrape = () => collectorMetrics({ collector, core, watch, channels }, who, "0");
    const sample = (page: string, key: string) => samplesOf(page).get(`edgebook_${key}`) ?? -1;
    const sink = `{sink="${broker.url}"}`;
    await until(() => sample(scrape(), `collector_sink_connected${sink}`) === 1, "the broker");
    await until(() => core.counters.frames > 100, "frames");
    const fine = scrape();

    wire.skip(3);
    await until(() => log.of("gap_closed").length > 0, "the gap's end");
    const gap = scrape();
    expect(sample(gap, 'collector_stream_lost_total{feed="sequenced",stream="1"}')).toBe(3);
    expect(log.of("gap_opened")).toMatchObject([{ level: "warn", stream: 1, missing: 3 }]);
    expect(log.of("gap_closed")).toMatchObject([{ stream: 1, lost: 3, doubtful: 1 }]);
    fires("EdgebookNumbersLost", [fine, gap], OF_STREAM);

    wire.linesAlive = 1;
    await Bun.sleep(100);
    const lame = scrape();
    await until(() => log.of("line_silent").length > 0, "the line's silence");
    expect(log.of("line_silent")).toMatchObject([{ level: "warn", stream: 1, line: "B" }]);
    fires("EdgebookLineDead", [lame, scrape()], { ...OF_STREAM, line: "B" });
    wire.linesAlive = 2;
    await until(() => log.of("line_back").length > 0, "the line");

    await broker.close();
    await until(() => log.of("broker_gone").length > 0, "the broker's end");
    const alone = scrape();
    expect(sample(alone, `collector_sink_connected${sink}`)).toBe(0);
    expect(log.of("broker_gone")).toMatchObject([{ level: "warn", broker: broker.url }]);
    fires("EdgebookBrokerGone", [fine, alone], { sink: broker.url });

    wire.payloadBytes = 1400;
    await until(() => log.of("spool_full").length > 0, "the spool's end");
    const full = scrape();
    expect(sample(full, "collector_spool_unsent_ratio")).toBeGreaterThan(0.5);
    expect(sample(full, 'collector_spool_refused_total{cause="full"}')).toBeGreaterThan(0);
    expect(log.of("spool_full")).toMatchObject([{ level: "error" }]);
    fires("EdgebookSpoolFull", [alone, full], { cause: "full" });
    fires("EdgebookSpoolFilling", [alone, full], {});

    ending.abort();
    await receiving;
    await collector.finish(0);
    // However long it lasted: once.
    for (const event of ["gap_opened", "gap_closed", "line_silent", "line_back"]) {
      expect([event, log.of(event).length]).toEqual([event, 1]);
    }
    expect([log.of("broker_gone").length, log.of("spool_full").length]).toEqual([1, 1]);
  }, 60_000);
});

describe("at the book service", () => {
  test("a dead shard", async () => {
    const log = newLog();
    const centre = new ShardedCentre({
      count: 2,
      module: new URL("../cli/book-shard-worker.ts", import.meta.url),
      rest: { masters: [], window: "100ms", date: undefined, certify: true, asOf: undefined },
      state: join(scratch, "state"),
      key: "seen",
      tool: "seen",
      saveNs: 3600e9,
      canAsk: false,
      ask() {},
      onStatus: log.tell,
    });
    const timer = setInterval(() => centre.tick(), 50);
    const service = { uptimeSeconds: 1, memoryBytes: 1, clients: 0 };
    centre.begin();
    await until(() => centre.shards.every(({ isUp }) => isUp), "the shards");
    const fine = await centre.api.metrics(service);
    centre.shards[1].kill();
    await until(() => log.of("shard_failed").length > 0, "the shard's end");
    const dead = await centre.api.metrics(service);
    expect(samplesOf(dead).get('edgebook_shard_up{shard="2"}')).toBe(0);
    expect(samplesOf(dead).get('edgebook_shard_restarts_total{shard="2"}')).toBe(1);
    fires("EdgebookShardDown", [fine, dead], { shard: "2" });
    fires("EdgebookShardFailed", [fine, dead], { shard: "2" });
    await until(() => log.of("shard_back").length > 0, "the shard's next life");
    expect(log.of("shard_failed")).toMatchObject([{ level: "error", shard: "shard 2 of 2" }]);
    expect(log.of("shard_back")).toHaveLength(1);
    clearInterval(timer);
    await centre.close();
  }, 60_000);
});
