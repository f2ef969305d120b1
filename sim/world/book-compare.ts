/** Books under test against the auditor's, and in words the first that differs. */
import { type Books, Levels } from "../../book/books.ts";
import type { PipelineStream } from "../../book/pipeline.ts";
import { Side } from "../../feed/op-batch.ts";
import type { BookImage, LevelImage } from "../book-image.ts";

const LEVELS = new Levels(4096);

/** How queues are compared: order for order, or as sets where a snapshot cannot tell places. */
export type QueueMode = "places" | "members";

/**
 * @param expected the auditor's books by name
 * @returns what differs, in words; undefined if nothing does
 */
export function differingBook(
  target: PipelineStream,
  books: Books,
  expected: ReadonlyMap<string, BookImage>,
  mode: QueueMode,
): string | undefined {
  const { instruments } = target.decoder;
  for (const name of expected.keys()) {
    if (instruments.indexOf(name) === undefined) return `book ${name} is not there`;
  }
  for (let index = 0; index < instruments.count; index++) {
    const name = instruments.names[index];
    const found = [levelsOf(books, index, Side.Buy), levelsOf(books, index, Side.Sell)];
    const image = expected.get(name);
    const wanted = [image?.bids ?? [], image?.asks ?? []];
    if (isSame(found[0], wanted[0]) && isSame(found[1], wanted[1])) continue;
    const [a, b] = [textOf(found, mode), textOf(wanted, mode)];
    if (a !== b) return `book ${name} is ${a.slice(0, 300)}, expected ${b.slice(0, 300)}`;
  }
  return undefined;
}

/** The same levels with the same orders in the same places. */
function isSame(a: readonly LevelImage[], b: readonly LevelImage[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ price, orders }, level) => {
      const other = b[level];
      return (
        price === other.price &&
        orders.length === other.orders.length &&
        orders.every(({ id, quantity }, place) => {
          const one = other.orders[place];
          return id === one.id && quantity === one.quantity;
        })
      );
    })
  );
}

function textOf(sides: readonly (readonly LevelImage[])[], mode: QueueMode): string {
  const side = (levels: readonly LevelImage[]) =>
    levels
      .map(({ price, orders }) => {
        const texts = orders.map(({ id, quantity }) => `${id}x${quantity}`);
        return `${price}: ${(mode === "members" ? texts.sort() : texts).join(" ")}`;
      })
      .join(", ");
  return sides.map((levels) => `[${side(levels)}]`).join(" ");
}

function levelsOf(books: Books, instrument: number, side: number): LevelImage[] {
  books.topLevels(instrument, side, LEVELS);
  const found: LevelImage[] = [];
  for (let at = 0; at < LEVELS.count; at++) {
    const price = LEVELS.price[at];
    const orders = books.queue(instrument, side, price).map(({ orderId, size }) => ({
      id: Number(orderId),
      quantity: size,
    }));
    const sum = orders.reduce((total, { quantity }) => total + quantity, 0);
    // A level that disagrees with its own queue shows as one with no orders.
    const isSound = sum === LEVELS.size[at] && orders.length === LEVELS.orders[at];
    found.push({ price, orders: isSound ? orders : [] });
  }
  return found;
}
