import { afterEach, expect, test } from "bun:test";
import type { Feed } from "../feed/feed.ts";
import { moldRequest } from "../feed/nasdaq/request.ts";
import { readRequest, writeReply, writeSnapshotHeader } from "../feed/nse/recovery.ts";
import { writeOrder } from "../feed/nse/writer.ts";
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import { ChunkFault, ChunkUnpacker } from "../frames/chunk.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { openZstd } from "../frames/zstd.ts";
import { COLLECTOR_DEFAULTS, CollectorCore } from "./core.ts";
import { EdgeRecovery } from "./recovery.ts";
import { RecoverySockets } from "./recovery-sockets.ts";
import { LineWatch } from "./watch.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Came {
  readonly header: ChunkHeader;
  readonly frames: Uint8Array[];
}

/** A collector of one stream on one line, that asks at these ports. */
class Host {
  readonly came: Came[] = [];
  readonly recovery: EdgeRecovery;
  readonly sockets: RecoverySockets;
  private readonly core: CollectorCore;
  private readonly watch: LineWatch;

  constructor(feed: Feed, ticks: number, snapshot?: number) {
    const channels = new Channels();
    channels.add({ group: "239.1.1.1", port: 9000, feed: feed.id, stream: 1, line: 0 });
    const unpacker = new ChunkUnpacker(new Channels(), openZstd());
    this.core = new CollectorCore(
      channels,
      () => feed,
      openZstd(),
      ({ bytes }) => {
        const unpacked = unpacker.unpack(bytes);
        if (unpacked instanceof ChunkFault) throw new Error(unpacked.message);
        const { header, frames } = unpacked;
        const own = Array.from({ length: frames.count }, (_, i) =>
          frames.bytes.slice(frames.offset[i], frames.offset[i] + frames.length[i]),
        );
        this.came.push({ header, frames: own });
      },
      { ...COLLECTOR_DEFAULTS, collector: "host", boot: 1, clock: "kernel" },
    );
    this.watch = new LineWatch(channels, () => feed);
    const options = { ticks: true, snapshots: snapshot !== undefined };
    this.recovery = new EdgeRecovery(feed, this.watch, this.core, options);
    const host = "127.0.0.1";
    const address = snapshot === undefined ? {} : { snapshot: { host, port: snapshot } };
    this.sockets = new RecoverySockets(this.recovery, { ticks: { host, port: ticks }, ...address });
    closing.push(() => this.sockets.close());
  }

  capture(...datagrams: Uint8Array[]): void {
    const frames = new FrameBatch(1);
    for (const bytes of datagrams) {
      const nowNs = Date.now() * 1e6;
      frames.reset(bytes);
      frames.add(0, bytes.length, Math.floor(nowNs / 1e9), nowNs % 1e9, 0);
      this.core.push(frames, nowNs);
      this.watch.push(frames);
    }
  }

  async until(isDone: () => boolean): Promise<void> {
    for (const end = Date.now() + 30_000; !isDone(); ) {
      if (Date.now() > end) throw new Error("it took too long");
      this.sockets.turn();
      await Bun.sleep(1);
    }
  }

  ofKind(kind: ChunkHeader["kind"]): Came[] {
    return this.came.filter(({ header }) => header.kind === kind);
  }
}

function order(sequence: number): Uint8Array {
  const bytes = new Uint8Array(38);
  const view = new DataView(bytes.buffer);
  writeOrder(view, 0, 0x4e, 1, sequence, 0, sequence, 100 + sequence, 7, 0x42, 50, 1);
  return bytes;
}

/** An exchange's TCP server: the answer to each request, one a connection. */
function serve(answer: (request: ReturnType<typeof readRequest>) => Uint8Array): number {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, bytes) {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        socket.write(answer(readRequest(view, 0, bytes.length)));
      },
    },
  });
  closing.push(() => server.stop(true));
  return server.port;
}

function reply(kind: "recovery" | "snapshot", success: boolean, ...rest: Uint8Array[]) {
  const head = new Uint8Array(10);
  writeReply({ kind, stream: 1, success }, new DataView(head.buffer), 0);
  return Buffer.concat([head, ...rest]);
}

const nse = feedById("nse-fo") as Feed;

test("what is missing is asked for over TCP, and goes on as a chunk of its own", async () => {
  let asked = 0;
  const port = serve((request) => {
    // The file lags: what was asked for is not there yet.
    if (asked++ === 0) return reply("recovery", false);
    const { first, last } = request!;
    const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    return reply("recovery", true, ...numbers.map(order));
  });
  const host = new Host(nse, port);
  host.capture(order(1), order(2), order(6));
  await host.until(() => host.ofKind("recovered").length > 0);
  expect(asked).toBe(2);
  const [recovered] = host.ofKind("recovered");
  expect(recovered.header).toMatchObject({ stream: 1, firstSequence: 3, lastSequence: 5 });
  expect(recovered.frames).toEqual([order(3), order(4), order(5)]);
  // The gap is in a chunk before what fills it; where the host was busy, in two.
  const kinds = host.came.map(({ header }) => header.kind);
  expect(kinds.slice(-2)).toEqual(["live", "recovered"]);
  expect(recovered.header.previous).toBe(host.came.length - 1);
});

test("what requests cannot bring is a snapshot, in parts that say how many they are", async () => {
  const refusing = serve(() => reply("recovery", false));
  const image = new Uint8Array(16 + 30 * 20_000);
  const view = new DataView(image.buffer);
  writeSnapshotHeader({ stream: 1, orders: 20_000, lastSequence: 6 }, view, 0);
  for (let at = 16; at < image.length; at += 30) image[at] = 0x4e;
  const giving = serve(() => reply("snapshot", true, image));
  const host = new Host(nse, refusing, giving);
  host.capture(order(1), order(6));
  await host.until(() => host.came.length > 0 || host.recovery.ticks!.counts.refused > 0);
  host.recovery.request(
    { ask: "snapshot", feed: "nse-fo", stream: 1, atLeast: 5 },
    Date.now() * 1e6,
  );
  await host.until(() => host.ofKind("snapshot").length === 2);
  const headers = host.ofKind("snapshot").map(({ header }) => header);
  expect(headers.map(({ snapshot, lastSequence }) => ({ ...snapshot, lastSequence }))).toEqual([
    { part: 1, parts: 2, orders: 20_000, lastSequence: 6 },
    { part: 2, parts: 2, orders: 20_000, lastSequence: 6 },
  ]);
  expect(host.ofKind("snapshot").flatMap(({ frames }) => frames)).toHaveLength(20_000);
});

test("a server that is not there is tried again, and ends nothing", async () => {
  const gone = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = gone;
  gone.stop(true);
  const host = new Host(nse, port);
  host.capture(order(1), order(3));
  await host.until(() => host.recovery.ticks!.counts.short >= 2);
  expect(host.ofKind("recovered")).toEqual([]);
});

test("MoldUDP64 is asked over UDP; what its packet had no room for, once more", async () => {
  const itch = feedById("nasdaq-itch50") as Feed;
  const requests: Uint8Array[] = [];
  const server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(socket, bytes, port, address) {
        requests.push(Uint8Array.from(bytes));
        const first = new DataView(bytes.buffer, bytes.byteOffset).getUint32(14);
        socket.send(packet(first, 2), port, address);
      },
    },
  });
  closing.push(() => server.close());
  const host = new Host(itch, server.port);
  host.capture(packet(1, 1), packet(6, 1));
  await host.until(() => host.recovery.ticks!.counts.whole > 0);
  expect(requests).toEqual([moldRequest("TODAY", 2, 4), moldRequest("TODAY", 4, 2)]);
  expect(host.ofKind("recovered").flatMap(({ frames }) => frames)).toEqual([
    packet(2, 2),
    packet(4, 2),
  ]);
});

/** `count` system event messages in a packet. */
function packet(first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(20 + count * 14);
  bytes.set(moldRequest("TODAY", first, count));
  for (let i = 0; i < count; i++) {
    bytes.set([0, 12, 0x53, 0, 0, 0, 0, 0, 0, 0, 0, 0, first + i, 0x4f], 20 + i * 14);
  }
  return bytes;
}
