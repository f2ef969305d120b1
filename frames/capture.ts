/**
 * Edge: frames of a capture, whatever its format and packing: the one way from a file to batches.
 * Holds the file back while the consumer is busy. A capture that is damaged or cut gives all that
 * stands before the damage, and its counters say where and what.
 */
import type { CaptureCounters } from "./capture-counters.ts";
import type { CaptureReader } from "./capture-reader.ts";
import type { Channels } from "./channels.ts";
import { FrameBatch } from "./frame-batch.ts";
import type { Input } from "./input.ts";
import { InputError } from "./input-error.ts";
import { LinkParser } from "./link.ts";
import { PcapReader } from "./pcap.ts";
import { PcapngReader } from "./pcapng.ts";
import type { InputKind } from "./sniff.ts";

export interface CaptureOptions {
  /** Counts wrong IP and UDP checksums; such frames are delivered all the same. */
  readonly verifyChecksums?: boolean;
  /** Most frames in a batch. */
  readonly batchFrames?: number;
}

/** The reader for a kind of capture, or undefined where it is none. */
export function captureReader(
  kind: InputKind,
  channels: Channels,
  counters: CaptureCounters,
  verifyChecksums = false,
): CaptureReader | undefined {
  const link = new LinkParser(channels, verifyChecksums);
  if (kind === "pcap") return new PcapReader(link, counters);
  return kind === "pcapng" ? new PcapngReader(link, counters) : undefined;
}

/**
 * Reads a capture to its end and hands every batch of frames to `onBatch`; the batch is valid until
 * that returns or, where it gives a promise, until the promise is kept. Closes the input. Throws
 * `InputError` with `not_a_capture` before the first batch where the input is neither pcap nor
 * pcapng.
 */
export async function captureFrames(
  input: Input,
  channels: Channels,
  counters: CaptureCounters,
  onBatch: (batch: FrameBatch) => void | Promise<void>,
  options: CaptureOptions = {},
): Promise<void> {
  const reader = captureReader(input.kind, channels, counters, options.verifyChecksums);
  if (reader === undefined) {
    input.close();
    throw notACapture(input);
  }
  const batch = new FrameBatch(options.batchFrames ?? 2048);
  let bytes = 0;
  try {
    for await (const block of input.blocks()) {
      bytes += block.length;
      reader.push(block);
      while (reader.next(batch)) {
        const consumed = onBatch(batch);
        if (consumed !== undefined) await consumed;
      }
    }
    if (input.damage !== undefined) {
      counters.stop(bytes, `${input.damage.reason} (packed byte ${input.damage.atByte})`);
    }
    reader.end();
  } finally {
    input.close();
  }
}

export function notACapture(input: Input): InputError {
  const hint = "give a pcap, pcapng, chunk or exchange file, plain, gzip or zstd";
  const packed = input.compression === "none" ? "" : `, unpacked from ${input.compression},`;
  if (input.head.length === 0) {
    if (input.damage === undefined) {
      return new InputError("not_a_capture", input.path, `${input.path} is empty`, hint);
    }
    const message = `${input.path} cannot be unpacked: ${input.damage.reason}`;
    return new InputError("bad_compression", input.path, message, "get the file again");
  }
  if (input.kind === "chunks") {
    const message = `${input.path} holds chunks, not captured packets`;
    return new InputError("not_a_capture", input.path, message, "read it as a chunk file");
  }
  const bytes = Array.from(input.head.subarray(0, 8), (b) => b.toString(16).padStart(2, "0"));
  const message = `${input.path}${packed} is no capture: it begins with ${bytes.join(" ")}`;
  return new InputError("not_a_capture", input.path, message, hint);
}
