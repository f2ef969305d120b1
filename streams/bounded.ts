/** The newest `limit` rows of something; what fell out is counted. */
export class Bounded<Row> {
  /** Rows ever added. */
  total = 0;
  private readonly rows: Row[] = [];
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Rows that fell out. */
  get forgotten(): number {
    return this.total - this.rows.length;
  }

  add(row: Row): void {
    if (this.rows.length < this.limit) this.rows.push(row);
    else this.rows[this.total % this.limit] = row;
    this.total++;
  }

  /** Oldest first. */
  list(): Row[] {
    if (this.total <= this.limit) return this.rows.slice();
    const start = this.total % this.limit;
    return [...this.rows.slice(start), ...this.rows.slice(0, start)];
  }
}
