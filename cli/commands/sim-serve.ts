/** Edge: `edgebook sim serve`: the simulated exchange on the wire, or as a capture. */
import { PcapWriter } from "../../frames/pcap-writer.ts";
import { unixSeconds } from "../../sim/exchange/options.ts";
import type { Market, MarketFaults, MarketOptions } from "../../sim/market.ts";
import { parseFaults, rateOf } from "../../sim/serve-faults.ts";
import { MarketCapture } from "../../sim/serve-pcap.ts";
import { MarketWire } from "../../sim/serve-wire.ts";
import { OneRequestServer } from "../../sim/servers/one-request.ts";
import { type Command, type FlagSpec, NO_ARGUMENTS } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import type { FlagValues } from "../flag-values.ts";
import { type Output, openOutput, printErr, printOut } from "../output.ts";
import { FORCE_FLAG } from "../shared-flags.ts";
import {
  durationNs,
  EXCHANGE_FLAGS,
  exchangeOptions,
  readSchedule,
  simError,
} from "../sim-flags.ts";
import { collectorToml } from "../sim-joins.ts";

const FOREVER = Number.POSITIVE_INFINITY;

const FAULT_FLAGS: readonly FlagSpec[] = [
  {
    name: "faults",
    kind: "text",
    placeholder: "LIST",
    doc:
      "What goes wrong, by rate: loss burst dup reorder delay jitter truncate corrupt conflict " +
      "foreign stale on both lines, or on one: B.loss=2%. And recovery.short=20%, snapshot.old=50%.",
  },
  { name: "loss-a", kind: "text", placeholder: "RATE", doc: "Datagrams that line A loses: 1%." },
  { name: "loss-b", kind: "text", placeholder: "RATE", doc: "Datagrams that line B loses." },
  {
    name: "delay-a",
    kind: "duration",
    fallback: "0",
    doc: "How far line A is behind the exchange.",
  },
  { name: "delay-b", kind: "duration", fallback: "150us", doc: "How far line B is." },
];

const SERVER_FLAGS: readonly FlagSpec[] = [
  {
    name: "recovery-port",
    kind: "integer",
    fallback: "0",
    doc: "TCP port of tick recovery on 127.0.0.1 (ITCH: UDP port of requests); 0 is any free one.",
  },
  {
    name: "snapshot-port",
    kind: "integer",
    fallback: "0",
    doc: "TCP port of snapshots; 0 is any free one.",
  },
  { name: "recovery-lag", kind: "duration", fallback: "100ms", doc: "How far its file is behind." },
  {
    name: "recovery-messages",
    kind: "integer",
    fallback: "300000",
    doc: "Messages that one request may ask for.",
  },
  { name: "connections", kind: "integer", fallback: "13", doc: "Connections of one client." },
  {
    name: "spacing",
    kind: "duration",
    fallback: "10ms",
    doc: "Least time between two requests of a client.",
  },
  {
    name: "snapshot-period",
    kind: "duration",
    fallback: "30s",
    doc: "Snapshots are made anew so often; who still reads the old one is cut off.",
  },
];

export const command: Command = {
  args: NO_ARGUMENTS,
  flags: [
    ...EXCHANGE_FLAGS,
    ...FAULT_FLAGS,
    ...SERVER_FLAGS,
    {
      name: "port",
      kind: "integer",
      fallback: "17741",
      doc: "Port of the multicast groups: stream N is 239.255.70.N on line A, 239.255.71.N on B.",
    },
    {
      name: "interface",
      kind: "text",
      placeholder: "NAME|IP",
      fallback: "127.0.0.1",
      doc: "Where the multicast goes; datagrams never leave the host.",
    },
    {
      name: "lead",
      kind: "duration",
      fallback: "0",
      doc: "Waits so long before trading starts, for receivers to join.",
    },
    {
      name: "linger",
      kind: "duration",
      fallback: "0",
      doc: "After trading has ended, goes on with heartbeats and servers for so long.",
    },
    {
      name: "write-pcap",
      kind: "text",
      placeholder: "FILE",
      doc: "Writes the traffic as a capture instead of sending it, as fast as it goes.",
    },
    { name: "also-send", kind: "boolean", doc: "With --write-pcap: sends it too, in real time." },
    FORCE_FLAG,
    {
      name: "stats",
      kind: "boolean",
      doc: "End with a line of JSON on standard error: the counts.",
    },
  ],
  help:
    "Runs an exchange that is made from a seed: members' orders, price-time matching, two multicast " +
    "lines on loopback, and the servers that a feed handler asks for what it missed. NSE feeds have " +
    "tick recovery and snapshots over TCP, with the exchange's limits; who breaks one is counted. " +
    "ITCH has MoldUDP64 and its request server.\n" +
    "Prints the groups and ports in the form that collect takes, and what 'sim expect' needs to tell " +
    "the right books. Ends with what it did to the lines.\n" +
    "A schedule is a text file, one line for each thing: 'at 2.5s drop A 3 41..44', 'at 10s " +
    "restart', 'at 12s outage B 500ms', 'at 3s delay AB 1 90 20ms', 'at 5s recovery error 2s', 'at " +
    "5s snapshot old 30s', 'at 20s end'. By number: drop, duplicate, delay, corrupt, truncate, " +
    "conflict.",
  examples: [
    ["edgebook sim serve --seed 7 --loss-a 1% --loss-b 1%", "until Ctrl-C"],
    ["edgebook sim serve --seed 7 --duration 10s --write-pcap day.pcap", "the same as a capture"],
    [
      "edgebook sim serve --schedule bad-day.txt --duration 30s --linger 5s",
      "what went wrong when",
    ],
    ["edgebook sim serve --feed nasdaq-itch50 --faults dup=1%,B.loss=5%", "as NASDAQ"],
  ],
  async run({ flags, signal }) {
    const market = await marketOptions(flags);
    const path = flags.text("write-pcap");
    const output = path === undefined ? undefined : openOutput(path, flags.on("force"));
    try {
      const code =
        output !== undefined && !flags.on("also-send")
          ? await writeCapture(flags, market, output, signal)
          : await sendLive(flags, market, output, signal);
      output?.close();
      return code;
    } catch (thrown) {
      output?.discard();
      throw simError(thrown);
    }
  },
};

async function marketOptions(flags: FlagValues): Promise<Partial<MarketOptions>> {
  const schedule = readSchedule(flags);
  const exchange = await exchangeOptions(flags);
  const ns = (name: string) => flags.durationNs(name) ?? 0;
  return {
    exchange,
    schedule,
    seed: flags.integer("seed") ?? 1,
    faults: faultsOf(flags),
    delayNs: [ns("delay-a"), ns("delay-b")],
    port: port(flags, "port"),
    limits: {
      connections: flags.integer("connections") ?? 13,
      spacingNs: ns("spacing"),
      messagesPerRequest: flags.integer("recovery-messages") ?? 300_000,
    },
    recovery: { lagNs: ns("recovery-lag") },
    requests: { lagNs: ns("recovery-lag") },
    snapshots: { periodNs: Math.max(1e6, ns("snapshot-period")) },
  };
}

function faultsOf(flags: FlagValues): MarketFaults {
  const faults = parseFaults(flags.text("faults") ?? "");
  const lines = ["a", "b"].map((line, at) => {
    const loss = flags.text(`loss-${line}`);
    const own = faults.lines[at] ?? {};
    return loss === undefined ? own : { ...own, lossRate: rateOf(`loss-${line}=${loss}`, loss) };
  });
  return { ...faults, lines };
}

function port(flags: FlagValues, name: string): number {
  const value = flags.integer(name) ?? 0;
  if (value <= 65_535) return value;
  throw new CliError("bad_flag", `'--${name}' is ${value}.`, "A port is at most 65535.");
}

/** Trading, and what lingers after it. */
function untilOf(flags: FlagValues, { schedule }: Partial<MarketOptions>): number {
  const duration = schedule === undefined ? FOREVER : durationNs(flags, schedule);
  return duration + (flags.durationNs("linger") ?? 0);
}

async function writeCapture(
  flags: FlagValues,
  options: Partial<MarketOptions>,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const untilNs = untilOf(flags, options);
  if (untilNs === FOREVER) {
    const hint = "Give --duration, or 'at 10s end' in the schedule.";
    throw new CliError("bad_flag", "Nothing says when the capture ends.", hint);
  }
  const capture = new MarketCapture(options, (bytes) => output.write(bytes));
  while (!capture.step(untilNs) && !signal.aborted) await Bun.sleep(0);
  printErr(`edgebook: ${capture.frames} datagrams in ${flags.text("write-pcap")}\n`);
  report(capture.market, flags, capture.frames, []);
  return Exit.Done;
}

async function sendLive(
  flags: FlagValues,
  options: Partial<MarketOptions>,
  output: Output | undefined,
  signal: AbortSignal,
): Promise<number> {
  let writer: PcapWriter | undefined;
  const recovery = port(flags, "recovery-port");
  const wire = new MarketWire({
    market: options,
    ports: { recovery, requests: recovery, snapshot: port(flags, "snapshot-port") },
    networkInterface: flags.text("interface") ?? "127.0.0.1",
    ...(output !== undefined && {
      onFrames: (frames) => output.write(writer?.packets(frames) ?? new Uint8Array(0)),
    }),
  });
  if (output !== undefined) {
    writer = new PcapWriter(wire.market.channels);
    output.write(writer.fileHeader());
  }
  try {
    await wire.listen();
    announce(wire, flags);
    await lead(flags.durationNs("lead") ?? 0, signal);
    await wire.run(untilOf(flags, options), signal);
  } finally {
    await wire.close();
  }
  report(wire.market, flags, wire.sent, wire.servers);
  if (wire.unsent > 0)
    printErr(`edgebook: ${wire.unsent} datagrams had no room and were not sent\n`);
  return wire.unsent > 0 ? Exit.Damaged : Exit.Done;
}

async function lead(ns: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = ns / 1e6; leftMs > 0 && !signal.aborted; leftMs -= 50) {
    await Bun.sleep(Math.min(50, leftMs));
  }
}

/** What others need to know, before the first datagram. */
function announce(wire: MarketWire, flags: FlagValues): void {
  const { segment, startSec } = wire.market.exchange.options;
  const networkInterface = flags.text("interface") ?? "127.0.0.1";
  const ports = Object.fromEntries(
    wire.servers.map(({ kind, port: at }) => [kind === "requests" ? "recovery" : kind, at]),
  );
  const start = BigInt(unixSeconds(startSec)) * 1_000_000_000n;
  printOut(
    "# Save this as collector.toml, then: edgebook collect --config collector.toml --to …\n",
  );
  printOut(collectorToml(wire.market.channels, segment, networkInterface, ports));
  printOut(`# The right books: edgebook sim expect ${expectFlags(flags)} --start ${start}\n`);
  printErr(`edgebook: serving ${segment}, ${wire.market.channels.list.length} groups\n`);
}

/** The flags of the exchange that were given, as they are typed. */
function expectFlags(flags: FlagValues): string {
  return EXCHANGE_FLAGS.filter(({ name }) => name !== "start")
    .flatMap(({ name, fallback }) =>
      flags
        .texts(name)
        .filter((value) => value !== fallback)
        .map((value) => `--${name} ${value}`),
    )
    .join(" ");
}

function report(
  market: Market,
  flags: FlagValues,
  sent: number,
  servers: MarketWire["servers"],
): void {
  const faults: Record<string, number> = {};
  for (const log of market.logs) {
    for (const [fault, count] of log.counts) faults[fault] = (faults[fault] ?? 0) + count;
  }
  const struck = Object.entries(faults).map(([fault, count]) => `${fault} ${count}`);
  printErr(
    `edgebook: ${market.exchange.messages} messages, ${sent} datagrams; ` +
      `faults: ${struck.join(", ") || "none"}\n`,
  );
  for (const written of market.scheduled.idle) {
    printErr(`edgebook: ${flags.text("schedule")}, line ${written}: struck nothing\n`);
  }
  const violations: Record<string, number> = {};
  for (const { kind, core } of servers) {
    const sentBy = core instanceof OneRequestServer ? core.bytesSent : core.packetsSent;
    const unit = core instanceof OneRequestServer ? "bytes" : "packets";
    printErr(`edgebook: ${kind}: ${core.requests} requests, ${sentBy} ${unit}\n`);
    for (const record of core.violations.records) printErr(`edgebook: ${kind}: ${record}\n`);
    for (const [what, count] of core.violations.counts) {
      violations[what] = (violations[what] ?? 0) + count;
    }
  }
  if (!flags.on("stats")) return;
  const requests = servers.reduce((sum, { core }) => sum + core.requests, 0);
  const last = Object.fromEntries(
    market.exchange.streams.map(({ id, publisher }) => [id, publisher.lastSequence]),
  );
  const { messages } = market.exchange;
  printErr(
    `${JSON.stringify({ messages, datagrams: sent, faults, requests, violations, last })}\n`,
  );
}
