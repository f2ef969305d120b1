/** A new collector, with other settings, takes over from an old one while traffic goes on. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameBatch } from "../frames/frame-batch.ts";
import { findInterface, openSender } from "../frames/multicast.ts";
import { lastNumberUnder } from "./chunk-files.ts";
import { until } from "./until.ts";

const HOUSE = join(import.meta.dir, "..");
const GROUP = "239.255.79.1";
const PORT = 20_000 + (process.pid % 20_000);
const MESSAGE_BYTES = 38;
const STREAM = 3;

const scratch = mkdtempSync(join(tmpdir(), "edgebook-overlap-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** New orders of one stream, numbered on from where the last call ended. */
class Traffic {
  sent = 0;
  private readonly sender = openSender({ networkInterface: findInterface("127.0.0.1") });
  private readonly frames = new FrameBatch(10);

  constructor() {
    this.sender.route(-1, GROUP, PORT);
    this.frames.reset(new Uint8Array(10 * MESSAGE_BYTES));
  }

  async send(): Promise<void> {
    const { frames } = this;
    frames.count = 0;
    for (let i = 0; i < 10; i++) {
      const at = i * MESSAGE_BYTES;
      const { view } = frames;
      view.setInt16(at, MESSAGE_BYTES, true);
      view.setInt16(at + 2, STREAM, true);
      view.setUint32(at + 4, ++this.sent, true);
      view.setUint8(at + 8, "N".charCodeAt(0));
      view.setFloat64(at + 17, this.sent, true);
      view.setInt32(at + 25, 35_001, true);
      view.setUint8(at + 29, "B".charCodeAt(0));
      view.setInt32(at + 30, 10_000 + (this.sent % 50), true);
      view.setInt32(at + 34, 75, true);
      frames.add(at, MESSAGE_BYTES, 0, 0, 0);
    }
    await this.sender.send(frames, 0, frames.count);
  }

  close(): void {
    this.sender.close();
  }
}

const lastIn = (place: string) => lastNumberUnder(place, STREAM);

/** @returns the child, once it is collecting */
async function collect(name: string, ...more: string[]) {
  const command = [join(HOUSE, "bin/edgebook"), "collect", "--feed", "nse-fo", "--name", name];
  const wire = ["--interface", "127.0.0.1", "--join", `${GROUP}:${PORT}=${STREAM}/A`];
  const to = ["--to", `dir:${join(scratch, name)}`];
  const child = Bun.spawn([...command, ...wire, ...to, ...more], {
    stdout: "ignore",
    stderr: "pipe",
    timeout: 60_000,
  });
  let said = "";
  const decoder = new TextDecoder();
  (async () => {
    for await (const piece of child.stderr) said += decoder.decode(piece, { stream: true });
  })();
  await until(
    () => said.includes("collecting"),
    () => `a collector that said: ${said}`,
  );
  return child;
}

test("a new collector that begins before the old one ends leaves nothing out between them", async () => {
  const traffic = new Traffic();
  let isSending = true;
  const old = await collect("old", "--capture", "socket");
  const sending = (async () => {
    for (; isSending; await Bun.sleep(2)) await traffic.send();
  })();
  const [oldPlace, newPlace] = ["old", "new"].map((name) => join(scratch, name));
  await until(() => lastIn(oldPlace) > 0, "the old collector's first chunk");
  const new_ = await collect("new", "--keep", "both", "--codec", "raw", "--chunk-age", "20ms");
  await until(() => lastIn(newPlace) > 0, "the new collector's first chunk");
  const both = lastIn(newPlace);
  await until(() => lastIn(oldPlace) >= both, "both to have the same");
  old.kill("SIGINT");
  await old.exited;
  const alone = lastIn(oldPlace);
  await until(() => lastIn(newPlace) > alone, "the new one to go on alone");
  isSending = false;
  await sending;
  await until(() => lastIn(newPlace) === traffic.sent, "the last message");
  new_.kill("SIGINT");
  await new_.exited;
  traffic.close();
  expect([old.exitCode, new_.exitCode]).toEqual([130, 130]);
  const places = ["old", "new"].map((name) => join(scratch, name, "nse-fo", String(STREAM)));
  const files = places.flatMap((place) =>
    [...new Bun.Glob("*.ebch").scanSync(place)].map((file) => join(place, file)),
  );
  const flags = ["--feed", "nse-fo", "--schema", "none", "--stats", "--from-start"];
  const rebuilt = Bun.spawnSync([join(HOUSE, "bin/edgebook"), "rebuild", ...files, ...flags]);
  const stats = JSON.parse(rebuilt.stderr.toString().trimEnd().split("\n").at(-1) ?? "");
  expect(stats).toMatchObject({ messages: traffic.sent, lost: 0, gaps: 0, conflicts: 0 });
  // They did overlap: what both brought is a copy.
  expect(stats.duplicates).toBeGreaterThan(0);
}, 120_000);
