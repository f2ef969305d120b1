/** Edge: the value of `--as-of`: how a book service joins trades with quotes. */
import { asOfDeclaration } from "../book/asof/declaration.ts";
import type { AsOfDeclaration } from "../book/asof/live-asof.ts";
import { CliError } from "./errors.ts";
import { wholeText } from "./masters.ts";

/** `own`: each trade with its own instrument's quote; else a TOML file that declares the join. */
export async function parseAsOf(text: string): Promise<AsOfDeclaration> {
  if (text === "own") return {};
  const source = await wholeText(text);
  try {
    return asOfDeclaration(Bun.TOML.parse(source) as Readonly<Record<string, unknown>>);
  } catch (cause) {
    const message = `--as-of ${text}: ${cause instanceof Error ? cause.message : cause}`;
    throw new CliError("bad_config", message, "book/README.md shows such a file.", cause);
  }
}
