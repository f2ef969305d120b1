/**
 * One cache line for each book: where its two sides lie in the levels' pool, where its orders lie in
 * the table, and which order last made it cross. Whatever a message does to a book starts here, so
 * the three owners (`price-levels.ts`, `order-table.ts`, `order-books.ts`) share the line.
 *
 *   word  0..3 bid side: segment start, capacity, first level, one behind the best level
 *         4..7 ask side, the same
 *         8 first vacant slot   9 next fresh slot   10 newest slab   11 12 id of the crossing order
 */
export const HEAD_WORDS = 16;
export const SIDE_WORDS = 4;
export const VACANT_SLOT = 8;
export const FRESH_SLOT = 9;
export const NEWEST_SLAB = 10;
export const CROSSER_LOW = 11;
export const CROSSER_HIGH = 12;

export class BookHeads {
  words = new Int32Array(64 * HEAD_WORDS);
  /** Books that have been used: indices below it have a head. */
  count = 0;

  /** Makes `book` a book; new ones are empty. */
  reserve(book: number): void {
    if (book < this.count) return;
    this.count = book + 1;
    if (this.count * HEAD_WORDS <= this.words.length) return;
    const grown = new Int32Array(Math.max(this.count * HEAD_WORDS, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
  }

  clear(): void {
    this.words.fill(0);
  }
}
