/**
 * Small actors for tests: one that records, one that does as it is told.
 */
import type { Actor, ActorSpec, Self } from "./actor.ts";
import type { MailboxOptions } from "./mailbox.ts";
import type { SupervisionOptions } from "./supervision.ts";

/** A mailbox that is never in the way. */
export const roomy: MailboxOptions<never> = { limit: 1_000_000, policy: "block" };

/** A spec whose actor does `receive` with each message. */
export function does<M>(
  name: string,
  receive: (message: M, self: Self<M>) => void,
  mailbox: MailboxOptions<M> = roomy as MailboxOptions<M>,
  supervision: SupervisionOptions = {},
): ActorSpec<M> {
  return { name, mailbox, supervision, create: () => ({ receive }) };
}

/** A spec whose actor puts each message into `into`. */
export function records<M>(name: string, into: M[], mailbox?: MailboxOptions<M>): ActorSpec<M> {
  return does<M>(name, (message) => void into.push(message), mailbox);
}

/** A message is something to do in the receiver's turn. */
export type Order = (self: Self<Order>, life: Map<string, unknown>) => void;

/** Does what each message says; its map is what a restart loses. */
class Obedient implements Actor<Order> {
  readonly #life = new Map<string, unknown>();

  receive(order: Order, self: Self<Order>): void {
    order(self, this.#life);
  }
}

export function obeys(
  name: string,
  mailbox: MailboxOptions<Order> = roomy as MailboxOptions<Order>,
  supervision: SupervisionOptions = {},
): ActorSpec<Order> {
  return { name, mailbox, supervision, create: () => new Obedient() };
}
