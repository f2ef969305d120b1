/** Edge: `edgebook sim expect`: the books that the simulated exchange must give, by its auditor. */
import { feedById } from "../../feed/registry.ts";
import { Exchange } from "../../sim/exchange/exchange.ts";
import { Expectation, type ExpectChoice } from "../../sim/expect.ts";
import { expectedHeader, expectedLine, type RowFormat } from "../../sim/expect-rows.ts";
import { scheduledExchange } from "../../sim/market.ts";
import { type Command, NO_ARGUMENTS } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import type { FlagValues } from "../flag-values.ts";
import { openOutput, printErr } from "../output.ts";
import { FORCE_FLAG, OUT_FLAG } from "../shared-flags.ts";
import {
  durationNs,
  EXCHANGE_FLAGS,
  exchangeOptions,
  readSchedule,
  simError,
} from "../sim-flags.ts";

const STEP_NS = 50e6;
const FLUSH_CHARS = 1 << 20;

export const command: Command = {
  args: NO_ARGUMENTS,
  flags: [
    ...EXCHANGE_FLAGS,
    {
      name: "at",
      kind: "text",
      repeatable: true,
      placeholder: "STREAM:SEQ",
      doc: "All books of the stream right after this number.",
    },
    {
      name: "every",
      kind: "integer",
      placeholder: "N",
      doc: "After every Nth number of a stream the book it is about; 1 is a row for each message.",
    },
    {
      name: "final",
      kind: "boolean",
      doc: "All books at the end; what is written if nothing else.",
    },
    {
      name: "token",
      kind: "text",
      repeatable: true,
      placeholder: "T",
      doc: "Only books of this instrument, as the feed names it.",
    },
    { name: "stream", kind: "integer", placeholder: "N", doc: "Only books of this stream." },
    {
      name: "queues",
      kind: "boolean",
      doc: "Adds each side's whole queue: price=id:size+id:size for each level, best first.",
    },
    {
      name: "format",
      kind: "text",
      values: ["ndjson", "csv"],
      doc: "How rows are written; else by the ending of --out, else ndjson.",
    },
    OUT_FLAG,
    FORCE_FLAG,
  ],
  help:
    "Writes the books that a correct feed handler has after the exchange's messages, whatever went " +
    "wrong on the lines. Given the flags of 'sim serve', it means the same exchange: same seed, " +
    "same bytes. Rows have the columns of mbp-10 that a book alone decides (ts_event, stream, " +
    "sequence, token and ten levels), in the order of the exchange's time. An auditor that shares " +
    "no code with edgebook's own books makes them, slowly.\n" +
    "What a schedule does to the lines changes no expected book; 'restart' and 'end' do, so pass " +
    "the same --schedule.",
  examples: [
    ["edgebook sim expect --seed 7 --duration 10s --final", "every book at the end"],
    ["edgebook sim expect --seed 7 --duration 10s --at 2:5000 --queues", "stream 2 after 5000"],
    ["edgebook sim expect --seed 7 --duration 10s --every 1 --out want.csv", "after each message"],
    ["edgebook compare want.csv got.csv --ignore ts_recv", "is the other handler right?"],
  ],
  async run({ flags, signal }) {
    const schedule = readSchedule(flags);
    const untilNs = durationNs(flags, schedule);
    if (!Number.isFinite(untilNs)) {
      throw new CliError(
        "bad_flag",
        "Nothing says how long the exchange runs.",
        "Give --duration, as to 'sim serve'.",
      );
    }
    const exchange = new Exchange(scheduledExchange(await exchangeOptions(flags), schedule));
    const choice = choiceOf(flags, exchange);
    const format = formatOf(flags, exchange);
    const output = openOutput(flags.text("out"), flags.on("force"));
    const encoder = new TextEncoder();
    let text = format.format === "csv" ? `${expectedHeader(format).join(",")}\n` : "";
    let rows = 0;
    const flush = () => {
      output.write(encoder.encode(text));
      text = "";
    };
    try {
      const expectation = new Expectation(exchange, choice, (row) => {
        rows++;
        text += expectedLine(row, format);
        if (text.length > FLUSH_CHARS) flush();
      });
      while (exchange.nowNs < untilNs && !signal.aborted) {
        expectation.step(Math.min(exchange.nowNs + STEP_NS, untilNs));
        // Lets a signal in.
        await Bun.sleep(0);
      }
      expectation.finish();
      flush();
      if (signal.aborted) output.discard();
      else output.close();
      if (rows === 0) printErr(`edgebook: no row: ${expectation.messages} messages were judged\n`);
      return Exit.Done;
    } catch (thrown) {
      output.discard();
      throw simError(thrown);
    }
  },
};

function choiceOf(flags: FlagValues, exchange: Exchange): ExpectChoice {
  const at = flags.texts("at").map((text) => {
    const parts = /^(\d{1,5}):(\d{1,15})$/.exec(text);
    if (parts !== null && exchange.stream(Number(parts[1])) !== undefined) {
      return { stream: Number(parts[1]), sequence: Number(parts[2]) };
    }
    const hint = `Write STREAM:SEQ, as in ${exchange.streams[0].id}:5000.`;
    throw new CliError("bad_flag", `'--at' is '${text}', no number of a stream here.`, hint);
  });
  const every = flags.integer("every") ?? 0;
  const tokens = new Set(flags.texts("token"));
  const unknown = [...tokens].find((token) => exchange.book(token) === undefined);
  if (unknown !== undefined) {
    const hint = `The first it has are ${exchange.instruments
      .slice(0, 5)
      .map(({ name }) => name)
      .join(", ")}.`;
    throw new CliError("bad_flag", `The exchange does not list '${unknown}'.`, hint);
  }
  const final = flags.on("final") || (at.length === 0 && every === 0);
  return { at, every, final, tokens, stream: flags.integer("stream") ?? 0 };
}

function formatOf(flags: FlagValues, { options }: Exchange): RowFormat {
  const ending = flags.text("out")?.endsWith(".csv") ? "csv" : "ndjson";
  const format = (flags.text("format") ?? ending) as RowFormat["format"];
  const decimals = feedById(options.segment)?.table.priceDecimals ?? 2;
  return { format, decimals, queues: flags.on("queues") };
}
