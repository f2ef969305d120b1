/**
 * Edge: framing and decoding alone, message by message into ops, beside a C++ parser of the same
 * fields. The decoder has met every instrument before, as it has a minute after the opening; unlike
 * the parser it looks each one up. Before a figure is told, a sum over what was read must be the yardstick's.
 */
import { openSync, readSync, statSync } from "node:fs";
import { MessageBatch } from "../feed/message-batch.ts";
import { nasdaqItch50 } from "../feed/nasdaq/feed.ts";
import { nseFo } from "../feed/nse/feed.ts";
import { NseFraming } from "../feed/nse/framing.ts";
import { OpBatch, OpKind } from "../feed/op-batch.ts";
import { Fault, PacketBatch } from "../feed/packet-batch.ts";
import type { MarketFile } from "./market-files.ts";
import { runYardstick } from "./yardstick.ts";

export interface DecodeResult {
  readonly feed: string;
  readonly messages: number;
  /** CPU time of the fastest round. */
  readonly nsPerMessage: number;
  readonly yardstickNsPerMessage: number;
  /** The sum over what was read, ours and the yardstick's. */
  readonly digest: string;
  readonly yardstickDigest: string;
}

/** Room for the messages of a piece. */
const BATCH = 4096;
/** Bytes that are framed and decoded at once: no more messages than a batch has room for. */
const PIECE_BYTES = 32 * 1024;
const NO_CHANNEL = { stream: 0 };

export function measureDecode(file: MarketFile, rounds: number): DecodeResult {
  const bytes = file.feed === "itch" ? wholeFile(file.path) : bareMessages(wholeFile(file.path));
  const run = file.feed === "itch" ? new ItchRun(bytes) : new NseRun(bytes);
  const sum = new FieldSum();
  run.decode(sum);
  let ns = Number.POSITIVE_INFINITY;
  let yardstickNs = Number.POSITIVE_INFINITY;
  let yardstickDigest = "";
  let messages = 0;
  for (let round = 0; round < rounds; round++) {
    const yardstick = runYardstick(file.feed, "parse", file.path);
    yardstickNs = Math.min(yardstickNs, yardstick.cpu_ns / yardstick.messages);
    yardstickDigest = yardstick.digest;
    const before = process.cpuUsage();
    messages = run.decode(undefined);
    const { user, system } = process.cpuUsage(before);
    // Only their sum is exact: how it is shared between the two the kernel estimates from its ticks.
    ns = Math.min(ns, ((user + system) * 1000) / messages);
  }
  return {
    feed: file.feed === "itch" ? "nasdaq-itch50" : "nse-fo",
    messages,
    nsPerMessage: ns,
    yardstickNsPerMessage: yardstickNs,
    digest: sum.text,
    yardstickDigest,
  };
}

/** Messages of NASDAQ's own file. */
class ItchRun {
  private readonly bytes: Uint8Array;
  private readonly packets = new PacketBatch(1, BATCH);
  private readonly messages = new MessageBatch(BATCH);
  private readonly ops = new OpBatch(BATCH);
  private readonly decoder = nasdaqItch50.decoder({});

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  decode(sum: FieldSum | undefined): number {
    const { bytes, packets, messages, ops, decoder } = this;
    const { file } = nasdaqItch50;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    messages.bytes = bytes;
    messages.view = view;
    let total = 0;
    shareMessages(packets, messages);
    for (let at = 0; file && at < bytes.length; ) {
      packets.clear();
      const next = file.split(view, at, Math.min(at + PIECE_BYTES, bytes.length), packets);
      if (next <= at) break;
      at = next;
      const count = packets.messageCount;
      decoder.decodeRun(messages, 0, count, ops);
      sum?.take(ops, count);
      total += count;
    }
    return total;
  }
}

/** Messages of one NSE line behind one another, as the recovery server gives them and the parser has them. */
class NseRun {
  private readonly bytes: Uint8Array;
  private readonly packets = new PacketBatch(1, BATCH);
  private readonly messages = new MessageBatch(BATCH);
  private readonly ops = new OpBatch(BATCH);
  private readonly framing = new NseFraming();
  private readonly decoder = nseFo.decoder({});

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  decode(sum: FieldSum | undefined): number {
    const { bytes, packets, messages, ops, framing } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    messages.bytes = bytes;
    messages.view = view;
    let total = 0;
    shareMessages(packets, messages);
    for (let at = 0; at < bytes.length; ) {
      packets.clear();
      const length = Math.min(PIECE_BYTES, bytes.length - at);
      const fault = framing.read(view, at, length, 0, NO_CHANNEL, packets);
      const isCut = fault === Fault.Truncated || fault === Fault.TrailingBytes;
      const count = packets.messageCount;
      if (count === 0 || (fault !== Fault.None && !isCut)) {
        throw new Error(`message ${total + count} of the file is damaged`);
      }
      at = messages.offset[count - 1] + messages.length[count - 1];
      this.decoder.decodeRun(messages, 0, count, ops);
      sum?.take(ops, count);
      total += count;
    }
    return total;
  }
}

/** What the framing finds is the batch that is decoded, as in `BookPipeline`: no copy. */
function shareMessages(packets: PacketBatch, messages: MessageBatch): void {
  packets.messageOffset = messages.offset;
  packets.messageLength = messages.length;
}

/** The sum that the yardstick makes of what it parsed, modulo 2^32. */
class FieldSum {
  private sum = 0;

  get text(): string {
    return (this.sum >>> 0).toString(16).padStart(8, "0");
  }

  take(ops: OpBatch, count: number): void {
    for (let at = 0; at < count; at++) {
      const kind = ops.kind[at];
      if (kind === OpKind.None || kind > OpKind.Trade) continue;
      const hasSize = kind !== OpKind.Cancel;
      const hasPrice = hasSize && kind !== OpKind.Reduce && kind !== OpKind.Execute;
      const isPriced = hasPrice && kind !== OpKind.ExecuteAt;
      const hasOther = kind === OpKind.Replace || kind === OpKind.Trade;
      let sum = (this.sum + ops.idLo[at]) | 0;
      if (hasOther) sum = (sum + ops.id2Lo[at]) | 0;
      if (hasSize) sum = (sum + Math.imul(3, ops.size[at])) | 0;
      if (isPriced) sum = (sum + Math.imul(7, ops.price[at])) | 0;
      this.sum = (sum + ops.timeLo[at]) | 0;
    }
  }
}

function wholeFile(path: string): Uint8Array {
  const bytes = new Uint8Array(statSync(path).size);
  const file = openSync(path, "r");
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(file, bytes, at, Math.min(bytes.length - at, 1 << 24), null);
    if (read === 0) throw new Error(`'${path}' became shorter while it was read`);
    at += read;
  }
  return bytes;
}

/** The payloads of a pcap that `market-files.ts` wrote, heartbeats left out. */
function bareMessages(pcap: Uint8Array): Uint8Array {
  const view = new DataView(pcap.buffer);
  const bare = new Uint8Array(pcap.length);
  let used = 0;
  for (let at = 24; at < pcap.length; ) {
    const from = at + 16 + 42;
    const end = at + 16 + view.getUint32(at + 8, true);
    if (view.getUint32(from + 4, true) !== 0) {
      bare.set(pcap.subarray(from, end), used);
      used += end - from;
    }
    at = end;
  }
  return bare.subarray(0, used);
}
