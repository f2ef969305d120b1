/**
 * `sim serve` and `sim expect` as their users meet them: the wire by raw sockets that know nothing of
 * edgebook, captures through `rebuild`, and the same books either way.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { moldRequest } from "../feed/nasdaq/request.ts";
import { Auditor } from "../sim/auditor.ts";
import { csvRows } from "./cli-run.ts";
import { freePort } from "./live-mqtt-broker.ts";
import { lastJson, run, start } from "./live-run.ts";
import { until } from "./until.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-sim-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const at = (name: string) => join(scratch, name);
const TIMEOUT_MS = 60_000;
/** What a book alone does not decide. */
const NOT_THE_BOOKS = ["ts_recv", "action", "side", "price", "size", "order_id", "flags"].flatMap(
  (name) => ["--ignore", name],
);

/** Each line of one stream as a plain socket sees it. */
function listen(group: string, port: number) {
  const got: Buffer[] = [];
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  socket.on("message", (bytes) => got.push(bytes));
  const ready = new Promise<void>((resolve) => {
    socket.bind(port, group, () => {
      socket.addMembership(group, "127.0.0.1");
      socket.setRecvBufferSize(8 << 20);
      resolve();
    });
  });
  return { got, ready, close: () => socket.close() };
}

/** One question to a TCP server, and all that it says until it hangs up. */
function ask(port: number, type: string, stream: number, first: number, last: number) {
  const request = Buffer.alloc(11);
  request.write(type, 0, "latin1");
  request.writeInt16LE(stream, 1);
  request.writeUInt32LE(first, 3);
  request.writeUInt32LE(last, 7);
  return new Promise<Buffer>((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    socket.on("data", (bytes) => parts.push(Buffer.from(bytes)));
    socket.on("end", () => resolve(Buffer.concat(parts)));
    socket.on("error", reject);
    socket.setTimeout(30_000, () => reject(new Error("no answer")));
  });
}

const numberOf = (bytes: Buffer) => bytes.readUInt32LE(4);

describe("sim serve", () => {
  test(
    "puts both lines and both servers on loopback, and a raw socket can rebuild the books from them",
    async () => {
      const [port, recovery, snapshots] = await Promise.all([freePort(), freePort(), freePort()]);
      const exchange = ["--seed", "5", "--streams", "1", "--duration", "2s"];
      const books = await run(...["sim", "expect", ...exchange, "--final", "--format", "csv"]);
      const rows = csvRows(books.out);
      const last = Number(rows[0]?.sequence);
      const lines = [listen("239.255.70.1", port), listen("239.255.71.1", port)];
      for (const { ready } of lines) await ready;
      const serve = start(
        ...["sim", "serve", ...exchange, "--port", `${port}`, "--linger", "80s"],
        ...["--lead", "300ms", "--loss-a", "5%", "--snapshot-period", "500ms", "--stats"],
        ...["--recovery-port", `${recovery}`, "--snapshot-port", `${snapshots}`],
      );
      await serve.says("serving nse-fo");
      await until(
        () => lines[1]?.got.some((bytes) => numberOf(bytes) === last),
        "the last message",
      );
      const whole = await ask(recovery, "R", 1, 1, 500);
      // It is made anew every half second.
      const snapshot = await until(async () => {
        const found = await ask(snapshots, "O", 1, 0, 0);
        return found.readUInt32LE(10 + 10) === last && found;
      }, "a snapshot of the end");
      const { code, err, out } = await serve.interrupt();
      for (const { close } of lines) close();
      expect(code).toBe(130);
      expect(err).not.toContain("had no room");
      expect(out).toContain(`"239.255.70.1:${port}=1/A"`);
      expect(out).toContain(`recovery = "127.0.0.1:${recovery}"`);
      const stats = lastJson(err) as { last: Record<string, number>; faults: { drop: number } };
      const [a, b] = lines.map(({ got }) => got.filter((bytes) => numberOf(bytes) > 0));
      expect(stats.last).toEqual({ 1: last });
      expect(b.map(numberOf)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
      expect(a.length).toBeLessThan(b.length);
      expect(a.length + stats.faults.drop).toBeGreaterThanOrEqual(b.length);
      expect(whole.subarray(10)).toEqual(Buffer.concat(b.slice(0, 500)));
      expect(whole.toString("latin1", 8, 10)).toBe("YS");
      expect(snapshot.toString("latin1", 8, 10)).toBe("BS");

      const auditor = new Auditor();
      for (const bytes of b) auditor.apply(bytes);
      expect(snapshot.readInt32LE(10 + 6)).toBe(auditor.liveOrders);
      expect(rows.length).toBe(200);
      for (const { token, sequence, bid_px_00, bid_sz_00, ask_px_00 } of rows) {
        const { bid, ask: offer } = auditor.bestOf(token!);
        expect(sequence).toBe(`${last}`);
        expect(bid_px_00).toBe(bid === null ? "" : (bid[0] / 100).toFixed(2));
        expect(bid_sz_00).toBe(`${bid?.[1] ?? 0}`);
        expect(ask_px_00).toBe(offer === null ? "" : (offer[0] / 100).toFixed(2));
      }
    },
    TIMEOUT_MS,
  );

  test(
    "answers MoldUDP64 requests with the packets' messages, over UDP",
    async () => {
      const [port, recovery] = await Promise.all([freePort(), freePort()]);
      const serve = start(
        ...["sim", "serve", "--feed", "nasdaq-itch50", "--duration", "1s", "--linger", "80s"],
        ...["--port", `${port}`, "--recovery-port", `${recovery}`, "--stats"],
      );
      await serve.says("serving nasdaq-itch50");
      const socket = createSocket("udp4");
      const answers: Buffer[] = [];
      socket.on("message", (bytes) => answers.push(bytes));
      // What was not sent yet is not answered.
      const packet = await until(() => {
        if (answers.length === 0) {
          socket.send(moldRequest("SIM0100001", 1, 3), recovery, "127.0.0.1");
        }
        return answers[0];
      }, "an answer");
      socket.close();
      expect(packet.toString("latin1", 0, 10)).toBe("SIM0100001");
      expect([packet.readUInt32BE(14), packet.readUInt16BE(18)]).toEqual([1, 3]);
      expect(String.fromCharCode(packet[22]!, packet[33]!)).toBe("SO");
      expect(lastJson((await serve.interrupt()).err)).toMatchObject({ violations: {} });
    },
    TIMEOUT_MS,
  );

  test(
    "a client that breaks the limits is counted and named",
    async () => {
      const [port, recovery] = await Promise.all([freePort(), freePort()]);
      const serve = start(
        ...["sim", "serve", "--duration", "1s", "--linger", "80s", "--port", `${port}`],
        ...["--recovery-port", `${recovery}`, "--recovery-messages", "10", "--stats"],
      );
      await serve.says("serving nse-fo");
      expect((await ask(recovery, "R", 1, 1, 11)).toString("latin1", 8)).toBe("YE");
      const { err } = await serve.interrupt();
      expect(lastJson(err)).toMatchObject({ requests: 1, violations: { tooMany: 1 } });
      expect(err).toContain("recovery: tooMany at ");
    },
    TIMEOUT_MS,
  );
});

describe("sim expect", () => {
  const feeds = [["nse-fo"], ["nse-cm"], ["nasdaq-itch50"]] as const;
  for (const [feed] of feeds) {
    test(
      `${feed}: rebuilt books of a capture with faults that can be mended are the expected ones`,
      async () => {
        const exchange = ["--feed", feed, "--seed", "9", "--streams", "1", "--duration", "3s"];
        const mild = "at 1s outage B 200ms\nat 2s restart\nat 2s drop A 1 700..720\n";
        writeFileSync(at("mild.txt"), mild);
        const schedule = ["--schedule", at("mild.txt")];
        const capture = at(`${feed}.pcap`);
        const made = await run(
          ...["sim", "serve", ...exchange, ...schedule, "--write-pcap", capture],
          ...["--faults", "dup=1%,reorder=1%"],
        );
        expect(made.code).toBe(0);
        expect(made.err).not.toContain("struck nothing");
        const [want, got] = [at(`${feed}-want.csv`), at(`${feed}-got.csv`)];
        await run("sim", "expect", ...exchange, ...schedule, "--every", "1", "--out", want);
        const rebuilt = await run(
          ...["rebuild", capture, "--feed", feed, "--schema", "mbp-10", "--format", "csv"],
        );
        expect(rebuilt.code).toBe(0);
        // A restart's rows R are of no message.
        const rows = rebuilt.out.split("\n").filter((row) => !row.includes(",R,N,"));
        writeFileSync(got, rows.join("\n"));
        const compared = await run("compare", want, got, ...NOT_THE_BOOKS);
        expect(compared.out).toStartWith("same: ");
        expect(Number(/\d+/.exec(compared.out)?.[0])).toBeGreaterThan(3_000);
      },
      TIMEOUT_MS,
    );
  }

  test(
    "a handler that is wrong is found out, at its first wrong row",
    async () => {
      const exchange = ["--seed", "9", "--streams", "1", "--duration", "2s"];
      writeFileSync(at("bad.txt"), "drop AB 1 1000\n");
      const lossy = ["--schedule", at("bad.txt"), "--write-pcap", at("lossy.pcap")];
      await run("sim", "serve", ...exchange, ...lossy);
      await run("sim", "expect", ...exchange, "--every", "1", "--out", at("want.csv"));
      const rebuilt = await run(
        ...["rebuild", at("lossy.pcap"), "--feed", "nse-fo", "--schema", "mbp-10"],
        ...["--out", at("got.csv")],
      );
      expect(rebuilt.code).toBe(3);
      const { code, out } = await run("compare", at("want.csv"), at("got.csv"), ...NOT_THE_BOOKS);
      expect(code).toBe(1);
      expect(out).toContain("first difference: row 1000");
    },
    TIMEOUT_MS,
  );

  test(
    "gives whole queues at a number, of one instrument or all, in every epoch",
    async () => {
      writeFileSync(at("restart.txt"), "at 1s restart\n");
      const base = ["sim", "expect", "--seed", "9", "--duration", "3s"];
      const schedule = ["--schedule", at("restart.txt")];
      const { out } = await run(...base, ...schedule, "--at", "1:700", "--queues");
      const rows = out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(new Set(rows.map(({ stream, sequence }) => `${stream}:${sequence}`))).toEqual(
        new Set(["1:700"]),
      );
      const { token } = rows.findLast(({ bid_ct_00 }) => bid_ct_00 > 1);
      const one = await run(...base, ...schedule, "--at", "1:700", "--queues", "--token", token);
      const own = one.out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(own).toEqual(rows.filter((row) => row.token === token));
      expect(own.length).toBe(2);
      const [best] = own[1].bid_queue.split(" ");
      expect(best).toMatch(/^\d+\.\d\d=\d{16}:\d+(\+\d{16}:\d+)+$/);
      expect(best.split("=")[0]).toBe(own[1].bid_px_00);
    },
    TIMEOUT_MS,
  );

  test("says what is missing or cannot be", async () => {
    const said = async (...words: string[]) => {
      const { code, err } = await run("sim", ...words);
      expect(code).toBe(2);
      return err;
    };
    expect(await said()).toContain("sim does what?");
    expect(await said("expext")).toContain("Did you mean expect?");
    expect(await said("expect")).toContain("Give --duration");
    expect(await said("expect", "--duration", "1s", "--at", "9:1")).toContain("'9:1'");
    expect(await said("expect", "--duration", "1s", "--token", "1")).toContain("does not list");
    expect(await said("serve", "--write-pcap", at("x.pcap"))).toContain("--duration");
    expect(await said("serve", "--faults", "lost=1%")).toContain("On lines there are loss");
    writeFileSync(at("wrong.txt"), "at 1s drop D 1 4\n");
    expect(await said("serve", "--schedule", at("wrong.txt"))).toContain("wrong.txt, line 1");
  });
});
