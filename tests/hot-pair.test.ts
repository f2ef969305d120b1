/** Two book services on one broker, each with a name of its own: one is killed, the other serves on. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker } from "../book/service-broker.ts";
import { Forwarder } from "../collector/forwarder.ts";
import { Spool } from "../frames/spool.ts";
import { MqttChunkSink } from "../frames/transport-mqtt.ts";
import { type Running, start } from "./live-run.ts";
import { LoadMaker } from "./load-chunks.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-pair-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const BOOT = 1;
/** More than a collector keeps in flight beyond the slowest consumer that is heard of. */
const CHUNKS = 120;

async function service(broker: string, name: string) {
  const words = ["book", "--from", broker, "--name", name, "--http", "127.0.0.1:0"];
  const running: Running = start(...words, "--state", join(scratch, name));
  const url = await running.hears(/books at (\S+)/);
  const json = async (path: string) => (await fetch(url + path)).json();
  const has = async (last: number) => {
    for (const end = performance.now() + 40_000; ; await Bun.sleep(20)) {
      const { streams } = await json("/v1/streams");
      const positions = streams.map(({ position }: { position: string }) => Number(position));
      if (Math.max(0, ...positions) >= last) return;
      if (performance.now() > end) throw new Error(`${name} is at ${positions}, not at ${last}`);
    }
  };
  return { running, json, has };
}

test("a pair: one is killed, the other serves on, and the first catches up", async () => {
  const broker = await startBroker("127.0.0.1", 0);
  const maker = new LoadMaker({
    seed: 4,
    streams: 1,
    instruments: 20,
    liveOrders: 1000,
    messagesPerChunk: 200,
    collector: "pair",
    boot: BOOT,
  });
  const spool = new Spool(join(scratch, "spool"));
  const sink = new MqttChunkSink(broker.url, { clientName: "pair", onStatus() {} });
  const forwarder = new Forwarder(sink, BOOT, spool);
  const offer = (count: number) => {
    for (let made = 0; made < count; made++) {
      const chunk = maker.next(Math.floor(Date.now() / 1000), made * 1e6);
      spool.append(chunk);
      forwarder.offer(chunk);
    }
  };
  const [one, other] = await Promise.all(["one", "other"].map((name) => service(broker.url, name)));
  let again: Awaited<ReturnType<typeof service>> | undefined;
  try {
    // A broker drops what nobody has subscribed to yet; the next chunk tells what came before it.
    const heard = Promise.all([one.has(1), other.has(1)]).then(() => true);
    while (!(await Promise.race([heard, Bun.sleep(200)]))) offer(1);
    await Promise.all([one.has(maker.messages), other.has(maker.messages)]);
    process.kill(one.running.pid, "SIGKILL");
    await one.running.ended();
    // Its position stands still: the other goes on all the same, as soon as it is known to be gone.
    offer(CHUNKS);
    await other.has(maker.messages);
    again = await service(broker.url, "one");
    const { has } = again;
    const back = has(maker.messages).then(() => true);
    while (!(await Promise.race([back, Bun.sleep(200)]))) offer(1);
    await Promise.all([again.has(maker.messages), other.has(maker.messages)]);
    for (const token of maker.tokens) {
      const path = `/v1/books/nse-fo/${token}?depth=1000`;
      expect(await again.json(path)).toEqual(await other.json(path));
    }
  } finally {
    await forwarder.close(0);
    spool.close();
    await other.running.interrupt();
    await again?.running.interrupt();
    await broker.close();
  }
}, 120_000);
