/**
 * The centre in the world: one life after another of the book service's core, and who watches it.
 * A life begins with nothing and asks collectors for what their spools still have, or from its newest
 * good checkpoint and asks for what came after.
 */
import { Live, type LiveFeed } from "../../book/live.ts";
import { Rates, type StreamJson, streamsJson } from "../../book/live-status.ts";
import type { Zstd } from "../../frames/zstd-port.ts";
import type { Broker } from "./broker.ts";
import type { WorldCase } from "./case.ts";
import { WorldCheckpoints } from "./checkpoints.ts";
import type { ShardKill } from "./commands.ts";
import { DeliveryWatch } from "./delivery-watch.ts";
import type { WorldClock } from "./edge.ts";
import type { Truth } from "./truth.ts";

const CONSUMER = "books";
const ADVANCE_NS = 100e6;
const POSITION_NS = 250e6;
const ASK_AGAIN_NS = 200e6;
/** The centre's questions for the exchange, at the pace of a case that lasts seconds. */
const REPAIRS = {
  askAfterNs: 300e6,
  rangesAgainNs: 400e6,
  snapshotAgainNs: 800e6,
  healAgainNs: 2e9,
};
export const HOLD_BYTES = 256 << 10;

export class Centre {
  live: Live | null = null;
  watch: DeliveryWatch | null = null;
  lives = 0;
  heldBytesMax = 0;
  private readonly world: WorldCase;
  private readonly zstd: Zstd;
  private readonly broker: Broker;
  private readonly clock: WorldClock;
  private readonly truth: Truth;
  readonly checkpoints: WorldCheckpoints | undefined;
  private advancedNs = 0;
  private positionNs = 0;
  private savedNs = 0;

  constructor(world: WorldCase, zstd: Zstd, broker: Broker, clock: WorldClock, truth: Truth) {
    this.world = world;
    this.zstd = zstd;
    this.broker = broker;
    this.clock = clock;
    this.truth = truth;
    this.checkpoints = world.saveMs ? new WorldCheckpoints(zstd, world.seed) : undefined;
  }

  /** @param kill what the life before ended by, where this one may begin from a checkpoint */
  start(nowNs = 0, kill?: ShardKill): void {
    const { checkpoints } = this;
    this.lives++;
    if (kill === "damage checkpoint") checkpoints?.spoil("damage");
    if (kill === "tear checkpoint") checkpoints?.spoil("tear");
    const opened = checkpoints?.open(() => this.newLive(), kill !== undefined);
    const live = opened?.live ?? this.newLive();
    const watch = opened?.watch ?? new DeliveryWatch(this.truth);
    watch.live = live;
    this.live = live;
    this.watch = watch;
    if (opened?.watch !== undefined) live.resume(this.clock.unixNs(nowNs));
    checkpoints?.attend(live, watch);
    this.savedNs = nowNs;
  }

  private newLive(): Live {
    return new Live({
      zstd: this.zstd,
      sequencer: { windowNs: this.world.windowMs * 1e6 },
      intake: {
        holdNs: this.world.holdMs * 1e6,
        askAgainNs: ASK_AGAIN_NS,
        holdBytes: HOLD_BYTES,
        canAsk: true,
      },
      ask: (collector, request) => this.broker.ask(collector, JSON.stringify(request)),
      repairs: REPAIRS,
      onRun: (stream, from, to) => this.watch?.run(stream, from, to),
    });
  }

  kill(): void {
    this.broker.depart(CONSUMER);
    this.checkpoints?.kill();
    this.live = null;
    this.watch = null;
  }

  tick(nowNs: number): void {
    const { live, broker } = this;
    const arrived = broker.inbox;
    broker.inbox = [];
    if (live === null) return;
    for (const { bytes } of arrived) live.push(bytes, this.clock.unixNs(nowNs));
    this.heldBytesMax = Math.max(this.heldBytesMax, live.intake.heldBytesMax);
    if (nowNs - this.advancedNs >= ADVANCE_NS) {
      this.advancedNs = nowNs;
      live.advance(this.clock.unixNs(nowNs));
    }
    this.save(nowNs);
    if (nowNs - this.positionNs >= POSITION_NS && broker.isUp) {
      this.positionNs = nowNs;
      for (const position of live.intake.positions(CONSUMER)) {
        broker.publish(position.collector, JSON.stringify(position));
      }
    }
  }

  /** A piece of the checkpoint under way, or the next one's beginning. */
  private save(nowNs: number): void {
    const { checkpoints } = this;
    const { saveMs } = this.world;
    if (checkpoints === undefined || !saveMs) return;
    checkpoints.step();
    // What comes after the end of trading is long, and the same.
    const isOver = nowNs > this.world.untilMs * 1e6;
    if (isOver || nowNs - this.savedNs < saveMs * 1e6) return;
    this.savedNs = nowNs;
    checkpoints.begin(this.clock.unixNs(nowNs));
  }

  get feed(): LiveFeed | undefined {
    return this.live?.feeds.values().next().value;
  }

  /** What the service says of its streams. */
  streams(): StreamJson[] {
    return this.live === null ? [] : streamsJson(this.live, new Rates());
  }
}
