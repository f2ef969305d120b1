/** For the tests of feeds: messages made from values, and captures walked without a sequencer. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { layoutsByType, type WireValue, writeMessage } from "../feed/codec.ts";
import type { Decoder, Feed } from "../feed/feed.ts";
import { MessageBatch } from "../feed/message-batch.ts";
import { OpBatch } from "../feed/op-batch.ts";
import { type Fault, PacketBatch, PacketKind } from "../feed/packet-batch.ts";
import { captureFrames } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import { openInput } from "../frames/input.ts";

const CAPTURES = join(import.meta.dir, "../../shared/data");

/** Path of a real capture; undefined, and said so, where the captures are not there. */
export function capturePath(name: string): string | undefined {
  if (existsSync(CAPTURES)) return join(CAPTURES, name);
  console.log("not run: no captures");
  return undefined;
}

export type Values = Readonly<Record<string, WireValue>>;

/** The bytes of one message; its type is written too. */
export function messageBytes(feed: Feed, type: string, values: Values): Uint8Array {
  const layout = layoutsByType(feed.table)[type.charCodeAt(0)];
  if (layout === undefined) throw new Error(`${feed.id} has no message ${type}`);
  const bytes = new Uint8Array(layout.length);
  const named = { message_type: type, ...values };
  writeMessage(feed.table, layout, named, new DataView(bytes.buffer), 0);
  return bytes;
}

/** A batch of messages with numbers from 1, in one buffer that ends with the last of them. */
export function batchOf(messages: readonly Uint8Array[]): MessageBatch {
  const batch = new MessageBatch(Math.max(1, messages.length));
  batch.bytes = new Uint8Array(messages.reduce((sum, message) => sum + message.length, 0));
  batch.view = new DataView(batch.bytes.buffer);
  let at = 0;
  for (const message of messages) {
    batch.bytes.set(message, at);
    batch.offset[batch.count] = at;
    batch.length[batch.count] = message.length;
    batch.sequence[batch.count] = batch.count + 1;
    batch.count++;
    at += message.length;
  }
  return batch;
}

/** Decodes the messages in one run. */
export function opsOf(decoder: Decoder, messages: readonly Uint8Array[]): OpBatch {
  const batch = batchOf(messages);
  const ops = new OpBatch(batch.capacity);
  decoder.decodeRun(batch, 0, batch.count, ops);
  return ops;
}

/** What a capture's datagrams say, in the order of capture and without arbitration. */
export class CaptureTally {
  frames = 0;
  packets = 0;
  heartbeats = 0;
  messages = 0;
  /** Numbers that were skipped between one packet and the next of the same stream and session. */
  missing = 0;
  readonly byType: Record<string, number> = {};
  readonly byOp: Record<number, number> = {};
  readonly faults: Record<number, number> = {};
  readonly decoder: Decoder;

  constructor(decoder: Decoder) {
    this.decoder = decoder;
  }
}

/** Walks a capture through the feed's framing and one decoder. */
export async function tallyOf(feed: Feed, path: string): Promise<CaptureTally> {
  const tally = new CaptureTally(feed.decoder({}));
  const framing = feed.framing();
  const packets = new PacketBatch();
  const next = new Map<string, number>();
  await captureFrames(await openInput(path), new Channels(), new CaptureCounters(), (batch) => {
    packets.clear();
    for (let i = 0; i < batch.count; i++) {
      const context = { stream: 0 };
      count(
        tally.faults,
        framing.read(batch.view, batch.offset[i], batch.length[i], i, context, packets),
      );
    }
    tally.frames += batch.count;
    tallyPackets(tally, packets, next);
    tallyMessages(tally, packets, batch.bytes, batch.view);
  });
  return tally;
}

function tallyPackets(tally: CaptureTally, packets: PacketBatch, next: Map<string, number>): void {
  for (let i = 0; i < packets.count; i++) {
    tally.packets++;
    const key = `${packets.stream[i]} ${packets.session[i]}`;
    const isHeartbeat = packets.kind[i] === PacketKind.Heartbeat;
    if (isHeartbeat) tally.heartbeats++;
    const first = packets.sequence[i] + (isHeartbeat ? 1 : 0);
    tally.missing += Math.max(0, first - (next.get(key) ?? first));
    next.set(key, first + packets.numbers[i]);
  }
}

function tallyMessages(
  tally: CaptureTally,
  packets: PacketBatch,
  bytes: Uint8Array,
  view: DataView,
): void {
  const batch = new MessageBatch(Math.max(1, packets.messageCount));
  batch.bytes = bytes;
  batch.view = view;
  batch.count = packets.messageCount;
  batch.offset.set(packets.messageOffset.subarray(0, packets.messageCount));
  batch.length.set(packets.messageLength.subarray(0, packets.messageCount));
  const ops = new OpBatch(batch.capacity);
  tally.decoder.decodeRun(batch, 0, batch.count, ops);
  tally.messages += batch.count;
  for (let i = 0; i < batch.count; i++) {
    count(tally.byType, String.fromCharCode(bytes[batch.offset[i]]));
    count(tally.byOp, ops.kind[i]);
  }
}

function count<K extends string | number>(counts: Record<K, number>, key: K | Fault): void {
  counts[key as K] = (counts[key as K] ?? 0) + 1;
}
