/** A spool as a killed collector left it is read as it stands by the commands that read chunks. */
import { afterAll, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ethernet, ipv4, pcapFile, udp } from "./capture-files.ts";
import { freePort } from "./live-mqtt-broker.ts";
import { lastJson, run, start } from "./live-run.ts";
import { nseMessage } from "./nse-messages.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-spool-read-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ORDERS = 30;
const capture = join(folder, "day.pcap");
const packets = Array.from({ length: ORDERS }, (_, at) => {
  const values = { order_id: 100 + at, token: 7, side: "B", price: 7000 + at, quantity: 50 };
  const bytes = nseMessage("N", at + 1, values, 1);
  const frame = ethernet(0x0800, ipv4("239.1.1.1", udp(10_000, bytes)));
  return { sec: 1_700_000_000 + at * 2, fraction: at, bytes: frame };
});
writeFileSync(capture, pcapFile(packets));

const statsOf = async (...files: string[]) => {
  const words = ["--feed", "nse-fo", "--schema", "none", "--stats", "--digest"];
  const { code, err } = await run("rebuild", ...files, ...words);
  const { frames, messages, bbo_changes, bbo_digest } = lastJson(err);
  return { code, frames, messages, bbo_changes, bbo_digest };
};

test("rebuild, replay and chunks read a spool whose last chunk is torn", async () => {
  const spool = join(folder, "spool");
  const to = `mqtt://127.0.0.1:${await freePort()}`;
  const words = ["--pcap", capture, "--feed", "nse-fo", "--to", to, "--spool", spool];
  const collector = start("collect", ...words);
  await collector.says("waiting for a centre");
  process.kill(collector.pid, "SIGKILL");
  await collector.ended();
  const segments = readdirSync(spool).filter((name) => name.endsWith(".ebch"));
  const paths = segments.map((name) => join(spool, name));
  const whole = await statsOf(capture);
  expect(whole).toMatchObject({ code: 0, messages: ORDERS });
  expect(await statsOf(...paths)).toEqual(whole);
  expect((await run("chunks", "verify", spool)).code).toBe(0);
  appendFileSync(paths[0], Uint8Array.of(0x45, 0x42, 0x43, 0x48, 200));
  expect(await statsOf(...paths)).toEqual({ ...whole, code: 3 });
  const copy = join(folder, "copy");
  const replayed = await run("replay", ...paths, "--speed", "max", "--to", `dir:${copy}`);
  expect([0, 3]).toContain(replayed.code);
  const files = readdirSync(copy, { recursive: true, encoding: "utf8" });
  const copies = files.filter((name) => name.endsWith(".ebch")).map((name) => join(copy, name));
  expect(await statsOf(...copies)).toEqual(whole);
}, 90_000);
