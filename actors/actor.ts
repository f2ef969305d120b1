/**
 * The words of the kernel: what an actor is, what it may do in its turn, what is said about it.
 *
 * An actor handles one message at a time, and a turn is all or nothing: what it sends, asks,
 * answers or stops happens when the turn ends well. A turn that throws has done none of it, so that
 * a second try doubles nothing.
 */
import type { MailboxMetrics, MailboxOptions } from "./mailbox.ts";
import type { Directive, SupervisionOptions } from "./supervision.ts";

/** Where to send messages of type M. It stays valid, and harmless, after the actor's end. */
export interface Ref<M> {
  readonly id: number;
  /** Names from the root down, with slashes. */
  readonly path: string;
  /** Never there: it only lets the compiler hold M against the messages that are sent. */
  readonly accepts?: (message: M) => void;
}

/** Any actor, when only its identity counts. */
export type AnyRef = Ref<never>;

/** Where the answer to one question goes; may be passed on. Only the first answer counts. */
export interface ReplyTo<R> {
  readonly ask: number;
  readonly answers?: (value: R) => void;
}

/**
 * How a question ended. `timeout`: no answer in time. `stopped`: the one that was asked is gone.
 * `dropped`: its mailbox dropped the question. `full`: it was full (only asked from outside; an
 * actor waits). `failed`: it failed at the question. `deadlock`: see `DeadLetterReason`.
 */
export type Answer<R> =
  | { readonly ok: true; readonly value: R }
  | { readonly ok: false; readonly why: NoAnswer };
export type NoAnswer = "timeout" | "stopped" | "dropped" | "full" | "failed" | "deadlock";

/** `drain`: handles what already waits, then its children do, then it ends. `now`: at once. */
export type StopMode = "drain" | "now";

/** `deadline`: its drain took too long. `parent`: its parent ended or failed. */
export type EndReason = "stopped" | "failed" | "escalated" | "deadline" | "parent";

export interface Actor<M> {
  /** The first turn of each life. */
  started?(self: Self<M>): void;
  receive(message: M, self: Self<M>): void;
  /** A child ended; a turn of its own. Not told to an actor that failed in the meantime. */
  ended?(child: AnyRef, why: EndReason, self: Self<M>): void;
  /**
   * Decides about a child that failed, between turns (it sends nothing); undefined leaves it to the
   * child's own directive. If it throws, the failure escalates.
   */
  supervise?(failure: Failure): Directive | undefined;
  /** The last call of each life; its own failure is told as an effect and changes nothing. */
  stopped?(why: EndReason): void;
}

export interface ActorSpec<M> {
  /** Without slashes; no two living children of one parent have the same. */
  readonly name: string;
  /** Makes the instance of each life. */
  create(): Actor<M>;
  readonly mailbox: MailboxOptions<M>;
  readonly supervision?: SupervisionOptions;
}

/** What an actor may do in its turn. Afterwards every call throws `ACTOR_OUTSIDE_TURN`. */
export interface Self<M> {
  readonly ref: Ref<M>;
  /** From 1, one more with every restart. */
  readonly life: number;
  readonly nowNs: number;
  /** If the mailbox there is full and its policy `block`, this actor rests until it is taken. */
  send<T>(to: Ref<T>, message: T): void;
  /** `then` runs as a turn of this actor, exactly once unless this life ends before. */
  ask<T, R>(
    to: Ref<T>,
    question: (replyTo: ReplyTo<R>) => T,
    timeoutNs: number,
    then: (answer: Answer<R>, self: Self<M>) => void,
  ): void;
  reply<R>(to: ReplyTo<R>, value: R): void;
  /** Takes effect at once, unlike the rest; a turn that fails takes its children with it. */
  spawn<T>(spec: ActorSpec<T>): Ref<T>;
  /** @param timeoutNs when a drain is cut short; 10 s if not given */
  stop(actor: AnyRef, mode: StopMode, timeoutNs?: number): void;
}

export interface Failure {
  readonly actor: AnyRef;
  readonly error: unknown;
  /** The message in hand; undefined if it failed at none. */
  readonly message: unknown;
  /** How often that message was tried; 0 if there was none. */
  readonly tries: number;
  /** Whether the message has had its last try: from here on only the supervisor has it. */
  readonly poisoned: boolean;
  readonly life: number;
}

/** `stopped`: the receiver is gone. `senderStopped`: it still waited with its sender, which ended.
 * `deadlock`: every actor in a circle would have waited for room in the next one's mailbox. */
export type DeadLetterReason = "stopped" | "senderStopped" | "deadlock";

/** What the host is told. Drops by policy are only counted. */
export type Effect =
  | { readonly kind: "failed"; readonly failure: Failure; readonly directive: Directive }
  | { readonly kind: "poisoned"; readonly failure: Failure }
  | { readonly kind: "restarted"; readonly actor: AnyRef; readonly life: number }
  | { readonly kind: "escalated"; readonly actor: AnyRef; readonly error: unknown }
  | {
      readonly kind: "stopped";
      readonly actor: AnyRef;
      readonly why: EndReason;
      readonly mailbox: MailboxMetrics;
    }
  | { readonly kind: "stopHookFailed"; readonly actor: AnyRef; readonly error: unknown }
  | {
      readonly kind: "deadLetter";
      readonly to: AnyRef;
      readonly message: unknown;
      readonly why: DeadLetterReason;
    };
