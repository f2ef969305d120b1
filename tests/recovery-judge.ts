/** Books of a stream held against the auditor's, at the number that they stand at. */
import { Levels } from "../book/books.ts";
import type { PipelineStream } from "../book/pipeline.ts";
import { Side } from "../feed/op-batch.ts";
import { Auditor } from "../sim/auditor.ts";
import type { StreamEngine } from "../sim/exchange/stream-engine.ts";

/** An auditor on its way along a stream's log. */
export interface Judged {
  readonly auditor: Auditor;
  position: number;
  epoch: number;
}

/** What is wrong, in words; undefined if nothing is. Orders of one price are compared as a set. */
export function judgeBooks(
  judged: Map<number, Judged>,
  engine: StreamEngine,
  { decoder, books, lastSequence }: PipelineStream,
  epoch: number,
): string | undefined {
  const judge = judged.get(engine.id) ?? { auditor: new Auditor(), position: 0, epoch: 0 };
  judged.set(engine.id, judge);
  if (books === null) return undefined;
  if (!advanceTo(judge, engine, epoch, lastSequence)) {
    return `stream ${engine.id} stands at ${lastSequence} of epoch ${epoch}, which was never sent`;
  }
  const { auditor } = judge;
  if (books.liveOrders !== auditor.liveOrders) {
    const counts = `${books.liveOrders} live orders, ${auditor.liveOrders} expected`;
    return `stream ${engine.id} at ${lastSequence}: ${counts}`;
  }
  const levels = new Levels(4096);
  for (const { name } of engine.instruments) {
    const expected = auditor.book(name);
    const index = decoder.instruments.indexOf(name);
    for (const [side, wanted] of [
      [Side.Buy, expected.bids],
      [Side.Sell, expected.asks],
    ] as const) {
      levels.count = 0;
      if (index !== undefined) books.topLevels(index, side, levels);
      const found: unknown[] = [];
      for (let i = 0; i < levels.count; i++) {
        const queue = books.queue(index ?? 0, side, levels.price[i]!);
        const orders = queue.map(({ orderId, size }) => `${orderId}:${size}`).sort();
        found.push([levels.price[i], levels.size[i], orders]);
      }
      const truth = wanted.map(({ price, orders }) => [
        price,
        orders.reduce((sum, { quantity }) => sum + quantity, 0),
        orders.map(({ id, quantity }) => `${id}:${quantity}`).sort(),
      ]);
      if (JSON.stringify(found) !== JSON.stringify(truth)) {
        return `stream ${engine.id} at ${lastSequence}: book ${name} differs on side ${side}`;
      }
    }
  }
  return undefined;
}

/** Applies everything up to a message; false if it is not there. Never goes back. */
function advanceTo(judge: Judged, { log }: StreamEngine, epoch: number, sequence: number): boolean {
  const { auditor } = judge;
  for (; judge.position < log.end; judge.position++) {
    const block = log.at(judge.position);
    const slot = log.slot(judge.position);
    if (block.numbered[slot] === 0) continue;
    const number = block.sequence[slot]!;
    if (number < auditor.lastSequence) {
      if (judge.epoch === epoch) break;
      judge.epoch++;
      auditor.clear();
    }
    if (judge.epoch === epoch && number > sequence) break;
    auditor.apply(log.datagram(judge.position));
  }
  return judge.epoch === epoch && auditor.lastSequence === sequence;
}
