/** The help texts: of the whole product, and of one command. */
import type { Command, CommandEntry, FlagSpec } from "./command.ts";
import { variableOf } from "./flags.ts";

export function productHelp(commands: Readonly<Record<string, CommandEntry>>): string {
  const names = Object.keys(commands);
  const width = Math.max(...names.map((name) => name.length));
  return [
    "edgebook captures exchange multicast, rebuilds every order book, and proves it.",
    "",
    "Usage: edgebook COMMAND [flags]",
    "",
    ...names.map((name) => `  ${name.padEnd(width)}  ${commands[name].summary}`),
    "",
    "edgebook COMMAND --help tells about one command, with examples.",
    "Every flag --some-flag can also be given as the variable EDGEBOOK_SOME_FLAG.",
    "",
  ].join("\n");
}

export function commandHelp(name: string, entry: CommandEntry, command: Command): string {
  const usage = ["edgebook", name, command.args.placeholder, "[flags]"].filter((w) => w !== "");
  const lines = [`edgebook ${name}: ${entry.summary}`, "", `Usage: ${usage.join(" ")}`, ""];
  lines.push(...wrapped(command.help, 90), "");
  if (command.flags.length > 0) {
    lines.push("Flags:");
    for (const flag of command.flags) lines.push(...flagLines(flag));
    lines.push("");
  }
  if (command.examples.length > 0) {
    lines.push(command.examples.length === 1 ? "Example:" : "Examples:");
    for (const [line, does] of command.examples) lines.push(`  ${line}`, `      ${does}`);
    lines.push("");
  }
  return lines.join("\n");
}

function flagLines(flag: FlagSpec): string[] {
  const value = flag.kind === "boolean" ? "" : ` ${flag.values?.join("|") ?? placeholder(flag)}`;
  const more = [
    flag.repeatable ? "may be repeated" : "",
    flag.fallback === undefined ? "" : `default ${flag.fallback}`,
    variableOf(flag.name),
  ].filter((part) => part !== "");
  return [`  --${flag.name}${value}`, ...wrapped(`${flag.doc} (${more.join("; ")})`, 86, "      ")];
}

function placeholder(flag: FlagSpec): string {
  if (flag.placeholder !== undefined) return flag.placeholder;
  return flag.kind === "duration" ? "TIME" : flag.kind === "integer" ? "N" : "TEXT";
}

function wrapped(text: string, width: number, indent = ""): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + word.length + 1 > width) {
        lines.push(indent + line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(indent + line);
  }
  return lines;
}
