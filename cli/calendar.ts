/** Edge: the value of `--calendar`: when the exchanges trade. */
import { type Calendar, calendarOf } from "../book/calendar/declaration.ts";
import { FEED_IDS } from "../feed/registry.ts";
import { CliError } from "./errors.ts";
import { wholeText } from "./masters.ts";

export async function parseCalendar(path: string): Promise<Calendar> {
  const source = await wholeText(path);
  try {
    return calendarOf(Bun.TOML.parse(source) as Readonly<Record<string, unknown>>, FEED_IDS);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(
      "bad_config",
      `--calendar ${path}: ${why}`,
      "book/README.md shows such a file.",
      cause,
    );
  }
}
