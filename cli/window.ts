/** The value of `--window`: how long, and how many messages, a missing number is waited for. */
import { CliError } from "./errors.ts";
import { parseDurationNs } from "./flag-values.ts";

export interface Window {
  windowNs?: number;
  windowMessages?: number;
}

/** `100ms`, `5000messages`, or both with a comma; a bare number other than 0 counts messages. */
export function parseWindow(text: string): Window {
  const window: Window = {};
  for (const part of text.split(",").map((word) => word.trim())) {
    const ns = parseDurationNs(part);
    const messages = /^(\d+)(?:messages|msgs?)?$/.exec(part);
    if (ns !== undefined) window.windowNs = ns;
    else if (messages) window.windowMessages = Number(messages[1]);
    else {
      throw new CliError(
        "bad_flag",
        `'--window' is '${text}'; '${part}' is neither a time nor a number of messages.`,
        "Write 100ms, 5000messages, or 100ms,5000messages; 0 runs on at once.",
      );
    }
  }
  return window;
}
