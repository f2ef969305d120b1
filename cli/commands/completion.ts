/** Edge: `edgebook completion`: the script that makes a shell complete edgebook's words. */
import type { Command } from "../command.ts";
import { COMMANDS } from "../commands.ts";
import { completedCommands, completionScript, SHELLS, type Shell } from "../completion.ts";
import { CliError, Exit } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { printOut } from "../output.ts";

export const command: Command = {
  args: { placeholder: SHELLS.join("|"), atLeast: 1, atMost: 1 },
  flags: [],
  help:
    "Prints a script for your shell, made from the same table as this help: it completes commands, " +
    "flags, and the values of flags that have a list. It starts nothing.",
  examples: [
    [
      "edgebook completion bash > ~/.local/share/bash-completion/completions/edgebook",
      "for every bash from now on",
    ],
    ["source <(edgebook completion bash)", "for this one"],
    ["edgebook completion fish > ~/.config/fish/completions/edgebook.fish", "for fish"],
  ],
  async run({ args }) {
    const shell = SHELLS.find((each) => each === args[0]);
    if (shell === undefined) throw unknownShell(args[0]);
    printOut(completionScript(shell satisfies Shell, await completedCommands(COMMANDS)));
    return Exit.Done;
  },
};

function unknownShell(name: string): CliError {
  const close = nearest(name, SHELLS);
  return new CliError(
    "bad_argument",
    `There is no completion for '${name}'.`,
    close ? `Did you mean ${close}?` : `There is one for ${SHELLS.join(", ")}.`,
  );
}
