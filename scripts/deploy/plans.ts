/** The day that the manifests are held against: derivatives, 1 M messages a second, bursts of 6 M. */
import { type Day, planDay } from "./day-plan.ts";
import { messagesPerSecond } from "./market-day.ts";
import { numbersOf, type WorkloadNumbers } from "./plan-numbers.ts";

const HOUR = 3600;
const MANIFEST = new URL("../../deploy/kubernetes/segment-fo.yaml", import.meta.url).pathname;
/** Rows of `events` to a message: a trade is a row for each order besides its own. */
const ROWS_PER_MESSAGE = 1.27;

export const SHAPE = {
  preOpen: 9 * HOUR,
  open: 9.25 * HOUR,
  close: 15.5 * HOUR,
  average: 1_000_000,
  burst: 6,
};

export interface Plan {
  readonly numbers: WorkloadNumbers;
  readonly arriving: Float64Array;
  readonly day: Day;
}

/** @param times of the day's messages: 2 is a day of twice as many */
export function plans(times = 1): { readonly book: Plan; readonly ingest: Plan } {
  const messages = messagesPerSecond({ ...SHAPE, average: SHAPE.average * times });
  const rows = messages.map((each) => each * ROWS_PER_MESSAGE);
  return {
    // Streams are not equally busy, and a stream is one member's.
    book: plan("book-fo", messages, 1.5, 0),
    // Events are dealt out by instrument, more evenly; each change of the group costs seconds.
    ingest: plan("ingest-fo", rows, 1.2, 5),
  };
}

function plan(name: string, arriving: Float64Array, skew: number, rebalanceSeconds: number): Plan {
  const numbers = numbersOf(MANIFEST, name);
  return { numbers, arriving, day: planDay(numbers, { arriving, skew, rebalanceSeconds }) };
}
