/**
 * What one op did to the books: the rows of the `mbo` schema, before they have times and names.
 * One op gives none (a cancel of an unknown id) to three (a trade and two fills), a clear one for
 * each instrument.
 */
export const Action = {
  Add: 65,
  Cancel: 67,
  Fill: 70,
  Modify: 77,
  Clear: 82,
  Trade: 84,
  Break: 66,
};
/** `N`: the op had no row of its own. */
export const NO_ACTION = 78;

export class Effects {
  count = 0;
  /** ASCII code of A, C, F, M, R, T or B. */
  action: Uint8Array;
  /** `Side`: 0 bid, 1 ask, 2 none. */
  side: Uint8Array;
  instrument: Int32Array;
  /** Integer in the feed's price unit; NaN where the row has none (`R`, a break without a price). */
  price: Float64Array;
  size: Float64Array;
  /** Both words 0: the row has no order id. */
  idLo: Int32Array;
  idHi: Int32Array;

  constructor(capacity = 16) {
    this.action = new Uint8Array(capacity);
    this.side = new Uint8Array(capacity);
    this.instrument = new Int32Array(capacity);
    this.price = new Float64Array(capacity);
    this.size = new Float64Array(capacity);
    this.idLo = new Int32Array(capacity);
    this.idHi = new Int32Array(capacity);
  }

  add(
    action: number,
    side: number,
    instrument: number,
    price: number,
    size: number,
    idLo: number,
    idHi: number,
  ): void {
    if (this.count === this.action.length) this.grow();
    const at = this.count++;
    this.action[at] = action;
    this.side[at] = side;
    this.instrument[at] = instrument;
    this.price[at] = price;
    this.size[at] = size;
    this.idLo[at] = idLo;
    this.idHi[at] = idHi;
  }

  private grow(): void {
    const wider = new Effects(this.action.length * 2);
    wider.action.set(this.action);
    wider.side.set(this.side);
    wider.instrument.set(this.instrument);
    wider.price.set(this.price);
    wider.size.set(this.size);
    wider.idLo.set(this.idLo);
    wider.idHi.set(this.idHi);
    this.action = wider.action;
    this.side = wider.side;
    this.instrument = wider.instrument;
    this.price = wider.price;
    this.size = wider.size;
    this.idLo = wider.idLo;
    this.idHi = wider.idHi;
  }
}
