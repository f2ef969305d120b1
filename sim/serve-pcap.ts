/**
 * A market's traffic as a capture, on virtual time: as fast as it goes, the same bytes for the same
 * options. Frames carry the exchange's time, plus what lines and faults delay them.
 */
import { FrameBatch } from "../frames/frame-batch.ts";
import { PcapWriter } from "../frames/pcap-writer.ts";
import { unixSeconds } from "./exchange/options.ts";
import { Market, type MarketOptions } from "./market.ts";

const STEP_NS = 20e6;
const BATCH_FRAMES = 4_096;
const BATCH_BYTES = 1 << 20;

export class MarketCapture {
  readonly market: Market;
  frames = 0;
  private readonly writer: PcapWriter;
  private readonly write: (bytes: Uint8Array) => void;
  private readonly startUnixSec: number;
  private readonly batch = new FrameBatch(BATCH_FRAMES);
  private readonly bytes = new Uint8Array(BATCH_BYTES);
  private used = 0;

  /** @param write takes the file's next bytes; valid only during the call */
  constructor(options: Partial<MarketOptions>, write: (bytes: Uint8Array) => void) {
    this.market = new Market(options, this);
    this.writer = new PcapWriter(this.market.channels);
    this.write = write;
    this.startUnixSec = unixSeconds(this.market.exchange.options.startSec);
    this.batch.reset(this.bytes);
    write(this.writer.fileHeader());
  }

  /** Up to `untilNs` of the exchange's time, a step at a time; true when that is reached. */
  step(untilNs: number): boolean {
    const { exchange } = this.market;
    this.market.step(Math.min(exchange.nowNs + STEP_NS, untilNs));
    if (exchange.nowNs < untilNs) return false;
    this.market.finish();
    this.flush();
    return true;
  }

  frame(channel: number, timeNs: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.batch.count === BATCH_FRAMES || this.used + length > BATCH_BYTES) this.flush();
    this.bytes.set(bytes.subarray(offset, offset + length), this.used);
    const sec = Math.floor(timeNs / 1e9);
    const nsec = Math.floor(timeNs - sec * 1e9);
    this.batch.add(this.used, length, this.startUnixSec + sec, nsec, channel);
    this.used += length;
    this.frames++;
  }

  private flush(): void {
    if (this.batch.count > 0) this.write(this.writer.packets(this.batch));
    this.batch.reset(this.bytes);
    this.used = 0;
  }
}
