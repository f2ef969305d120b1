/**
 * Edge: the benchmarks of the two ends of the wire and of what lies between: receive, replay, size, live.
 * Short runs of what the proofs `receive`, `replay`, `size` and `live` do at length.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capturePath } from "../tests/feed-reading.ts";
import { liveCaptures } from "../tests/live-mqtt-capture.ts";
import { type LiveOptions, liveRun } from "../tests/live-mqtt-run.ts";
import { complaintsOf } from "../tests/live-mqtt-verdict.ts";
import type { BenchSize, Finding, NotRun } from "./finding.ts";
import * as receive from "./receive.ts";
import { ReceiveWire, wireObstacle } from "./receive-wire.ts";
import { cutPiece, type Player, playTopSpeed, tcpreplayObstacle } from "./replay.ts";
import { measureSize } from "./size.ts";
import { nseTraffic } from "./size-traffic.ts";

const AMZN = "books/amzn_l5.mold64.pcap.gz";

export async function* receiveRun(size: BenchSize): AsyncGenerator<Finding | NotRun> {
  const obstacle = wireObstacle() ?? receive.yardstickObstacle();
  if (obstacle !== undefined) {
    yield { bench: "receive", obstacle };
    return;
  }
  const load = size.isQuick
    ? { size: 100, count: 20_000, rate: 20_000 }
    : { size: 100, count: 1_000_000, rate: 200_000 };
  yield await onWire(async (wire, scratch) => {
    const yardstick = await receive.runYardstick(wire, receive.buildYardstick(scratch), load);
    const run = await receive.runCollector(wire, join(scratch, "collector"), load);
    return {
      bench: "receive",
      what: `ring collector, ${load.count} datagrams of ${load.size} B at ${run.sentRate}/s, spooled`,
      value: run.cpuNs,
      unit: "ns of CPU a datagram",
      yardstick: { name: "C ring that only counts", value: yardstick.cpuNs },
      digest: run.spool.digest,
      isRight: run.complaints.length === 0 && run.kernelDrops === 0,
      notes: [
        `receiving thread ${run.receiveNs.toFixed(0)} ns; ${run.kernelDrops} dropped by the kernel ` +
          `(C: ${load.count - yardstick.received}); drained in ${run.drainSeconds.toFixed(1)} s`,
        ...run.complaints,
      ],
    };
  });
}

export async function* replayRun(size: BenchSize): AsyncGenerator<Finding | NotRun> {
  const capture = capturePath(AMZN);
  const obstacle = tcpreplayObstacle() ?? wireObstacle() ?? (capture ? undefined : "no captures");
  if (obstacle !== undefined || capture === undefined) {
    yield { bench: "replay", obstacle: obstacle ?? "" };
    return;
  }
  yield await onWire(async (wire, scratch) => {
    const frames = size.isQuick ? 5000 : Number.POSITIVE_INFINITY;
    const piece = await cutPiece("AMZN", capture, join(scratch, "amzn.pcap"), frames);
    const passes = size.isQuick ? 1 : 3;
    const play = (player: Player) => playTopSpeed(wire, player, piece, passes);
    const theirs = await play("tcpreplay");
    const ours = await play("edgebook");
    return {
      bench: "replay",
      what: `${piece.frames * passes} datagrams of AMZN at full speed`,
      value: ours.perSecond,
      unit: "datagrams a second",
      yardstick: { name: "tcpreplay --topspeed", value: theirs.perSecond },
      digest: piece.digest,
      isRight: ours.arrived >= piece.frames * passes,
      notes: [
        `${ours.arrived} arrived at the other end of the wire; CPU a datagram, start and all: ` +
          `${ours.cpuNs.toFixed(0)} ns, tcpreplay ${theirs.cpuNs.toFixed(0)} ns`,
      ],
    };
  });
}

export async function* sizeRun(size: BenchSize): AsyncGenerator<Finding | NotRun> {
  const result = measureSize(nseTraffic(size.isQuick ? 20_000 : 300_000), size.isQuick ? 1 : 3);
  yield {
    bench: "size",
    what: `${result.name}, ${result.messages} messages in ${result.chunks} chunks`,
    value: result.columns,
    unit: "bytes a message",
    yardstick: { name: "zstd -19 of the pcap", value: result.zstd19 },
    digest: "",
    isRight: result.columns < result.raw,
    notes: [
      `packs ${result.packPcapMBs.toFixed(0)} MB of capture a CPU second, ` +
        `unpacks ${result.unpackPcapMBs.toFixed(0)}; every frame came back byte for byte`,
    ],
  };
}

export async function* liveRuns(size: BenchSize): AsyncGenerator<Finding | NotRun> {
  const capture = liveCaptures()?.[0];
  if (capture === undefined) {
    yield { bench: "live", obstacle: "no captures" };
    return;
  }
  const first = size.isQuick ? { frames: 5000 } : {};
  const options: LiveOptions = { broker: "aedes", capture, first, speed: "50000pps" };
  const run = await liveRun(options);
  const complaints = complaintsOf(run, options);
  yield {
    bench: "live",
    what: `${capture.name}: multicast, collector, embedded broker, books`,
    value: run.served.messages / run.replayed.seconds,
    unit: "messages a second",
    yardstick: {
      name: "sent",
      value: run.piece.expected.messages / run.replayed.seconds,
    },
    digest: "",
    isRight: complaints.length === 0,
    notes: [
      `${run.served.books.size} books equal to rebuild's, ${run.served.lost} lost`,
      ...complaints,
    ],
  };
}

async function onWire(
  run: (wire: ReceiveWire, scratch: string) => Promise<Finding>,
): Promise<Finding> {
  const scratch = mkdtempSync(join(tmpdir(), "edgebook-bench-"));
  const wire = new ReceiveWire();
  try {
    return await run(wire, scratch);
  } finally {
    wire.remove();
    rmSync(scratch, { recursive: true, force: true });
  }
}
