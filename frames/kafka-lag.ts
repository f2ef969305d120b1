/**
 * How far a reader of Kafka is behind, partition by partition: records that it has not taken, and since
 * when. What it took is told record by record, where the partitions end every few seconds.
 */

export interface KafkaLag {
  readonly topic: string;
  readonly partition: number;
  /** Records that stand behind the last one taken. */
  readonly records: number;
  /** Since the last record taken was written; 0 where none waits, NaN where none was taken yet. */
  readonly seconds: number;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record to be taken. */
  next: number;
  /** Of the next record to be written, as far as is known. */
  end: number;
  /** When the last record taken was written, milliseconds since 1970; NaN: none was. */
  takenMs: number;
}

export class LagWatch {
  private readonly places = new Map<string, Place>();

  /** Only these partitions are watched from now on. */
  assign(partitions: readonly { readonly topic: string; readonly partition: number }[]): void {
    const names = new Set(partitions.map(nameOf));
    for (const name of this.places.keys()) if (!names.has(name)) this.places.delete(name);
    for (const { topic, partition } of partitions) this.placeOf(topic, partition);
  }

  /** Reading begins here. */
  begins(topic: string, partition: number, offset: number): void {
    const place = this.places.get(nameOf({ topic, partition }));
    if (place !== undefined && Number.isNaN(place.takenMs)) place.next = offset;
  }

  took(topic: string, partition: number, offset: number, timeMs: number): void {
    const place = this.placeOf(topic, partition);
    place.next = offset + 1;
    place.takenMs = timeMs;
  }

  /** @param end offset of the next record that will be written */
  ends(topic: string, partition: number, end: number): void {
    const place = this.places.get(nameOf({ topic, partition }));
    if (place !== undefined) place.end = end;
  }

  lags(nowMs: number): KafkaLag[] {
    return [...this.places.values()].map(({ topic, partition, next, end, takenMs }) => {
      const records = Math.max(0, end - next);
      const seconds = records === 0 ? 0 : Math.max(0, nowMs - takenMs) / 1000;
      return { topic, partition, records, seconds };
    });
  }

  private placeOf(topic: string, partition: number): Place {
    const name = nameOf({ topic, partition });
    let place = this.places.get(name);
    if (place === undefined) {
      place = { topic, partition, next: 0, end: 0, takenMs: Number.NaN };
      this.places.set(name, place);
    }
    return place;
  }
}

const nameOf = (of: { readonly topic: string; readonly partition: number }) =>
  `${of.topic}/${of.partition}`;

/** All partitions as one: records added up, the longest wait. */
export function lagOfAll(lags: readonly KafkaLag[]): { records: number; seconds: number } {
  let records = 0;
  let seconds = 0;
  for (const lag of lags) {
    records += lag.records;
    if (lag.seconds > seconds) seconds = lag.seconds;
  }
  return { records, seconds };
}
