/**
 * Edge: where `replay` sends: `udp://GROUP:PORT`, `udp://same`, or chunks to a broker or
 * directory.
 */
import type { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { findInterface } from "../frames/multicast.ts";
import type { MulticastSender } from "../frames/multicast-port.ts";
import { openReplaySender } from "../frames/udp-send-open.ts";
import type { ReplayTarget } from "../replayer/replayer.ts";
import { type Collecting, type CollectingOptions, openCollecting } from "./collecting.ts";
import { CliError } from "./errors.ts";

const GROUP = /^udp:\/\/([0-9.]+):(\d{1,5})$/;
const FINISH_MS = 60_000;
/** Chunks that the replay may be ahead of their sink. */
const AHEAD_CHUNKS = 128;

export interface OpenTarget extends ReplayTarget {
  /** Told of the channels before the first batch of each pass is sent. */
  learn(channels: Channels): void;
  /** @returns frames or chunks that did not get through */
  close(): Promise<number>;
}

export interface UdpOptions {
  readonly interface: string | undefined;
  /** Sends on interfaces other than loopback too. */
  readonly beyondLoopback: boolean;
  /** Hands runs of equal datagrams over whole; undefined: where the interface cuts them again. */
  readonly segments: boolean | undefined;
  /** Past this host's own sockets, where that is faster. */
  readonly packets: boolean;
}

/** Sockets, if the place is `udp://…`. */
export function openUdpTarget(place: string, options: UdpOptions): OpenTarget | undefined {
  if (!place.startsWith("udp://")) return undefined;
  const same = place === "udp://same";
  const parts = GROUP.exec(place);
  if (!same && (parts === null || Number(parts[2]) < 1 || Number(parts[2]) > 65535)) {
    throw new CliError(
      "bad_flag",
      `'${place}' is no address to send to.`,
      "Write udp://GROUP:PORT, as in udp://239.1.1.1:10001, or udp://same.",
    );
  }
  if (same && options.interface === undefined) {
    throw new CliError(
      "bad_flag",
      "udp://same sends to the very groups of the capture, and needs to know on which interface.",
      "Give --interface lo.",
    );
  }
  const networkInterface = findInterface(options.interface ?? "127.0.0.1");
  if (!networkInterface.loopback && !options.beyondLoopback) {
    throw new CliError(
      "bad_flag",
      `--interface ${networkInterface.name} leaves this host: others might take it for the exchange.`,
      "Use lo, or say --beyond-loopback if that is what you want.",
    );
  }
  const { segments, packets } = options;
  const sender = openReplaySender({ networkInterface, segments, packets });
  if (parts !== null) sender.route(-1, parts[1], Number(parts[2]));
  return new UdpTarget(sender, same);
}

class UdpTarget implements OpenTarget {
  private readonly sender: MulticastSender;
  private readonly same: boolean;
  private routed = 0;

  constructor(sender: MulticastSender, same: boolean) {
    this.sender = sender;
    this.same = same;
  }

  learn(channels: Channels): void {
    if (!this.same) return;
    for (; this.routed < channels.list.length; this.routed++) {
      const { group, port } = channels.list[this.routed];
      this.sender.route(this.routed, group, port);
    }
  }

  send(frames: FrameBatch, from: number, to: number): Promise<void> | void {
    return this.sender.send(frames, from, to);
  }

  async close(): Promise<number> {
    const { failed } = this.sender;
    this.sender.close();
    return failed;
  }
}

/** Frames into chunks, as a collector would make them. */
export class ChunkTarget implements OpenTarget {
  readonly collecting: Collecting;
  private part = new FrameBatch(1024);

  constructor(options: CollectingOptions, signal: AbortSignal) {
    this.collecting = openCollecting(options);
    void this.collecting.collector.releasedBy(signal);
  }

  learn(): void {}

  async send(frames: FrameBatch, from: number, to: number): Promise<void> {
    const { core, collector } = this.collecting;
    if (this.part.capacity < to - from) this.part = new FrameBatch(to - from);
    this.part.reset(frames.bytes);
    for (let i = from; i < to; i++) {
      const { offset, length, sec, nsec, channel } = frames;
      this.part.add(offset[i], length[i], sec[i], nsec[i], channel[i]);
    }
    core.push(this.part, performance.now() * 1e6);
    await Promise.all(
      collector.forwarders.map((forwarder) => forwarder.settle(AHEAD_CHUNKS, FINISH_MS)),
    );
  }

  async close(): Promise<number> {
    const { unsent } = await this.collecting.collector.finish(FINISH_MS);
    return unsent;
  }
}
