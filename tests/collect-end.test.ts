/** How `collect --pcap` ends: with a centre, without one, with one that comes late, by Ctrl-C. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker } from "../book/service-broker.ts";
import { ethernet, ipv4, pcapFile, udp } from "./capture-files.ts";
import { freePort } from "./live-mqtt-broker.ts";
import { lastJson, type Running, start } from "./live-run.ts";
import { nseMessage } from "./nse-messages.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-collect-end-"));
const running: Running[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.interrupt()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One order each on so many streams, so that each is a chunk of its own. */
const ORDERS = 40;
const packets = Array.from({ length: ORDERS }, (_, at) => {
  const values = { order_id: 100 + at, token: 7, side: "B", price: 7000, quantity: 50 };
  const bytes = nseMessage("N", 1, values, at + 1);
  return {
    sec: 1_700_000_000,
    fraction: at,
    bytes: ethernet(0x0800, ipv4("239.1.1.1", udp(10_000, bytes))),
  };
});
const capture = join(folder, "day.pcap");
writeFileSync(capture, pcapFile(packets));
let runs = 0;

function begin(...words: string[]): Running {
  const process = start(...words);
  running.push(process);
  return process;
}

function collect(to: string, ...more: string[]): Running {
  const spool = ["--spool", join(folder, `spool-${++runs}`), "--name", `end-${process.pid}`];
  return begin("collect", "--pcap", capture, "--feed", "nse-fo", "--to", to, ...spool, ...more);
}

async function messagesAt(api: string): Promise<number> {
  const answer = await fetch(`${api}/v1/streams`, { signal: AbortSignal.timeout(5000) });
  const { streams } = (await answer.json()) as { streams: { messages: number }[] };
  return streams.reduce((sum, { messages }) => sum + messages, 0);
}

describe("collect --pcap to a broker", () => {
  test("without the broker ends at once by Ctrl-C, and says what the spool keeps", async () => {
    const collector = collect(`mqtt://127.0.0.1:${await freePort()}`);
    await collector.says(`waiting for a centre to confirm ${ORDERS} chunks`);
    const began = performance.now();
    const { code, err } = await collector.interrupt();
    expect(performance.now() - began).toBeLessThan(3000);
    expect(code).toBe(130);
    expect(err).toContain(`the spool keeps ${ORDERS} chunks of this run`);
  }, 60_000);

  test("that nobody reads is incomplete: exit code 3, and nobody has confirmed", async () => {
    const broker = await startBroker("127.0.0.1", 0);
    try {
      const { code, err } = await collect(broker.url, "--wait", "1500ms").ended();
      expect([code, err]).toEqual([3, expect.stringContaining("no centre has confirmed")]);
      expect(err).toContain(`${ORDERS} chunks that the broker took; the spool keeps ${ORDERS}`);
    } finally {
      await broker.close();
    }
  }, 60_000);

  test("waits for a book service that comes late, which then has every message", async () => {
    const broker = await startBroker("127.0.0.1", 0);
    try {
      const collector = collect(broker.url, "--wait", "30s", "--stats");
      await collector.says("waiting for a centre");
      const service = begin("book", "--from", broker.url, "--http", "127.0.0.1:0");
      const api = await service.hears(/books at (http:\S+)/);
      const { code, err } = await collector.ended();
      expect([code, lastJson(err)]).toMatchObject([0, { sinks: [{ unconfirmed: 0 }] }]);
      expect(await messagesAt(api)).toBe(ORDERS);
      await Promise.all(running.splice(0).map((each) => each.interrupt()));
    } finally {
      await broker.close();
    }
  }, 60_000);

  test("that a book service embeds and starts late gets every message there", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const collector = collect(`mqtt://${address}`);
    await collector.says("the broker is not there");
    const service = begin("book", "--broker", address, "--http", "127.0.0.1:0");
    const api = await service.hears(/books at (http:\S+)/);
    expect((await collector.ended()).code).toBe(0);
    expect(await messagesAt(api)).toBe(ORDERS);
  }, 60_000);
});
