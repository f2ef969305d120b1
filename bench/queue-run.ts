/**
 * Edge: `rebuild --schema none --digest` of an exchange's own file, asked on the way where orders stand:
 * at moments that a seed chose, for the queue of a level that a seed chose. Arguments: file, messages in
 * it, moments, seed. Prints one line of JSON, `QueueRun`.
 */
import { Levels } from "../book/books.ts";
import type { PipelineOptions, PipelineStream } from "../book/pipeline.ts";
import { FlagValues } from "../cli/flag-values.ts";
import { type Opened, readOffline } from "../cli/offline.ts";
import { Rebuilding } from "../cli/rebuilding.ts";
import { Random } from "../faults/random.ts";
import { Side } from "../feed/op-batch.ts";

/** What was asked, in the words of `yardsticks/queues.cpp`, and what was answered, in its words too. */
export interface QueueRun {
  readonly asked: readonly string[];
  readonly answers: readonly string[];
  readonly messages: number;
  readonly nsPerMessage: number;
  readonly digest: string;
}

const FNV_START = 2_166_136_261 | 0;
const FNV_PRIME = 16_777_619;
const LEVELS = 10;
/** Books are thin at first: so many draws until one has a level. */
const DRAWS = 1000;

class Asking extends Rebuilding {
  readonly asked: string[] = [];
  readonly answers: string[] = [];
  private readonly moments: readonly number[];
  private readonly random: Random;
  private readonly levels = new Levels(LEVELS);

  constructor(moments: readonly number[], random: Random) {
    super({
      schema: "none",
      settled: false,
      digest: true,
      sequencer: {},
      mastersFor: async () => undefined,
      rowsTo: () => {
        throw new Error("no rows were asked for");
      },
    });
    this.moments = moments;
    this.random = random;
  }

  protected override openBooks(opened: Opened, options: PipelineOptions): void {
    super.openBooks(opened, { ...options, onRun: (stream) => this.askIfDue(stream) });
  }

  private askIfDue(stream: PipelineStream): void {
    while (this.moments[this.asked.length] <= stream.applied) this.ask(stream);
  }

  private ask({ books, decoder, applied }: PipelineStream): void {
    const { random, levels } = this;
    const { digestNumbers } = decoder.instruments;
    if (books === null) throw new Error("a feed without books has no queues");
    for (let draw = 0; draw < DRAWS; draw++) {
      const instrument = random.below(digestNumbers.length);
      const side = random.below(2) === 0 ? Side.Buy : Side.Sell;
      books.topLevels(instrument, side, levels);
      if (levels.count === 0) continue;
      const price = levels.price[random.below(levels.count)];
      let hash = FNV_START;
      const queue = books.queue(instrument, side, price);
      for (const { orderId, size } of queue) {
        const id = BigInt(orderId);
        for (const word of [Number(id & 0xffffffffn), Number(id >> 32n), size]) {
          hash = Math.imul(hash ^ word, FNV_PRIME);
        }
      }
      const isBuy = side === Side.Buy ? 1 : 0;
      this.asked.push(`${applied} ${digestNumbers[instrument]} ${isBuy} ${price}`);
      this.answers.push(`${queue.length} ${(hash >>> 0).toString(16).padStart(8, "0")}`);
      return;
    }
    throw new Error("no book has a level");
  }
}

const [file, messages, moments, seed] = process.argv.slice(2);
const random = new Random(Number(seed));
const drawn = Array.from({ length: Number(moments) }, () => 1 + random.below(Number(messages)));
const work = new Asking(
  // The books of the first hundredth may be empty.
  drawn.map((moment) => Math.max(moment, Number(messages) / 100)).sort((a, b) => a - b),
  random,
);
const startMs = performance.now();
await readOffline([file], new FlagValues(new Map()), new AbortController().signal, work);
const ns = (performance.now() - startMs) * 1e6;
const applied = work.pipeline.streams[0]?.applied ?? 0;
const run: QueueRun = {
  asked: work.asked,
  answers: work.answers,
  messages: applied,
  nsPerMessage: ns / applied,
  digest: work.digestText,
};
console.log(JSON.stringify(run));
