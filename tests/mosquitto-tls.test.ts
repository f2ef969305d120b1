/**
 * Chunks over a real Mosquitto with TLS: user and password, or a client's certificate; and what is
 * said where one of them is wrong. No secret is ever in what is said.
 */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ethernet, ipv4, pcapFile, udp } from "./capture-files.ts";
import type { Mosquitto } from "./live-mqtt-broker.ts";
import { type Running, start } from "./live-run.ts";
import {
  makeCertificates,
  startCertificateMosquitto,
  startPasswordMosquitto,
  tlsObstacle,
} from "./mosquitto-tls.ts";
import { nseMessage } from "./nse-messages.ts";
import { until } from "./until.ts";

const obstacle = tlsObstacle();
if (obstacle !== undefined) console.log(`not run: ${obstacle}`);

const folder = mkdtempSync(join(tmpdir(), "edgebook-tls-"));
const running: Running[] = [];
const brokers: Mosquitto[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.interrupt()));
  await Promise.all(brokers.splice(0).map((each) => each.stop()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const USER = "colo";
const PASSWORD = "hush-hush-7";
const TIMEOUT_MS = 90_000;
const ORDERS = 20;
const capture = join(folder, "day.pcap");
const packets = Array.from({ length: ORDERS }, (_, at) => {
  const values = { order_id: 100 + at, token: 7, side: "B", price: 7000, quantity: 50 };
  const bytes = nseMessage("N", 1, values, at + 1);
  const frame = ethernet(0x0800, ipv4("239.1.1.1", udp(10_000, bytes)));
  return { sec: 1_700_000_000, fraction: at, bytes: frame };
});
writeFileSync(capture, pcapFile(packets));
let runs = 0;

function begin(...words: string[]): Running {
  const process = start(...words);
  running.push(process);
  return process;
}

function collect(to: string, ...more: string[]): Running {
  const spool = ["--spool", join(folder, `spool-${++runs}`), "--name", "colo-1"];
  return begin("collect", "--pcap", capture, "--feed", "nse-fo", "--to", to, ...spool, ...more);
}

/** The capture as chunks, without a collector. */
function replay(to: string, ...more: string[]): Running {
  return begin("replay", capture, "--feed", "nse-fo", "--to", to, "--speed", "max", ...more);
}

/** Collector or replay, and book, over the broker, to the last chunk confirmed. */
async function wholeWay(url: string, own: readonly string[], send = collect): Promise<void> {
  const book = begin("book", "--from", url, "--http", "127.0.0.1:0", ...own);
  const api = await book.hears(/books at (http:\S+)/);
  const { code, err } = await send(url, ...own).ended();
  expect({ code, complaint: /did not|no centre/.exec(err)?.[0] }).toEqual({
    code: 0,
    complaint: undefined,
  });
  const messages = async () => {
    const answer = await fetch(`${api}/v1/streams`, { signal: AbortSignal.timeout(5000) });
    const { streams } = (await answer.json()) as { streams: { messages: number }[] };
    return streams.reduce((sum, each) => sum + each.messages, 0);
  };
  // A replay waits for the broker's word only.
  await until(async () => (await messages()) === ORDERS);
  const said = (await book.interrupt()).err + err;
  expect(said).not.toContain(PASSWORD);
}

/** What a collector says that the broker does not let in; ended by us. */
async function refused(url: string, ...own: string[]): Promise<string> {
  const collector = collect(url, ...own);
  await collector.says("the broker is not there");
  const { code, err } = await collector.interrupt();
  expect(code).toBe(130);
  expect(err).not.toContain(PASSWORD);
  expect(err).not.toContain("PRIVATE KEY");
  return err;
}

describe.skipIf(obstacle !== undefined)("chunks over mqtts", () => {
  const made = obstacle === undefined ? makeCertificates(join(folder, "certificates")) : undefined;
  const certificates = made as NonNullable<typeof made>;

  test(
    "with user and password of a file, or of the address",
    async () => {
      const broker = await startPasswordMosquitto(folder, certificates, USER, PASSWORD);
      brokers.push(broker);
      const secret = join(folder, "password");
      writeFileSync(secret, `${PASSWORD}\n`);
      const trust = ["--mqtt-ca", certificates.ca];
      const who = ["--mqtt-user", USER, "--mqtt-password-file", secret];
      await wholeWay(`mqtts://${broker.address}`, [...trust, ...who]);
      await wholeWay(`mqtts://${USER}:${PASSWORD}@${broker.address}`, trust);
      await wholeWay(`mqtts://${broker.address}`, [...trust, ...who], replay);
    },
    TIMEOUT_MS,
  );

  test(
    "with a client's certificate",
    async () => {
      const broker = await startCertificateMosquitto(certificates);
      brokers.push(broker);
      const { ca, certificate, key } = certificates;
      const own = ["--mqtt-ca", ca, "--mqtt-cert", certificate, "--mqtt-key", key];
      await wholeWay(`mqtts://${broker.address}`, own);
      const bare = await refused(`mqtts://${broker.address}`, "--mqtt-ca", ca);
      expect(bare).toMatch(/the broker is not there/);
    },
    TIMEOUT_MS,
  );

  test(
    "what is wrong is said with what to do about it, and without the secret",
    async () => {
      const broker = await startPasswordMosquitto(folder, certificates, USER, PASSWORD);
      brokers.push(broker);
      const url = `mqtts://${broker.address}`;
      const wrong = join(folder, "wrong");
      writeFileSync(wrong, "not this\n");
      const trust = ["--mqtt-ca", certificates.ca];
      const who = ["--mqtt-user", USER, "--mqtt-password-file", wrong];
      expect(await refused(url, ...trust, ...who)).toMatch(/check user and password/);
      expect(await refused(`mqtts://${USER}:${PASSWORD}@${broker.address}`)).toMatch(/--mqtt-ca/);
      const plain = await collect(`mqtt://${broker.address}`, ...trust).ended();
      expect([plain.code, plain.err]).toEqual([2, expect.stringContaining(`Write ${url}.`)]);
      const half = await collect(url, "--mqtt-cert", certificates.certificate).ended();
      expect([half.code, half.err]).toEqual([2, expect.stringContaining("not its key")]);
      const nowhere = await collect(url, "--mqtt-ca", join(folder, "nowhere.pem")).ended();
      expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining("nowhere.pem")]);
      const none = await collect(url, "--mqtt-password-file", folder).ended();
      expect(none.code).toBe(1);
      const bad = await collect(`mqttx://${USER}:${PASSWORD}@${broker.address}`).ended();
      expect([bad.code, bad.err.includes(PASSWORD)]).toEqual([2, false]);
    },
    TIMEOUT_MS,
  );
});
