/**
 * The broker and the way to the centre: chunks that its clients hold while it is down, and what
 * happens to chunks after it has acknowledged them.
 *
 *   Edge ─► (down: waits) ─► acknowledged ─► schedule ─► ChunkFaults ─► inbox of the centre
 *
 * Questions and positions come back as the text that they are on the wire, one tick later. As with
 * MQTT without a session, what a centre that is not there would have got is gone.
 */

import { type ToSend, WINDOW_CHUNKS } from "../../collector/send-window.ts";
import { ChunkFaults } from "../../faults/chunks.ts";
import type { ChunkHeader, PackedChunk } from "../../frames/chunk.ts";
import type { WorldCase } from "./case.ts";
import { type ChunkCommand, isChunkCommand } from "./commands.ts";
import type { Edge } from "./edge.ts";
import type { Strikes } from "./strikes.ts";

export interface Delivered {
  readonly bytes: Uint8Array;
}

interface Waiting {
  readonly edge: Edge;
  readonly chunk: PackedChunk;
  readonly sent: ToSend;
  /** How many the edge had sent for the first time, this one included. */
  readonly ordinal: number;
}

export class Broker {
  isUp = true;
  /** Positions by collector. */
  readonly retained = new Map<string, string>();
  /** Chunks that were sent again, as `collector/boot/number`. */
  readonly resent = new Set<string>();
  readonly resentChunks: ChunkHeader[] = [];
  inbox: Delivered[] = [];
  waitingMax = 0;
  private readonly positions: string[] = [];
  private readonly departures: string[] = [];
  private waiting: Waiting[] = [];
  private overtaken: Uint8Array[] = [];
  private readonly control: { collector: string; text: string }[] = [];
  private readonly commands: readonly ChunkCommand[];
  private readonly faults: ChunkFaults;
  private readonly strikes: Strikes;

  constructor(world: WorldCase, strikes: Strikes) {
    this.commands = world.commands.filter(isChunkCommand);
    this.strikes = strikes;
    this.faults = new ChunkFaults({ ...world.noise.chunks, logLimit: 200 }, world.seed, {
      chunk: (bytes) => this.inbox.push({ bytes }),
    });
  }

  send(edge: Edge, chunk: PackedChunk, sent: ToSend, ordinal: number): void {
    this.waiting.push({ edge, chunk, sent, ordinal });
    this.waitingMax = Math.max(this.waitingMax, this.waiting.length);
  }

  /** The edge's process is gone, and with it what its client held. */
  forget(edge: Edge): void {
    this.waiting = this.waiting.filter((waiting) => waiting.edge !== edge);
  }

  /** Kept for collectors that come later, as retained messages are. */
  publish(collector: string, position: string): void {
    if (!this.isUp || this.retained.get(collector) === position) return;
    this.retained.set(collector, position);
    this.positions.push(position);
  }

  ask(collector: string, text: string): void {
    if (this.isUp) this.control.push({ collector, text });
  }

  /** The broker has lost a centre, and says so to all. */
  depart(consumer: string): void {
    this.departures.push(consumer);
  }

  /** Everything that waits goes its way, if the broker is there. */
  tick(edges: readonly Edge[], nowNs: number): void {
    if (!this.isUp) return;
    for (const { collector, text } of this.control.splice(0)) {
      for (const edge of edges) if (edge.name === collector && edge.isUp) edge.request(text);
    }
    const taken = this.waiting;
    this.waiting = [];
    for (const waiting of taken) {
      this.pass(waiting);
      waiting.edge.acknowledged(waiting.sent, nowNs);
    }
    for (const position of this.positions.splice(0)) {
      for (const edge of edges) if (edge.isUp) edge.hear(position, nowNs);
    }
    for (const consumer of this.departures.splice(0)) {
      for (const edge of edges) if (edge.isUp) edge.forget(consumer);
    }
  }

  /** Most chunks that clients may hold at once. */
  static bound(edges: number): number {
    return edges * WINDOW_CHUNKS;
  }

  private pass({ edge, chunk, sent: { again }, ordinal }: Waiting): void {
    const { collector, boot, number, stream } = chunk.header;
    if (again) {
      this.resent.add(`${collector}/${boot}/${number}`);
      this.resentChunks.push(chunk.header);
    }
    const command = again
      ? undefined
      : this.commands.find(
          ({ collector: struck, from, to }) =>
            `edge-${struck + 1}` === edge.name && ordinal >= from && ordinal <= to,
        );
    if (command !== undefined) {
      this.strikes.chunk({ fault: command.kind, collector, boot, chunk: number, stream });
    }
    if (command?.kind === "overtake") this.overtaken.push(chunk.bytes);
    else if (command?.kind !== "lose") {
      const copy = chunk.bytes.slice();
      if (command?.kind === "damage") copy[copy.length >> 1] ^= 0x55;
      this.faults.push(collector, number, copy);
      if (command?.kind === "repeat") this.faults.push(collector, number, chunk.bytes);
      for (const late of this.overtaken.splice(0)) this.faults.push(collector, number, late);
    }
  }
}
