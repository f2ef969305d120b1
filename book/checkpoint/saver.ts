/**
 * Takes checkpoints of a core that goes on working: its owner calls `step` between chunks, and each
 * call is a few milliseconds of work.
 *
 *   begin ─► make room (the memory that will be copied to is touched, 4 MiB a step)
 *         ─► the one stop: the graph is taken, all at one point of the input, and the buffers are
 *            copied; of the orders' records the copy only begins
 *         ─► the rest of the records, 4 MiB a step, those that will change before they do
 *         ─► pieces: packed and handed to the writer, 1 MiB a step ─► written
 *
 * `pauseNs` measures the stop; making room walks the graph once as well. Memory: the copy is as large as
 * the state and is kept for the next time.
 */
import type { Zstd } from "../../frames/zstd-port.ts";
import type { LaterCopy } from "../later-copy.ts";
import type { Live } from "../live.ts";
import { type CheckpointHead, checkpointPieces, type RecordPlace } from "./file.ts";
import type { Graph, GraphNode } from "./graph.ts";
import { writeLists } from "./graph-capture.ts";
import { captureLive } from "./live-state.ts";

/** Where a checkpoint goes. None of its methods may leave a half written one behind as a whole. */
export interface CheckpointWriter {
  write(bytes: Uint8Array): void;
  /** All of it was written. */
  commit(): void;
  abort(): void;
}

export interface SaverPorts {
  /** @throws if it cannot be written: the checkpoint is then given up and counted */
  open(number: number): CheckpointWriter;
  /** Asked at the beginning of the stop: what was taken last. */
  record?(): RecordPlace;
  /** Number of the next one, above the last; absent: the very next. */
  numberAfter?(last: number): number;
  /** Of records in a step after the stop; 4 MiB unless told. */
  readonly copyStepBytes?: number;
  /** A clock that only goes on, ns. */
  clockNs(): number;
  /** Told when all of one was written. */
  saved(head: CheckpointHead, bytes: number): void;
  failed(error: Error): void;
}

const STEP_BYTES = 4 << 20;
/** Spare room in a copy, so that a buffer that grows a little finds its memory touched. */
const SPARE = 1.125;

export class CheckpointSaver {
  /** Whole checkpoints, and those that could not be written. */
  saved = 0;
  failures = 0;
  /** How long the last stop took, and the longest. */
  pauseNs = 0;
  pauseNsMax = 0;
  /** Bytes of the last one as written, and of the state in memory. */
  bytes = 0;
  stateBytes = 0;
  /** The stop was, and records are still copied: messages cost more meanwhile. */
  isCopying = false;
  /** When the last whole one was taken, ns since 1970; NaN before the first. */
  takenNs = Number.NaN;
  private readonly live: Live;
  private readonly key: string;
  private readonly zstd: Zstd;
  private readonly ports: SaverPorts;
  private readonly copies: Uint8Array[] = [];
  private readonly lists: unknown[][] = [];
  private number: number;
  private work: Generator<void> | undefined;

  /** @param number of the newest checkpoint that there is; 0: none */
  constructor(live: Live, key: string, zstd: Zstd, number: number, ports: SaverPorts) {
    this.live = live;
    this.key = key;
    this.zstd = zstd;
    this.number = number;
    this.ports = ports;
  }

  get isBusy(): boolean {
    return this.work !== undefined;
  }

  /** Begins one, unless one is under way. @param nowNs ns since 1970 */
  begin(nowNs: number): void {
    this.work ??= this.run(nowNs);
  }

  /** Some milliseconds of work; false: there is none. */
  step(): boolean {
    if (this.work === undefined) return false;
    try {
      if (this.work.next().done) this.work = undefined;
    } catch (error) {
      this.work = undefined;
      this.failures++;
      this.ports.failed(error as Error);
    }
    return true;
  }

  /** All of it at once: at the end of a service. */
  saveNow(nowNs: number): void {
    while (this.step());
    this.begin(nowNs);
    while (this.step());
  }

  private *run(nowNs: number): Generator<void> {
    yield* this.makeRoom();
    const { head, nodes } = yield* this.taken(nowNs);
    const writer = this.ports.open(head.number);
    let bytes = 0;
    let isWhole = false;
    try {
      for (const piece of checkpointPieces(head, this.parts(head), nodes, this.zstd)) {
        writer.write(piece);
        bytes += piece.length;
        yield;
      }
      writer.commit();
      isWhole = true;
    } finally {
      if (!isWhole) writer.abort();
    }
    this.saved++;
    this.bytes = bytes;
    this.takenNs = head.takenNs;
    this.ports.saved(head, bytes);
  }

  /** The stop, and what is copied and looked at after it; nothing of the live state is needed then. */
  private *taken(nowNs: number): Generator<void, { head: CheckpointHead; nodes: GraphNode[] }> {
    const later: LaterCopy[] = [];
    try {
      const { head, graph } = this.stop(nowNs, later);
      this.isCopying = true;
      yield;
      yield* this.copied(later);
      this.isCopying = false;
      yield* writeLists(graph);
      return { head, nodes: graph.nodes };
    } finally {
      this.isCopying = false;
      // Left half-made they would be told of every change for ever.
      for (const copy of later) copy.abandon();
    }
  }

  private *copied(copies: readonly LaterCopy[]): Generator<void> {
    const budget = this.ports.copyStepBytes ?? STEP_BYTES;
    let left = budget;
    for (const copy of copies) {
      while (!copy.isWhole) {
        left -= copy.step(left);
        if (left > 0) continue;
        left = budget;
        yield;
      }
    }
  }

  /** Memory that was never written costs a page fault a page: not in the stop. */
  private *makeRoom(): Generator<void> {
    const { buffers } = captureLive(this.live, this.lists).graph;
    yield;
    let touched = 0;
    for (let at = 0; at < buffers.length; at++) {
      if (!this.grow(at, buffers[at].length)) continue;
      const copy = this.copies[at];
      for (let from = 0; from < copy.length; from += STEP_BYTES) {
        copy.fill(1, from, from + STEP_BYTES);
        touched += Math.min(copy.length - from, STEP_BYTES);
        if (touched < STEP_BYTES) continue;
        touched = 0;
        yield;
      }
    }
  }

  /** True if copy `at` was too small and is a new one now. */
  private grow(at: number, bytes: number): boolean {
    if ((this.copies[at]?.length ?? -1) >= bytes) return false;
    this.copies[at] = new Uint8Array(Math.ceil(bytes * SPARE));
    return true;
  }

  /** @param later takes the copies that it began, also if it throws */
  private stop(nowNs: number, later: LaterCopy[]): { head: CheckpointHead; graph: Graph } {
    const { ports, live, copies } = this;
    const begun = ports.clockNs();
    const record = ports.record?.() ?? { session: 0, number: 0 };
    const number = ports.numberAfter?.(this.number) ?? this.number + 1;
    const positions = live.intake.positions("").map(({ collector, boot, chunk }) => {
      return { collector, boot, chunk };
    });
    const { outline, graph } = captureLive(live, this.lists);
    graph.buffers.forEach((buffer, at) => {
      this.grow(at, buffer.length);
      const image = graph.images.get(at);
      const into = copies[at].subarray(0, buffer.length);
      const copy = image?.object.copyLater?.(image.array, into);
      if (copy === undefined) into.set(buffer);
      else later.push(copy);
    });
    const buffers = graph.buffers.map(({ length }) => length);
    this.number = number;
    this.stateBytes = buffers.reduce((sum, length) => sum + length, 0);
    this.pauseNs = ports.clockNs() - begun;
    this.pauseNsMax = Math.max(this.pauseNsMax, this.pauseNs);
    const nodes = graph.nodes.length;
    const head = {
      key: this.key,
      number,
      takenNs: nowNs,
      positions,
      record,
      outline,
      buffers,
      nodes,
    };
    return { head, graph };
  }

  private parts({ buffers }: CheckpointHead): Uint8Array[] {
    return buffers.map((length, at) => this.copies[at].subarray(0, length));
  }
}
