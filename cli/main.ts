/**
 * Edge: where `edgebook` starts. Finds the command, parses its flags, runs it, turns what it throws
 * into a message and an exit code. Commands load lazily, so that `--help` is quick.
 */
import { isBinary, versionText } from "./build.ts";
import type { CommandEntry } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { asCliError, CliError, Exit } from "./errors.ts";
import { checkArguments, parseFlags } from "./flags.ts";
import { commandHelp, productHelp } from "./help.ts";
import { nearest } from "./nearest.ts";
import { ClosedPipe, printErr, printOut } from "./output.ts";

async function main(words: readonly string[]): Promise<number> {
  const [name = "--help", ...rest] = words;
  if (name === "--version" || name === "-V") {
    printOut(`edgebook ${versionText}\n`);
    return Exit.Done;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    if (name === "help" && rest.length > 0) return main([...rest, "--help"]);
    printOut(productHelp(COMMANDS));
    return Exit.Done;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!entry) {
    const close = nearest(name, Object.keys(COMMANDS));
    throw new CliError(
      "unknown_command",
      `There is no command '${name}'.`,
      close ? `Did you mean 'edgebook ${close}'?` : "'edgebook --help' lists the commands.",
    );
  }
  return runEntry(name, entry, rest);
}

async function runEntry(
  name: string,
  entry: CommandEntry,
  rest: readonly string[],
): Promise<number> {
  if (isBinary && entry.needsCheckout !== undefined) {
    throw new CliError(
      "not_in_binary",
      `'${name}' is not in this one-file binary: it needs ${entry.needsCheckout}.`,
      "Run it from a checkout, with 'npm ci' done.",
    );
  }
  const { command, subcommands } = await entry.load();
  const [part = ""] = rest;
  if (subcommands && Object.hasOwn(subcommands, part)) {
    return runEntry(`${name} ${part}`, subcommands[part], rest.slice(1));
  }
  const end = rest.indexOf("--");
  const beforeEnd = end < 0 ? rest : rest.slice(0, end);
  if (beforeEnd.includes("--help") || beforeEnd.includes("-h")) {
    printOut(commandHelp(name, entry, command));
    return Exit.Done;
  }
  const { flags, args } = parseFlags(rest, command.flags, process.env);
  checkArguments(args, command.args);
  const interrupt = interruptSignal();
  const code = await command.run({ flags, args, signal: interrupt });
  return interrupt.aborted ? Exit.Interrupted : code;
}

/** The first SIGINT or SIGTERM asks for a clean end, the second does not wait for it. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(Exit.Interrupted);
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return controller.signal;
}

function report(thrown: unknown): number {
  if (thrown instanceof ClosedPipe) return Exit.Done;
  const error = asCliError(thrown);
  if (error.code !== "interrupted") {
    printErr(`edgebook: ${error.message}\n`);
    if (error.hint !== "") printErr(`  ${error.hint}\n`);
    if (process.env.EDGEBOOK_DEBUG && error.code === "unexpected") {
      printErr(`${(error.cause as Error | undefined)?.stack ?? error.stack}\n`);
    }
  }
  return error.exitCode;
}

// A dependency's use of an old function is no news for whoever runs the binary.
if (isBinary) process.noDeprecation = true;
process.exit(await main(process.argv.slice(2)).catch(report));
