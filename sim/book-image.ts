/**
 * A book as it stands at a moment, in plain words: the shape in which the simulated exchange, the
 * auditor and the books under test are held against each other.
 */
export interface OrderImage {
  readonly id: number;
  /** Open quantity. */
  readonly quantity: number;
}

export interface LevelImage {
  /** Integer in the feed's price unit. */
  readonly price: number;
  /** In the order in which they are executed. */
  readonly orders: readonly OrderImage[];
}

export interface BookImage {
  /** Best first. */
  readonly bids: readonly LevelImage[];
  readonly asks: readonly LevelImage[];
  /** Market orders of a closing auction, which stand at no price: buys, then sells. */
  readonly marketOrders: readonly OrderImage[];
}
