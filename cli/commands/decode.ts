/** Edge: `edgebook decode`: what stands in a capture, message by message, before any arbitration. */
import { DecodeRows } from "../../book/rows/decode-rows.ts";
import type { Feed } from "../../feed/feed.ts";
import { PacketBatch } from "../../feed/packet-batch.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import type { Command } from "../command.ts";
import { Exit } from "../errors.ts";
import { type Consumer, type Opened, readOffline } from "../offline.ts";
import { printErr } from "../output.ts";
import { RowOutput } from "../row-output.ts";
import {
  CHANNELS_FLAG,
  CHECKSUMS_FLAG,
  DATE_FLAG,
  FEED_FLAG,
  ROW_FLAGS,
  SPEC_FLAG,
} from "../shared-flags.ts";

export const command: Command = {
  args: { placeholder: "FILE…", atLeast: 1, atMost: Number.POSITIVE_INFINITY },
  flags: [FEED_FLAG, CHANNELS_FLAG, DATE_FLAG, SPEC_FLAG, ...ROW_FLAGS, CHECKSUMS_FLAG],
  help:
    "Writes every message of every datagram as a row: each copy on each line, heartbeats too. Columns " +
    "are ts_recv, stream, line, sequence and type, then the fields of the feed's layout table by name " +
    "('edgebook feeds describe FEED' explains them). The sequence of a heartbeat is the last number " +
    "that the exchange has sent. FILE is a pcap, pcapng, chunk file or the exchange's own file, plain " +
    "or packed with gzip or zstd; - is standard input.",
  examples: [
    ["edgebook decode day.pcap.gz --feed nse-fo", "all messages as NDJSON"],
    ["edgebook decode 01302020.NASDAQ_ITCH50.gz --out day.parquet", "an ITCH file as Parquet"],
  ],
  async run({ args, flags, signal }) {
    const output = new RowOutput(flags);
    const consumer = new Decoding(output);
    try {
      const { complaints } = await readOffline(args, flags, signal, consumer);
      output.finish();
      complaints.push(...consumer.complaints());
      for (const complaint of complaints) printErr(`edgebook: ${complaint}\n`);
      return complaints.length > 0 ? Exit.Damaged : Exit.Done;
    } catch (thrown) {
      output.discard();
      throw thrown;
    }
  },
};

class Decoding implements Consumer {
  /** Times stay as the wire has them. */
  readonly usesDay = false;
  private readonly output: RowOutput;
  private readonly packets = new PacketBatch(1, 4096);
  private rows: DecodeRows | undefined;
  private file: Feed["file"];

  constructor(output: RowOutput) {
    this.output = output;
  }

  open({ feed, channels }: Opened): void {
    this.rows = new DecodeRows(feed, channels, (shape) => this.output.begin(shape, true));
    this.file = feed.file;
  }

  frames(batch: FrameBatch): void {
    this.rows?.push(batch);
  }

  fileBytes(bytes: Uint8Array, from: number, to: number): number {
    const { packets, rows, file } = this;
    if (!rows || !file) return to;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    packets.clear();
    const next = file.split(view, from, to, packets);
    rows.pushFile(view, packets);
    return next;
  }

  finish(): void {
    this.rows?.finish();
  }

  complaints(): string[] {
    const faults = [...(this.rows?.faults ?? [])];
    return faults.map(([name, count]) => `${count} datagrams with a fault: ${name}`);
  }
}
