/**
 * All that the kernel keeps of one actor. Only the kernel's own files see it; the rest of the house
 * holds a `Ref`.
 *
 * Bounds: the mailbox has its own; a turn sends, asks, answers and stops at most 1,024 times, has
 * at most 1,024 open asks and 4,096 children. The outbox holds one turn's commands at most, because
 * an actor rests until it is empty.
 */

import type {
  Actor,
  ActorSpec,
  Answer,
  AnyRef,
  EndReason,
  ReplyTo,
  Self,
  StopMode,
} from "./actor.ts";
import { ActorError } from "./actor-error.ts";
import { Fifo } from "./fifo.ts";
import { type Letter, Mailbox } from "./mailbox.ts";
import { RestartBudget, type Supervision, supervision } from "./supervision.ts";
import type { Timer } from "./timers.ts";

export const COMMANDS_LIMIT = 1024;
export const ASKS_LIMIT = 1024;
export const CHILDREN_LIMIT = 4096;

export interface Envelope extends Letter {
  readonly ask: Ask | undefined;
  tries: number;
}

export interface Ask {
  readonly id: number;
  readonly target: AnyRef;
  /** Undefined when asked from outside. */
  readonly asker: Cell | undefined;
  readonly timeoutNs: number;
  readonly settle: (answer: Answer<unknown>, self: Self<unknown>) => void;
  timer: Timer | undefined;
}

/** What a turn wants done; it is done, in order, when the turn has ended well. */
export type Command =
  | { readonly kind: "send"; readonly to: AnyRef; readonly envelope: Envelope }
  | { readonly kind: "reply"; readonly to: ReplyTo<never>; readonly value: unknown }
  | { readonly kind: "stop"; readonly actor: AnyRef; mode: StopMode; timeoutNs: number };

/** What waits for a turn besides messages; taken before them, never dropped. */
export type Notice =
  | { readonly kind: "answer"; readonly ask: Ask; readonly answer: Answer<unknown> }
  | { readonly kind: "ended"; readonly child: AnyRef; readonly why: EndReason };

export class Cell {
  readonly ref: AnyRef;
  readonly name: string;
  readonly parent: Cell | undefined;
  readonly create: () => Actor<unknown>;
  readonly supervision: Supervision;
  readonly budget: RestartBudget;
  readonly mailbox: Mailbox<Envelope>;
  readonly children = new Map<string, Cell>();
  /** Questions that this actor asked, and those it was asked, that have not ended. */
  readonly asked = new Set<Ask>();
  readonly owes = new Set<Ask>();
  readonly waiters = new Fifo<Cell>();
  notices = new Fifo<Notice>();
  outbox = new Fifo<Command>();
  /** The commands of the turn that is being made. */
  turn: Command[] = [];
  /** A failed message that will be tried again, before anything else. */
  retry: Envelope | undefined;
  /** Whose full mailbox the head of the outbox waits for. */
  blockedOn: Cell | undefined;
  phase: "starting" | "running" | "backingOff" | "stopped" = "starting";
  /** On its way out, by a drain: takes nothing new. */
  draining = false;
  childrenToldToDrain = false;
  actor: Actor<unknown> | undefined;
  life = 1;
  queued = false;
  restartTimer: Timer | undefined;
  drainTimer: Timer | undefined;

  constructor(
    id: number,
    parent: Cell | undefined,
    spec: ActorSpec<unknown>,
    onDrop: (letter: Envelope) => void,
  ) {
    if (spec.name === "" || spec.name.includes("/")) {
      const mend = `an actor's name is not empty and has no slash, unlike "${spec.name}"`;
      throw new ActorError("ACTOR_BAD_OPTION", mend);
    }
    const path = parent === undefined ? spec.name : `${parent.ref.path}/${spec.name}`;
    this.ref = { id, path };
    this.name = spec.name;
    this.parent = parent;
    this.create = () => spec.create();
    this.supervision = supervision(spec.supervision);
    this.budget = new RestartBudget(this.supervision);
    this.mailbox = new Mailbox(spec.mailbox, onDrop);
  }

  /** Takes messages: neither draining nor gone. */
  get open(): boolean {
    return this.phase !== "stopped" && !this.draining;
  }

  /** Nothing is left that a drain has to wait for, but its children. */
  get quiet(): boolean {
    const nothingWaits = this.mailbox.depth === 0 && this.notices.length === 0;
    const running = this.phase === "running" && this.retry === undefined;
    return running && nothingWaits && this.outbox.length === 0 && this.asked.size === 0;
  }

  /** Would a turn, or the next step of its drain, do something now? */
  get runnable(): boolean {
    if (this.phase === "stopped" || this.phase === "backingOff") return false;
    if (this.blockedOn !== undefined) return false;
    if (this.phase === "starting" || this.retry !== undefined) return true;
    if (this.notices.length > 0 || this.mailbox.depth > 0) return true;
    return this.draining && this.quiet && (this.children.size === 0 || !this.childrenToldToDrain);
  }
}
