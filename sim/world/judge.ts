/**
 * Looks at a world while it runs and when it has ended, and says what does not hold. Books are
 * compared at some moments and whenever a stream heals; flags at every look.
 */
import type { StreamJson } from "../../book/live-status.ts";
import {
  booksAreRight,
  chunksGiveBack,
  conflictsAreCounted,
  eachNumberOnce,
  flaggedExactlyWhenDoubtful,
  ledgerAccounts,
  queuesStayBounded,
  recoveryKeepsLimits,
  whatCanBeRepairedIs,
} from "../properties.ts";
import { POLICY } from "./edge.ts";
import type { Observer, World } from "./world.ts";

const LOOK_TICKS = 4;
const MOMENTS = 6;
const PROBLEMS_LIMIT = 8;
/** A stream may be held for its window and as long as a chunk is waited for, and be told late. */
const HELD_SLACK_NS = 2e9;

/** Stream-time by what could be said of the books, ns. */
export class Standing {
  live = 0;
  held = 0;
  flagged = 0;
  /** The centre was down, or had not heard of the stream. */
  absent = 0;
}

/** The exchange itself began at another number than 1: nothing is missing, and nobody can know. */
function isLateByNature({ centre }: World, { stream, flags }: StreamJson): boolean {
  const own = centre.watch?.streams.find((one) => one?.truth.id === stream);
  return flags === "J" && own?.first === own?.truth.epochs[own.epoch]?.first;
}

export class Judge implements Observer {
  readonly problems: { property: string; text: string }[] = [];
  readonly standing = new Standing();
  private ticks = 0;
  private lookedNs = 0;
  private comparedNs = 0;
  private watched: unknown = null;
  /** By stream: where it is held, and since when. */
  private readonly heldAt = new Map<number, { position: string | null; sinceNs: number }>();

  tick(world: World, nowNs: number): void {
    if (++this.ticks % LOOK_TICKS !== 0) return;
    const said = world.centre.streams();
    if (world.centre.watch !== this.watched) {
      // A life that is over has nothing more to say than what it said.
      this.watched = world.centre.watch;
      this.heldAt.clear();
    }
    this.count(world, said, nowNs - this.lookedNs);
    this.lookedNs = nowNs;
    this.note("flagged exactly when doubtful", flaggedExactlyWhenDoubtful(world, said));
    this.note("each number once", eachNumberOnce(world));
    this.note("held no longer than may be", this.heldTooLong(world, said, nowNs));
    if (nowNs - this.comparedNs < world.untilNs / MOMENTS) return;
    this.comparedNs = nowNs;
    this.note("books are right", booksAreRight(world));
  }

  end(world: World): void {
    const said = world.centre.streams();
    this.note("books are right", booksAreRight(world));
    this.note("flagged exactly when doubtful", flaggedExactlyWhenDoubtful(world, said));
    this.note("each number once", eachNumberOnce(world));
    this.note("the ledger accounts", ledgerAccounts(world));
    this.note("conflicts are counted", conflictsAreCounted(world));
    this.note("queues stay bounded", queuesStayBounded(world));
    this.note("recovery keeps limits", recoveryKeepsLimits(world));
    this.note("chunks give back", chunksGiveBack(world));
    this.note("what can be repaired is", whatCanBeRepairedIs(world, said));
  }

  private note(property: string, texts: readonly string[]): void {
    for (const text of texts) {
      const isKnown = this.problems.some((problem) => problem.text === text);
      if (!isKnown && this.problems.length < PROBLEMS_LIMIT) this.problems.push({ property, text });
    }
  }

  private count(world: World, said: readonly StreamJson[], spanNs: number): void {
    for (const id of world.truth.streams.keys()) {
      const json = said.find(({ stream }) => stream === id);
      if (json === undefined || json.state === "silent") this.standing.absent += spanNs;
      else if (json.state === "held") this.standing.held += spanNs;
      else if (json.doubtful && !isLateByNature(world, json)) this.standing.flagged += spanNs;
      else this.standing.live += spanNs;
    }
  }

  private heldTooLong(world: World, said: readonly StreamJson[], nowNs: number): string[] {
    const { windowMs, holdMs } = world.given;
    const isAsked = world.given.servers.offer !== "nothing";
    const repairNs = isAsked ? POLICY.ticksNs + POLICY.snapshotNs : 0;
    const mostNs = (windowMs + holdMs) * 1e6 + repairNs + HELD_SLACK_NS;
    const problems: string[] = [];
    for (const { stream, state, position } of said) {
      const known = this.heldAt.get(stream);
      if (state !== "held") this.heldAt.delete(stream);
      else if (known?.position !== position) this.heldAt.set(stream, { position, sinceNs: nowNs });
      else if (nowNs - known.sinceNs > mostNs) {
        problems.push(`stream ${stream} is held at ${position} for ever`);
      }
    }
    return problems;
  }
}
