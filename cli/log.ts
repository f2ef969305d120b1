/**
 * Edge: the log of a service, on standard error: a sentence a line for people, one JSON object a line
 * for programs. What ends a command early is not the log's: `main.ts` says that, in words.
 */
import { EVENTS, type Tell } from "../metrics/events.ts";
import type { FlagSpec } from "./command.ts";
import type { FlagValues } from "./flag-values.ts";
import { printErr } from "./output.ts";

export type LogFormat = "text" | "json";

export const LOG_FLAG: FlagSpec = {
  name: "log",
  kind: "text",
  values: ["text", "json"],
  doc: "How standard error is written: sentences (on a terminal), or one JSON object a line.",
};

/**
 * @param usual what it is where nobody says: of a service sentences on a terminal, JSON elsewhere
 * @returns what writes to the log of this process
 */
export function openLog(
  flags: FlagValues,
  usual: LogFormat = process.stderr.isTTY === true ? "text" : "json",
): Tell {
  const told = flags.text("log") as LogFormat | undefined;
  return logTo(told ?? usual, printErr, () => new Date());
}

/** @param write gets whole lines @param now for `time` */
export function logTo(format: LogFormat, write: (line: string) => void, now: () => Date): Tell {
  if (format === "text") return (text) => write(`edgebook: ${text}\n`);
  return (text, event = "status", place = {}) => {
    const { level } = EVENTS[event];
    const line = { time: now().toISOString(), level, event, text, ...place };
    write(`${JSON.stringify(line)}\n`);
  };
}
